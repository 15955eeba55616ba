"""The URI in a client's certificate, which decides whose configuration the client gets.

spiffe://TRUST-DOMAIN/gateway/mse/NAME for a MseIngressConfig
spiffe://TRUST-DOMAIN/gateway/alb/NAME for an AlbConfig

The node's own claim in `node.cluster` has to agree, or be empty.
"""

import re
from typing import Final

from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from xds.discovery import Node
from xds.errors import Refused
from xds.server import Auth, GroupOf

TRUST_DOMAIN: Final = "fleetgate"

_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}")


def check_trust_domain(text: str) -> None:
    """Check that a text is a trust domain. Raises ValueError."""
    if not _DOMAIN.fullmatch(text):
        raise ValueError(f"{text!r} is no trust domain, such as {TRUST_DOMAIN} or mesh.example")


def gateway_uri(
    gateway: str, trust_domain: str = TRUST_DOMAIN, dialects: Dialects = DIALECTS
) -> str:
    """Return the URI of a gateway such as mse/shop. Raises ValueError for other texts."""
    check_trust_domain(trust_domain)
    dialects.parse_name(gateway)
    return f"{_prefix(trust_domain)}{gateway}"


def by_certificate(trust_domain: str = TRUST_DOMAIN) -> GroupOf:
    """Return the function by which an XdsServer with TLS chooses a client's group.

    It raises Refused for a certificate without exactly one URI of a gateway, and for a node that
    names another gateway.
    """
    prefix = _prefix(trust_domain)

    def group_of(node: Node, auth: Auth) -> str:
        uris = [uri.decode(errors="replace") for uri in auth.get("peer_uri", ())]
        named = [uri.removeprefix(prefix) for uri in uris if uri.startswith(prefix)]
        if len(named) != 1:
            raise Refused(
                f"the certificate of node {node.id!r} names no gateway, or several: one URI such "
                f"as {prefix}mse/NAME is expected, not {', '.join(uris) or 'none'}"
            )
        if node.cluster not in ("", named[0]):
            raise Refused(
                f"node {node.id!r} asks for gateway {node.cluster!r}, "
                f"but its certificate is for {named[0]!r}"
            )
        return named[0]

    return group_of


def _prefix(trust_domain: str) -> str:
    return f"spiffe://{trust_domain}/gateway/"
