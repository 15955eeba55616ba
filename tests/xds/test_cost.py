"""What a change costs, by counting."""

import pytest

from tests.xds.resources import CLUSTER, SCOPE, resource
from tests.xds.rigs import MachineWorld
from xds.resource import Resource


class CountingName(str):
    """A name that counts how often it is encoded, which is once for each head that is made."""

    __slots__ = ("encoded",)
    encoded: int

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self.encoded = getattr(self, "encoded", 0) + 1
        return super().encode(encoding, errors)


def test_streams_share_what_surrounds_a_body(delta: MachineWorld) -> None:
    name = CountingName("shop")
    plain = resource("shop")
    delta.publish({CLUSTER: {name: Resource(name, plain.body, plain.version)}})
    for number in range(50):
        client = delta.connect(f"envoy-{number}")
        client.request(CLUSTER)
        client.exchange(CLUSTER, {"shop": "1"})
    assert name.encoded == 1


@pytest.mark.parametrize("declared", [10, 1000])
def test_one_change_is_one_resource_on_the_wire(declared: int, delta: MachineWorld) -> None:
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


def test_stream_in_sync_remembers_no_names(delta: MachineWorld) -> None:
    """A thousand streams in sync must not hold a thousand copies of the snapshot's names."""
    delta.publish({CLUSTER: {f"c{i}": "1" for i in range(100)}})
    client = delta.connect()
    client.request(CLUSTER)
    client.settle()

    assert remembered_names(delta) == 0
    delta.publish({CLUSTER: {"c1": "2", "c2": "2"}})
    assert remembered_names(delta) == 2
    client.settle()
    assert remembered_names(delta) == 0


def remembered_names(world: MachineWorld) -> int:
    return sum(
        len(subscription._differs) + len(subscription.flight.sent if subscription.flight else ())
        for stream in world.streams
        for subscription in stream._subscriptions.values()
    )
