"""Endpoints of Services, and the reasons why a backend has none."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final, TypeAlias

from fleet.member_settings import MemberGateway
from fleet.problem import Problem

POD_WEIGHT: Final = 1000
"""The weight of a Pod among endpoints that stand for several Pods, or for a part of one."""


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """An endpoint that serves on one port, already encoded in `body`.

    `pod` is "" where the EndpointSlice names no Pod, and `node` where it names no node. An endpoint
    that is not `terminating` is ready.
    """

    weight: ClassVar[int] = POD_WEIGHT
    address: str
    port: int
    pod: str
    body: bytes
    terminating: bool = False
    node: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """An endpoint in the place of Pods that the gateway does not reach: a node or an ingress.

    It leads to Pods of its member, and `weight` is POD_WEIGHT for each of them. They are
    `terminating`, or all ready. `named` is whether the address is a DNS name.
    """

    address: str
    port: int
    weight: int
    body: bytes
    terminating: bool = False
    named: bool = False


ServingEndpoint: TypeAlias = PodEndpoint | StandIn


@dataclass(frozen=True, slots=True)
class SliceEndpoints:
    """The serving endpoints of one EndpointSlice, by the name of the Service's port.

    Requests for them go to the member's own ingress `gateway`, or `by_nodes`, or else to the
    endpoints themselves.
    """

    ports: tuple[tuple[str, tuple[PodEndpoint, ...]], ...]
    problems: tuple[Problem, ...] = ()
    by_nodes: bool = False
    gateway: MemberGateway | None = None

    @property
    def by_pods(self) -> bool:
        """Whether requests go to the endpoints themselves."""
        return not self.by_nodes and self.gateway is None

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
    NODE_PORT = "the Service has no node port in a member that is reached by its nodes"
    NODES = "no node of the Service's members is ready and has an address that can be asked"
    SHARED = "other members have the same addresses as those that the Service is reached by"
    DRAINED = "the Service has a ready Pod only in members of weight 0"
    READY = "the Service has only Pods that are terminating in the attached members"
    NOTHING = ""

    def or_nearer(self, other: "Lack") -> "Lack":
        """Return the one of the two reasons that is nearer to serving."""
        return max(self, other, key=_ORDER.index)


_ORDER: Final = tuple(Lack)
