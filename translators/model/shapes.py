"""A gateway as it is to be run."""

from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem

HTTP_PORT: Final = 80
"""Where gateways serve plain HTTP, unless they say where they do."""

HTTPS_PORT: Final = 443
"""Where gateways will serve TLS: in their Services from the start, so that none changes then."""


@dataclass(frozen=True, slots=True)
class Size:
    """The cores and the memory (GiB) of one Envoy."""

    cores: int = 4
    memory: int = 8

    def __str__(self) -> str:
        return f"{self.cores}c{self.memory}g"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """One in front of a gateway; `size` is in the cloud's words, "" leaves it to the cloud."""

    internal: bool
    size: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A gateway as it is to be run.

    `ports` are those that its users see. Where they `vary`, Envoys are run so that each port will
    do: another one is then no reason to replace them.
    """

    replicas: int = 3
    size: Size = Size()
    load_balancers: tuple[LoadBalancer, ...] = (LoadBalancer(internal=False),)
    ports: tuple[int, ...] = (HTTP_PORT, HTTPS_PORT)
    vary: bool = False
    problems: tuple[Problem, ...] = ()
