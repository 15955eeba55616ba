"""Clients that hold nothing are sent all resources, and share what is computed for that."""

from collections.abc import Iterator

import pytest
from envoy_data_plane.envoy.config.core import v3 as core

from tests.xds.dialogue import Client
from tests.xds.memory import kept_bytes
from tests.xds.requests import delta
from tests.xds.resources import CLUSTER, ENDPOINT, SCOPE, eds_cluster
from tests.xds.rigs import MachineRig
from xds.discovery import MOST_NAMES, Request, parse_delta
from xds.request_memo import RequestMemo
from xds.resource import TypeUrl

NAMES = tuple(f"c{number}" for number in range(100))
LARGE = 5000
"""Bytes that make a request large enough for the memo."""


@pytest.fixture(params=["wildcard", "by name"])
def fresh(request: pytest.FixtureRequest) -> Iterator[tuple[MachineRig, Client, TypeUrl]]:
    """A client that waits for all resources of a type, by a wildcard or by their names."""
    rig = MachineRig("delta", filling=LARGE)
    type_url = SCOPE if request.param == "wildcard" else ENDPOINT
    rig.publish({type_url: dict.fromkeys(NAMES, "1")})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    client.request(type_url, *(NAMES if type_url == ENDPOINT else ()))
    yield rig, client, type_url
    client.settle()
    snapshot = rig.cache.snapshot("mse/shop")[type_url]
    assert client.holds(type_url) == {
        name: resource.version
        for name, resource in snapshot.items()
        if type_url == SCOPE or name in NAMES
    }
    assert not rig.cache.unacknowledged()


Fresh = tuple[MachineRig, Client, TypeUrl]
ALL = dict.fromkeys(NAMES, "1")


def test_it_is_all_in_one_response(fresh: Fresh) -> None:
    _, client, type_url = fresh
    client.exchange(type_url, ALL)
    client.expect_nothing()


def test_what_changes_before_is_told_as_it_is_then(fresh: Fresh) -> None:
    rig, client, type_url = fresh
    rig.publish({type_url: {"c1": "2"}})
    client.exchange(type_url, ALL | {"c1": "2"})
    client.expect_nothing()


def test_what_changes_meanwhile_is_told_afterwards(fresh: Fresh) -> None:
    rig, client, type_url = fresh
    client.expect(type_url, ALL)
    rig.publish({type_url: {"c1": "2", "c2": None}})
    client.ack(type_url)
    client.exchange(type_url, {"c1": "2"}, removed={"c2"})


def test_what_changes_afterwards_is_told_alone(fresh: Fresh) -> None:
    rig, client, type_url = fresh
    client.exchange(type_url, ALL)
    rig.publish({type_url: {"c1": "2"}})
    client.exchange(type_url, {"c1": "2"})


def test_a_rejection_of_everything_is_halved(fresh: Fresh) -> None:
    _, client, type_url = fresh
    client.expect(type_url, ALL)
    client.nack(type_url)
    response = client.receive()
    assert response is not None
    assert len(response.bodies) == len(NAMES) // 2
    client.ack(type_url)


def test_what_changes_while_everything_waits_for_its_turn_is_told_next() -> None:
    rig = MachineRig("delta")
    rig.publish({CLUSTER: {"shop": "1"}, SCOPE: ALL})
    client = rig.connect()
    client.request(CLUSTER)
    client.request(SCOPE)
    client.expect(CLUSTER, {"shop": "1"})
    rig.publish({SCOPE: {"new": "1", "c1": "2", "c2": None}})
    client.ack(CLUSTER)
    client.settle()
    declared = {name: version for name, version in ALL.items() if name != "c2"}
    assert client.holds(SCOPE) == declared | {"new": "1", "c1": "2"}


def test_names_beyond_what_is_declared_are_answered() -> None:
    rig = MachineRig("delta", filling=LARGE)
    rig.publish({ENDPOINT: ALL})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    client.request(ENDPOINT, *NAMES, "unknown")
    client.exchange(ENDPOINT, ALL, removed={"unknown"})


