"""The endpoints of Services, and what a Service lacks that has none."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fleet.problem import Problem


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """One endpoint that serves on one port; `pod` is "" where the slice names none.

    It is ready, or else `terminating`.
    """

    address: str
    port: int
    pod: str
    body: bytes
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class SliceEndpoints:
    """The endpoints of a slice that serve, by the name of the Service's port."""

    ports: tuple[tuple[str, tuple[PodEndpoint, ...]], ...]
    problems: tuple[Problem, ...] = ()

    def at(self, port_name: str) -> tuple[PodEndpoint, ...]:
        """The endpoints behind the port of this name."""
        return next((found for name, found in self.ports if name == port_name), ())

    def has(self, port_name: str) -> bool:
        """Whether it has a port of this name, ready endpoints or not."""
        return any(name == port_name for name, _ in self.ports)


class Lack(Enum):
    """What a backend lacks, if anything; but for READY, its route stays and answers 503.

    Where members differ, the last one of these counts: it is the nearest to serving.
    """

    MEMBERS = "the gateway has no members"
    SERVICE = "no attached member has this Service"
    EXTERNAL_NAME = "a Service of type ExternalName has no Pods"
    PORT = "the Service has no such port in any attached member"
    SELECTOR = "the Service has no selector, and nobody has written an EndpointSlice for it"
    HEADLESS = "the headless Service has no EndpointSlice in any attached member"
    SLICES = "the Service has no EndpointSlice in any attached member"
    SLICE_PORT = "no EndpointSlice of the Service has a port of the Service port's name"
    ENDPOINTS = "the Service has no ready Pod in any attached member"
    READY = "the Service has only Pods that are terminating in the attached members"
    NOTHING = ""

    def or_nearer(self, other: "Lack") -> "Lack":
        """The one of two that is nearer to serving."""
        return max(self, other, key=_ORDER.index)


_ORDER: Final = tuple(Lack)
