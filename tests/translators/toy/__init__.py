"""A dialect for tests. Adding it takes this directory and a line in a tuple of dialects."""
