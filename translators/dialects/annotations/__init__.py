"""Annotations, and what dialects have in common in reading them."""
