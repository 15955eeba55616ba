"""What a change and a stream cost, counted in encodings, resources and bytes."""

import pytest

from tests.xds.dialogue import Client
from tests.xds.memory import kept_bytes
from tests.xds.resources import CLUSTER, ENDPOINT, SCOPE, resource
from tests.xds.rigs import MachineRig
from xds.resource import Resource
from xds.stream import Stream


class CountingName(str):
    """A name that counts how often it is encoded: once for each head that is made."""

    __slots__ = ("encoded",)
    encoded: int

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self.encoded = getattr(self, "encoded", 0) + 1
        return super().encode(encoding, errors)


def test_streams_share_what_surrounds_a_body(delta: MachineRig) -> None:
    name = CountingName("shop")
    plain = resource("shop")
    delta.publish({CLUSTER: {name: Resource(name, plain.body, plain.version)}})
    for number in range(50):
        client = delta.connect(f"envoy-{number}")
        client.request(CLUSTER)
        client.exchange(CLUSTER, {"shop": "1"})
    assert name.encoded == 1


@pytest.mark.parametrize("declared", [10, 1000])
def test_one_change_is_one_resource_on_the_wire(declared: int, delta: MachineRig) -> None:
    delta.publish({SCOPE: {f"host-{i}": "1" for i in range(declared)}})
    client = delta.connect()
    client.request(SCOPE)
    client.settle()
    before = delta.cache.traffic()[SCOPE]

    delta.publish({SCOPE: {"host-3": "2"}})
    client.exchange(SCOPE, {"host-3": "2"})

    after = delta.cache.traffic()[SCOPE]
    assert (after.messages - before.messages, after.resources - before.resources) == (1, 1)
    assert after.bytes - before.bytes < 500


@pytest.mark.parametrize("by_name", [False, True], ids=["wildcard", "by name"])
def test_a_stream_in_sync_costs_the_same_whatever_is_declared(
    by_name: bool, delta: MachineRig
) -> None:
    """A thousand streams in sync must not hold a thousand copies of the snapshot's names."""
    kept = {}
    for declared in (10, 5000):
        names = [f"c{number}" for number in range(declared)]
        delta.publish({ENDPOINT: dict.fromkeys(names, "1"), SCOPE: dict.fromkeys(names, "1")})

        def connect(names: list[str] = names) -> Stream:
            client = delta.connect()
            client.request(SCOPE)
            if by_name:
                client.request(ENDPOINT, *names)
            client.settle()
            return delta.streams.pop()

        others = connect()
        kept[declared] = kept_bytes(connect)
        others.close()
    assert kept[5000] < kept[10] + 5000, "below a byte for each name"


def test_a_stream_that_was_told_much_keeps_none_of_it_after_the_ack(delta: MachineRig) -> None:
    names = [f"c{number}" for number in range(1000)]
    delta.publish({SCOPE: dict.fromkeys(names, "1")})
    clients: list[Client] = []
    kept = {}

    def publish(version: str) -> None:
        delta.publish({SCOPE: dict.fromkeys(names, version)})
        for client in clients:
            client.settle()

    for version, count in (("2", 1), ("3", 4)):
        while len(clients) < count:
            clients.append(delta.connect(f"envoy-{len(clients)}"))
            clients[-1].request(SCOPE)
            clients[-1].settle()
        kept[count] = kept_bytes(lambda version=version: publish(version))  # type: ignore[misc]
    assert kept[4] < kept[1] + 20_000, "an emptied dict of 1000 names takes 36 kB"
