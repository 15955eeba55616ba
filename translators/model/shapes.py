"""Shapes: how many Envoys a managed gateway runs, their size, and the load balancers in front."""

from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem

HTTP_PORT: Final = 80
"""The port on which a gateway serves plain HTTP if its object names no port."""

HTTPS_PORT: Final = 443
"""The port on which a gateway serves TLS if its object names no port."""


@dataclass(frozen=True, slots=True)
class Size:
    """The number of cores and the GiB of memory of one Envoy."""

    cores: int = 4
    memory: int = 8

    def __str__(self) -> str:
        return f"{self.cores}c{self.memory}g"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer in front of a gateway. `size` is a name of the cloud's; "" is its choice."""

    internal: bool
    size: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The Envoys and load balancers that a gateway's object asks for.

    `ports` are the ports that clients use. `vary` says that the object decides about them. Envoys
    are then run so that they can open any port, and a new port does not replace them. `quic_ports`
    are those that clients use by UDP too.
    """

    replicas: int = 3
    size: Size = Size()
    load_balancers: tuple[LoadBalancer, ...] = (LoadBalancer(internal=False),)
    ports: tuple[int, ...] = (HTTP_PORT, HTTPS_PORT)
    vary: bool = False
    problems: tuple[Problem, ...] = ()
    quic_ports: tuple[int, ...] = ()
