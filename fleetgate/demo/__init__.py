"""The demo: an embedded fleet with real backends, and a walk through the documents' examples."""
