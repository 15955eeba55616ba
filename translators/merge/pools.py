"""Pools: the endpoints that serve a backend, or the reason why there are none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from fleet.models import Service
from translators.model.backends import BackendProtocol, ServicePort, Subset, holds
from translators.model.endpoints import Lack, PodEndpoint, SliceEndpoints

EXTERNAL_NAME: Final = "ExternalName"
"""The type of a Service that is an alias for a DNS name, and has no Pods."""


FIRST_PORT: Final = ServicePort()


class Pools:
    """The endpoints of one backend by member. `lack` is the reason why it has none so far.

    Members that are `drained` serve nothing, not even by terminating Pods.
    """

    def __init__(
        self, port: ServicePort, *, has_members: bool, drained: Collection[str] = ()
    ) -> None:
        self.lack = Lack.SERVICE if has_members else Lack.MEMBERS
        self._port = port
        self._drained = drained
        self._services: dict[str, Service] = {}
        self._endpoints: dict[str, list[PodEndpoint]] = {}

    def port_of(self, service: Service) -> str | None:
        """Return the name of the Service port in a member; None, and a lack, if it has no port."""
        if service.spec.type == EXTERNAL_NAME:
            self.lack = self.lack.or_nearer(Lack.EXTERNAL_NAME)
            return None
        name = find_port(service, self._port)
        if name is None:
            self.lack = self.lack.or_nearer(Lack.PORT)
        return name

    def add(
        self, member: str, service: Service, port: str, slices: Sequence[SliceEndpoints]
    ) -> None:
        """Add the slices of a member's Service; `port` is the port name that `port_of` returned."""
        self._services[member] = service
        endpoints = [endpoint for each in slices for endpoint in each.at(port)]
        if endpoints and member in self._drained:
            self.lack = self.lack.or_nearer(Lack.DRAINED)
            return
        self._endpoints[member] = endpoints
        lack = Lack.NOTHING if endpoints else lack_of(service, port, slices)
        self.lack = self.lack.or_nearer(lack)

    def usable(self) -> dict[str, list[PodEndpoint]]:
        """Return the endpoints that may get requests, by member."""
        used = in_use(self._endpoints)
        return {member: one_family(self._services[member], used[member]) for member in used}


def is_preferred(subset: Subset | None, member: str, labels: Mapping[str, str]) -> bool:
    """Return whether a Pod of the member with these labels is preferred to other Pods."""
    return subset is None or holds(subset, member, labels)


def find_port(service: Service, port: ServicePort) -> str | None:
    """Find the name of a Service's port, which is also its name in EndpointSlices.

    Returns "" for a port without a name, and None if the Service has no such TCP port.
    """
    if port == FIRST_PORT:
        return next((each.name for each in service.spec.ports if each.protocol == "TCP"), None)
    for candidate in service.spec.ports:
        if candidate.protocol != "TCP":
            continue
        if candidate.name == port.name if port.name else candidate.port == port.number:
            return candidate.name
    return None


_SPOKEN: Final[Mapping[str, BackendProtocol]] = {
    "http": BackendProtocol.HTTP,
    "kubernetes.io/ws": BackendProtocol.HTTP,
    "https": BackendProtocol.HTTPS,
    "kubernetes.io/wss": BackendProtocol.HTTPS,
    "kubernetes.io/h2c": BackendProtocol.H2C,
    "grpc": BackendProtocol.H2C,
}
"""What the values of `appProtocol` mean. Others are names that somebody has made up."""


def spoken_by(service: Service, port: ServicePort) -> BackendProtocol | None:
    """Return what the `appProtocol` of a Service's port says; None if it says nothing."""
    name = find_port(service, port)
    for each in service.spec.ports:
        if each.protocol == "TCP" and each.name == name:
            return _SPOKEN.get(str(each.app_protocol).lower())
    return None


def in_use(pools: Mapping[str, Sequence[PodEndpoint]]) -> dict[str, list[PodEndpoint]]:
    """Keep the ready endpoints of each member; if no member has any, keep the terminating ones."""
    last_resort = all(each.terminating for endpoints in pools.values() for each in endpoints)
    return {
        member: [each for each in endpoints if each.terminating is last_resort]
        for member, endpoints in pools.items()
    }


def one_family(service: Service, endpoints: list[PodEndpoint]) -> list[PodEndpoint]:
    """Keep one address of each Pod that has endpoints in both IP families.

    The Service's primary family is preferred, which is IPv4 if the Service names none. Endpoints
    that name no Pod are all kept.
    """
    ipv6 = [each for each in endpoints if ":" in each.address]
    if not ipv6 or len(ipv6) == len(endpoints):
        return endpoints
    ipv4 = [each for each in endpoints if ":" not in each.address]
    is_ipv6_first = service.spec.ip_families[:1] == ("IPv6",)
    primary, others = (ipv6, ipv4) if is_ipv6_first else (ipv4, ipv6)
    pods = {each.pod for each in primary if each.pod}
    return primary + [each for each in others if each.pod not in pods]


def lack_of(service: Service, port_name: str, slices: Iterable[SliceEndpoints]) -> Lack:
    """Tell from its slices why a member's Service has no endpoint on its port."""
    known = tuple(slices)
    # Kubernetes writes a slice without ports for a Service without Pods.
    named = [each for each in known if each.ports]
    if named and not any(each.has(port_name) for each in named):
        return Lack.SLICE_PORT
    if known:
        return Lack.ENDPOINTS
    if not service.spec.selects:
        return Lack.SELECTOR
    return Lack.HEADLESS if service.spec.cluster_ip == "None" else Lack.SLICES
