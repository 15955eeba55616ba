"""While more may be declared of a type, no client is told that a name of it is absent."""

from tests.xds.resources import CLUSTER, SECRET
from tests.xds.rigs import MachineWorld


def test_a_client_that_comes_back_keeps_what_it_holds_until_it_is_decided(
    delta: MachineWorld,
) -> None:
    delta.cache.undecide(SECRET)
    client = delta.connect()
    client.request(SECRET, "a", "b", held={"a": "1", "b": "1"})
    client.expect_nothing()
    delta.publish({SECRET: {"a": "2"}})
    client.exchange(SECRET, {"a": "2"})
    client.expect_nothing()
    delta.cache.undecide()
    client.exchange(SECRET, {}, removed={"b"})


def test_a_name_that_is_asked_for_is_answered_when_it_is_decided(delta: MachineWorld) -> None:
    delta.cache.undecide(SECRET)
    client = delta.connect()
    client.request(SECRET, "a", "b")
    client.expect_nothing()
    delta.publish({SECRET: {"a": "1"}})
    client.exchange(SECRET, {"a": "1"})
    delta.cache.undecide()
    client.exchange(SECRET, {}, removed={"b"})


def test_other_types_and_later_groups_are_as_ever(delta: MachineWorld) -> None:
    delta.cache.undecide(SECRET)
    delta.publish({CLUSTER: {"a": "1"}}, group="mse/later")
    client = delta.connect(group="mse/later")
    client.request(CLUSTER, "a", "b")
    client.exchange(CLUSTER, {"a": "1"}, removed={"b"})
    client.request(SECRET, "a")
    client.expect_nothing()
