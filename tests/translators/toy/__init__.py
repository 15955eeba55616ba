"""A dialect that exists in tests alone: what it takes to add one is this directory and a line."""