def test_a_name_given_up_before_the_answer_is_not_sent() -> None:
    rig = MachineRig("delta", filling=LARGE)
    rig.publish({ENDPOINT: ALL})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    client.request(ENDPOINT, *NAMES)
    client.unsubscribe(ENDPOINT, "c1")
    client.exchange(ENDPOINT, {name: "1" for name in NAMES if name != "c1"})


def test_clients_that_begin_alike_are_sent_the_same_object() -> None:
    """A thousand Envoys that connect at once do not cost a thousand copies of the fleet."""
    rig = MachineRig("delta", filling=LARGE)
    rig.publish({CLUSTER: {name: eds_cluster(name) for name in NAMES}, ENDPOINT: ALL})
    clients = [rig.connect(f"envoy-{number}") for number in range(3)]
    for client in clients:
        client.request(CLUSTER)
    clusters = [stream.next_message(0.0) for stream in rig.streams]
    for client, message in zip(clients, clusters, strict=True):
        assert message is not None
        client.reply(CLUSTER, client.parse(message), None)
        client.request(ENDPOINT, *NAMES)
    endpoints = [stream.next_message(0.0) for stream in rig.streams]
    assert endpoints[0] is not None
    assert {id(message) for message in clusters} == {id(clusters[0])}
    assert {id(message) for message in endpoints} == {id(endpoints[0])}


def test_clients_that_come_one_by_one_share_it_too() -> None:
    rig = MachineRig("delta")
    rig.publish({SCOPE: ALL})
    messages = []
    for number in range(2):
        client = rig.connect(f"envoy-{number}")
        client.request(SCOPE)
        message = rig.streams[-1].next_message(0.0)
        assert message is not None
        client.reply(SCOPE, client.parse(message), None)
        messages.append(message)
    assert messages[0] is messages[1]


@pytest.mark.parametrize("type_url", [SCOPE, ENDPOINT], ids=["wildcard", "by name"])
def test_clients_that_come_back_hear_what_differs_alone(type_url: TypeUrl) -> None:
    rig = MachineRig("delta")
    rig.publish({type_url: ALL | {"c1": "2", "c2": None, "c3": None}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    held = {name: version for name, version in ALL.items() if name != "c4"} | {"gone": "1"}
    client.request(type_url, *(NAMES if type_url == ENDPOINT else ()), held=held)
    gone = {"c2", "c3", "gone"} if type_url == SCOPE else {"c2", "c3"}
    client.exchange(type_url, {"c1": "2", "c4": "1"}, removed=gone)
    client.expect_nothing()


def test_clients_that_begin_alike_share_what_is_remembered_of_them() -> None:
    rig = MachineRig("delta", filling=LARGE)
    rig.publish({ENDPOINT: ALL})

    def connect() -> None:
        client = rig.connect(f"envoy-{len(rig.streams)}")
        client.request(CLUSTER)
        client.exchange(CLUSTER, {})
        client.request(ENDPOINT, *NAMES)
        client.expect(ENDPOINT, ALL)

    first = kept_bytes(connect)
    assert kept_bytes(connect) < first / 2


def asked(*names: str, node: str = "") -> bytes:
    return delta(
        type_url=ENDPOINT,
        resource_names_subscribe=[*NAMES * 20, *names],
        node=core.Node(id=node) if node else None,
    )


class Reader:
    """Counts the requests that are parsed."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, data: bytes, most_names: int) -> Request:
        self.read += 1
        return parse_delta(data, most_names)


def test_equal_large_requests_are_read_once() -> None:
    requests, reader = RequestMemo(), Reader()
    first, second = (
        requests.parse(reader, asked(), MOST_NAMES),
        requests.parse(reader, asked(), MOST_NAMES),
    )
    assert first is second
    assert set(first.names) == set(NAMES)
    assert reader.read == 1


def test_a_request_that_says_who_sent_it_is_read_for_itself() -> None:
    requests, reader = RequestMemo(), Reader()
    for _ in range(2):
        assert requests.parse(reader, asked(node="envoy-1"), MOST_NAMES).node.id == "envoy-1"
    assert reader.read == 2


def test_only_the_last_requests_are_remembered() -> None:
    requests, reader = RequestMemo(), Reader()
    several = [asked(f"other{number}") for number in range(5)]
    for data in (*several, several[0]):
        requests.parse(reader, data, MOST_NAMES)
    assert reader.read == 6
