"""The names of gateways."""

from typing import Final

from fleet.parse import is_name
from fleet.ref import HUB, Ref

_FLAVOURS: Final = {"MseIngressConfig": "mse", "AlbConfig": "alb"}


_KINDS: Final = {flavour: kind for kind, flavour in _FLAVOURS.items()}


def gateway_name(ref: Ref) -> str:
    """The name of a gateway, as its Envoys give it in `node.cluster`."""
    return f"{_FLAVOURS[ref.kind]}/{ref.name}"


def parse_gateway_name(name: str) -> Ref:
    """The gateway's object; ValueError where the text is no gateway's name."""
    flavour, _, rest = name.partition("/")
    if flavour not in _KINDS or not is_name(rest):
        raise ValueError(f"{name!r} is not FLAVOUR/NAME, such as mse/ackone-gateway or alb/web")
    return Ref(HUB, _KINDS[flavour], "", rest)


def loop_name(ref: Ref) -> str:
    """What a gateway calls itself in the CDN-Loop header, where a slash is not allowed."""
    return f"fleetgate-{_FLAVOURS[ref.kind]}-{ref.name}"
