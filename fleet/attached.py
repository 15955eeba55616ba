"""Which members the object of a gateway attaches."""

from collections.abc import Mapping
from typing import Final

from fleet.models import AlbConfig, MseIngressConfig

REMOTE_CLUSTERS: Final[Mapping[str, str]] = {
    MseIngressConfig.__name__: "mse.alibabacloud.com/remote-clusters",
    AlbConfig.__name__: "alb.ingress.kubernetes.io/remote-clusters",
}
"""The annotation that lists members, by the kind of the gateway's object."""


def attached(gateway: MseIngressConfig | AlbConfig) -> tuple[str, ...]:
    """The IDs of the members, known or not, in the order in which they are listed."""
    return listed(gateway.metadata.annotations.get(REMOTE_CLUSTERS[type(gateway).__name__], ""))


def listed(text: str) -> tuple[str, ...]:
    """The items of a list with commas: trimmed, each once, none empty."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))
