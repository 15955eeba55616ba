"""Kubernetes API servers: how they are reached, and what is asked of them."""
