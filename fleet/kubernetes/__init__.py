"""Clients of Kubernetes API servers: requests, watches, credentials, members, and the Lease."""
