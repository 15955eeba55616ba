"""EndpointSlices are read into the endpoints that can serve."""

from dataclasses import replace
from typing import Final, NamedTuple

from fleet.models import Endpoint as SliceEndpoint
from fleet.models import EndpointSlice, by_position
from fleet.pod_addresses import NotOfAPod, PodAddresses
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.envoy.assignments import encode_endpoint
from translators.model.endpoints import PodEndpoint, SliceEndpoints

MAX_PROBLEMS: Final = 5
"""So many endpoints of one slice are reported one by one; the others are counted."""

_LONG: Final = 200


class _Host(NamedTuple):
    """The address of an endpoint, which serves on each of the slice's ports."""

    address: str
    pod: str
    terminating: bool
    node: str


def read_slice(ref: Ref, endpoint_slice: EndpointSlice, allowed: PodAddresses) -> SliceEndpoints:
    """Read and encode the serving endpoints of a slice. Their addresses must be `allowed`."""
    problems: list[Problem] = []
    hosts: list[_Host] = []
    for i, endpoint in by_position(endpoint_slice.endpoints):
        is_terminating = endpoint.conditions.ready is False
        if (is_terminating and not _is_last_resort(endpoint)) or not endpoint.addresses:
            continue
        try:
            address = allowed.spell(endpoint.addresses[0])
        except NotOfAPod as e:
            problems.append(_no_pod(ref, i, endpoint.addresses[0], str(e)))
            continue
        target = endpoint.target_ref
        pod = target.name if target and target.kind == "Pod" else ""
        hosts.append(_Host(address, pod, is_terminating, endpoint.node_name))
    ports = tuple(
        (port.name, tuple(_at(host, port.port) for host in hosts))
        for port in endpoint_slice.ports
        if port.port is not None and port.protocol == "TCP"
    )
    return SliceEndpoints(ports, _some(problems))


def more_slices(member: str, count: int) -> Problem:
    """Report how many more slices of a member have problems than are reported one by one."""
    at = Ref(HUB, "Member", "", member)
    value, expected = f"{count} more EndpointSlices", "addresses of Pods"
    return Problem(at, "InvalidAddress", "endpoints", value, expected, "no traffic goes there")


def more_of(member: str, value: str, first: Problem) -> Problem:
    """Report how many more objects of a member have problems like the first one."""
    at = Ref(HUB, "Member", "", member)
    return replace(first, at=at, value=value)


def _is_last_resort(unready: SliceEndpoint) -> bool:
    """Return whether an endpoint that is not ready may serve while no ready one exists."""
    conditions = unready.conditions
    return conditions.terminating is True and conditions.serving is not False


def _no_pod(ref: Ref, position: int, text: str, expected: str) -> Problem:
    key, effect = f"endpoints[{position}].addresses[0]", "no traffic goes there"
    return Problem(ref, "InvalidAddress", key, text[:_LONG], expected, effect)


def _some(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return the first problems of a slice, and one that counts the others."""
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return tuple(problems)
    first = problems[0]
    rest = Problem(
        first.at, first.reason, "endpoints", f"{more} more", "addresses of Pods", first.effect
    )
    return (*problems[:MAX_PROBLEMS], rest)


def _at(host: _Host, port: int) -> PodEndpoint:
    body = encode_endpoint(host.address, port, degraded=host.terminating)
    return PodEndpoint(host.address, port, host.pod, body, host.terminating, host.node)
