"""Which endpoints of a backend are asked, and what it lacks that has none."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fleet.models import Service
from translators.model.backends import ServicePort, Subset, holds
from translators.model.endpoints import Lack, PodEndpoint, SliceEndpoints

EXTERNAL_NAME: Final = "ExternalName"
"""The type of a Service that is another name for a host outside of the cluster."""


class Pools:
    """The endpoints of one backend, member by member, and what it lacks so far."""

    def __init__(self, port: ServicePort, *, has_members: bool) -> None:
        self.lack = Lack.SERVICE if has_members else Lack.MEMBERS
        self._port = port
        self._services: dict[str, Service] = {}
        self._endpoints: dict[str, list[PodEndpoint]] = {}

    def port_of(self, service: Service) -> str | None:
        """The name of a member's Service port; None, and a lack, where it has none to send to."""
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
        """Add a member's slices; `port` is what `port_of` gave for its Service."""
        self._services[member] = service
        found = [endpoint for each in slices for endpoint in each.at(port)]
        self._endpoints[member] = found
        self.lack = self.lack.or_nearer(Lack.NOTHING if found else lack_of(service, port, slices))

    def usable(self) -> dict[str, list[PodEndpoint]]:
        """The endpoints that may be asked, by their member."""
        used = in_use(self._endpoints)
        return {member: one_family(self._services[member], used[member]) for member in used}


def is_preferred(subset: Subset | None, member: str, labels: Mapping[str, str]) -> bool:
    """Whether a Pod of the member with these labels is asked before the others."""
    return subset is None or holds(subset, member, labels)


def find_port(service: Service, port: ServicePort) -> str | None:
    """The name of the Service's port ("" for a nameless one), which its slices carry too."""
    for candidate in service.spec.ports:
        if candidate.protocol != "TCP":
            continue
        if candidate.name == port.name if port.name else candidate.port == port.number:
            return candidate.name
    return None


def in_use(pools: Mapping[str, Sequence[PodEndpoint]]) -> dict[str, list[PodEndpoint]]:
    """Of the endpoints of each member: the ready ones, or the last resort where nobody has any."""
    last_resort = all(each.terminating for endpoints in pools.values() for each in endpoints)
    return {
        member: [each for each in endpoints if each.terminating is last_resort]
        for member, endpoints in pools.items()
    }


def one_family(service: Service, endpoints: list[PodEndpoint]) -> list[PodEndpoint]:
    """The endpoints of a member's Service, without the second address of a Pod in two IP families.

    What stays is of the Service's primary family, which is IPv4 where it names none, unless the Pod
    is ready in the other one alone. Addresses that no Pod stands behind stay as they are.
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
    """What a member's Service lacks that has no endpoint on its port, by its slices."""
    known = tuple(slices)
    # One that Kubernetes writes for a Service without Pods has no ports at all.
    named = [each for each in known if each.ports]
    if named and not any(each.has(port_name) for each in named):
        return Lack.SLICE_PORT
    if known:
        return Lack.ENDPOINTS
    if not service.spec.selects:
        return Lack.SELECTOR
    return Lack.HEADLESS if service.spec.cluster_ip == "None" else Lack.SLICES
