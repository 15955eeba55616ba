"""The proxy between fleetgate and an API server, where the environment names one."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """What HTTPS_PROXY and its kind say of a server; None where NO_PROXY has it, or for no URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return None if not host or proxy_bypass(host) else getproxies().get(parts.scheme)
