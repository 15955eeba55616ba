"""The admin HTTP: its server with all pages, and its client."""
