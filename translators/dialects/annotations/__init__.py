"""Annotations: the reading of them that all dialects share."""
