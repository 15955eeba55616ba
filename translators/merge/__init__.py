"""Merging of Ingresses: which one wins a host, path or policy, and what the status says of it."""
