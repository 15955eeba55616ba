"""Hosts, and the wildcards over them."""


def wildcard_over(host: str) -> str:
    """The wildcard that covers an exact host, whether there is one or not; else ""."""
    _, dot, domain = host.partition(".")
    return f"*.{domain}" if dot and not host.startswith("*") else ""
