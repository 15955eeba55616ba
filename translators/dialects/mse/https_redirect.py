"""The annotations `ssl-redirect` and `force-ssl-redirect`: redirect requests in clear text."""

from typing import Final

from translators.dialects.annotations.https_redirect import https_redirect
from translators.dialects.annotations.reader import shared

_MEANING: Final = (
    "`true`: a request in clear is sent to https (308) where the host has a certificate, or where "
    "the gateway trusts a proxy that ends TLS, by `fleetgate.dev/trusted-proxies`"
)

FORCE: Final = shared(
    "force-ssl-redirect",
    _MEANING,
    default="`false`",
    differs="only where the gateway, or a trusted proxy, ends TLS for the host",
    example="true",
)
REDIRECT: Final = shared(
    "ssl-redirect",
    _MEANING,
    default="`false`",
    differs="off unless it is set: a host with TLS is served in clear too",
    example="true",
)

FEATURE: Final = https_redirect(FORCE, REDIRECT)
