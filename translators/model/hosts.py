"""Host names, and the wildcard that covers one."""


def wildcard_over(host: str) -> str:
    """Return the wildcard that would cover an exact host, declared or not.

    Gives "" for a wildcard and for a host of one label.
    """
    _, dot, domain = host.partition(".")
    return f"*.{domain}" if dot and not host.startswith("*") else ""
