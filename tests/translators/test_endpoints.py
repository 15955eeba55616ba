"""EndpointSlices: the endpoints that are used, and the problems of the others."""

from collections.abc import Mapping

import pytest

from fleet.models import EndpointSlice, Service
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import Ref
from translators.envoy.assignments import assign
from translators.merge.pools import find_port
from translators.merge.slices import MAX_PROBLEMS, read_slice
from translators.model.backends import ServicePort
from translators.model.endpoints import Lack, PodEndpoint, SliceEndpoints

AT = Ref("c1", "EndpointSlice", "default", "web-1")


def read(
    *endpoints: Mapping[str, object],
    ports: list[dict[str, object]] | None = None,
    allowed: PodAddresses | None = None,
) -> SliceEndpoints:
    manifest = {
        "metadata": {"name": "web-1", "namespace": "default"},
        "endpoints": endpoints,
        "ports": ports if ports is not None else [{"name": "http", "port": 8080}],
    }
    return read_slice(AT, EndpointSlice.model_validate(manifest), allowed or PodAddresses())


def addresses(found: SliceEndpoints, port: str = "http") -> list[str]:
    return [f"{e.address}:{e.port}" for e in found.at(port)]


READY, LAST, NOT = "ready", "the last resort", "not used"


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        pytest.param({"ready": True}, READY, id="ready"),
        pytest.param({}, READY, id="absent"),
        pytest.param({"ready": None}, READY, id="null"),
        pytest.param({"ready": False}, NOT, id="not-ready"),
        pytest.param({"ready": False, "serving": True}, NOT, id="serving-but-not-terminating"),
        pytest.param({"ready": False, "terminating": True}, LAST, id="serving-if-absent"),
        pytest.param(
            {"ready": False, "serving": True, "terminating": True}, LAST, id="still-serving"
        ),
        pytest.param(
            {"ready": False, "serving": False, "terminating": True}, NOT, id="serving-no-more"
        ),
        pytest.param(
            {"ready": True, "serving": True, "terminating": True}, READY, id="published-not-ready"
        ),
    ],
)
def test_what_an_endpoint_is_by_its_conditions(conditions: dict[str, object], state: str) -> None:
    found = read({"addresses": ["10.0.0.1"], "conditions": conditions}).at("http")
    assert [LAST if each.terminating else READY for each in found] == [state] * (state != NOT)


@pytest.mark.parametrize(
    "address",
    ["pod.example.com", "10.0.0", "0.0.0.0", "::", "224.0.0.1", "fe80::1%eth0", "10.0.0.1:80"],  # noqa: S104 (input)
)
def test_what_is_no_address_of_a_pod_is_a_problem_of_the_slice(address: str) -> None:
    found = read({"addresses": ["10.0.0.1"]}, {"addresses": [address]})
    assert addresses(found) == ["10.0.0.1:8080"]
    (problem,) = found.problems
    assert (problem.at, problem.key, problem.value) == (AT, "endpoints[1].addresses[0]", address)


def test_of_many_wrong_addresses_the_number_is_told() -> None:
    found = read(*({"addresses": [f"127.0.0.{i}"]} for i in range(1000)))
    assert len(found.problems) == MAX_PROBLEMS + 1
    assert (found.problems[-1].key, found.problems[-1].value) == ("endpoints", "995 more")


def test_a_member_may_be_narrowed_to_networks() -> None:
    allowed = PodAddresses(networks=read_networks(["10.1.0.0/16", "fd01::/64"]))
    texts = ("10.1.2.3", "10.2.0.1", "fd01::7", "fd02::7", "127.0.0.1")
    found = read(*({"addresses": [text]} for text in texts), allowed=allowed)
    assert addresses(found) == ["10.1.2.3:8080", "fd01::7:8080"]
    assert [p.value for p in found.problems] == ["10.2.0.1", "fd02::7", "127.0.0.1"]
    expected = "an address in the networks of the member's Pods: 10.1.0.0/16, fd01::/64"
    assert found.problems[0].expected == expected


def test_addresses_are_spelled_in_one_way() -> None:
    assert addresses(read({"addresses": ["2001:DB8:0:0::1"]})) == ["2001:db8::1:8080"]


def test_ports_are_found_by_the_name_of_the_services_port() -> None:
    ports: list[dict[str, object]] = [
        {"name": "http", "port": 8080},
        {"name": "admin", "port": 9090},
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "any"},
    ]
    found = read({"addresses": ["10.0.0.1"]}, ports=ports)
    assert addresses(found, "admin") == ["10.0.0.1:9090"]
    assert addresses(found, "dns") == []
    assert addresses(found, "any") == []
    assert addresses(found, "") == []


@pytest.mark.parametrize(
    ("port", "name"),
    [
        (ServicePort(80), "http"),
        (ServicePort(name="admin"), "admin"),
        (ServicePort(81), None),
        (ServicePort(name="none"), None),
        (ServicePort(53), None),
    ],
    ids=["number", "name", "unknown-number", "unknown-name", "udp"],
)
def test_port_of_a_service(port: ServicePort, name: str | None) -> None:
    ports = [
        {"name": "http", "port": 80},
        {"name": "admin", "port": 90},
        {"name": "dns", "port": 53, "protocol": "UDP"},
    ]
    declared = Service.model_validate({"metadata": {"name": "web"}, "spec": {"ports": ports}})
    assert find_port(declared, port) == name


def test_an_address_counts_once_whoever_else_claims_it() -> None:
    one = PodEndpoint("10.0.0.1", 80, "a", b"\x0a\x00")
    with_double = assign("x", {"c1": [one, one], "c2": [one]}, lambda *_: True, Lack.NOTHING)
    alone = assign("x", {"c1": [one]}, lambda *_: True, Lack.NOTHING)
    assert with_double.resource == alone.resource


def test_no_endpoint_at_all_is_said_and_still_an_assignment() -> None:
    empty = assign("x", {"c1": []}, lambda *_: True, Lack.NOTHING)
    assert empty.lack is Lack.ENDPOINTS
    assert empty.resource.name == "x"
