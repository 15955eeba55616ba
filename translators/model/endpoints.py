"""Endpoints of Services, and the reasons why a backend has none."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fleet.problem import Problem


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """An endpoint that serves on one port, already encoded in `body`.

    `pod` is "" where the EndpointSlice names no Pod. An endpoint that is not `terminating` is
    ready.
    """

    address: str
    port: int
    pod: str
    body: bytes
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class SliceEndpoints:
    """The serving endpoints of one EndpointSlice, by the name of the Service's port."""

    ports: tuple[tuple[str, tuple[PodEndpoint, ...]], ...]
    problems: tuple[Problem, ...] = ()

    def at(self, port_name: str) -> tuple[PodEndpoint, ...]:
        """Return the endpoints behind the port of this name; () where there is no such port."""
        return next((endpoints for name, endpoints in self.ports if name == port_name), ())

    def has(self, port_name: str) -> bool:
        """Return whether the slice has a port of this name, even one without endpoints."""
        return any(name == port_name for name, _ in self.ports)


class Lack(Enum):
    """The reason why a backend cannot answer, or NOTHING. Its route stays, and answers 503.

    The exception is READY: the terminating Pods still answer. The reasons are in order: where
    members differ, the later one is reported, because it is nearer to serving.
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
    DRAINED = "the Service has a ready Pod only in members of weight 0"
    READY = "the Service has only Pods that are terminating in the attached members"
    NOTHING = ""

    def or_nearer(self, other: "Lack") -> "Lack":
        """Return the one of the two reasons that is nearer to serving."""
        return max(self, other, key=_ORDER.index)


_ORDER: Final = tuple(Lack)
