"""Which gateway a client's certificate is for: its URI decides, not what the node says.

spiffe://TRUST-DOMAIN/gateway/mse/NAME, .../alb/NAME
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
    """Raise ValueError where a text is no trust domain."""
    if not _DOMAIN.fullmatch(text):
        raise ValueError(f"{text!r} is no trust domain, such as {TRUST_DOMAIN} or mesh.example")


def gateway_uri(
    gateway: str, trust_domain: str = TRUST_DOMAIN, dialects: Dialects = DIALECTS
) -> str:
    """The URI of a gateway such as mse/shop. Raises ValueError where the text is none."""
    check_trust_domain(trust_domain)
    dialects.parse_name(gateway)
    return f"{_prefix(trust_domain)}{gateway}"


def by_certificate(trust_domain: str = TRUST_DOMAIN) -> GroupOf:
    """What decides for an XdsServer with TLS. A node may leave its cluster empty."""
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
