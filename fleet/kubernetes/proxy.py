"""Finds the proxy that the environment names for an API server."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """The URL of the proxy for a server, by HTTPS_PROXY or HTTP_PROXY.

    None if the environment names none, NO_PROXY excludes the server, or `url` is no URL.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return None if not host or proxy_bypass(host) else getproxies().get(parts.scheme)
