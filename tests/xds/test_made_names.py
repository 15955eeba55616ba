"""Names that nobody declares are made from a declared one when a client asks for them."""

from collections.abc import Container

import pytest

from tests.xds.dialogue import Client
from tests.xds.resources import SECRET, resource, version_in
from tests.xds.rigs import GROUP, MachineWorld
from xds.on_demand import StandIns
from xds.resource import Resource

OTHERS = "others"
MOST = 4


def choose(name: str, declared: Container[str]) -> str | None:
    """The same name in lower case, else its parent, else the one for all others."""
    parent = f"*.{name.partition('.')[2]}"
    return next((each for each in (name.lower(), parent, OTHERS) if each in declared), None)


def rename(source: Resource, name: str) -> Resource:
    return resource(name, version_in(source.body))


RULES = {SECRET: StandIns(choose, rename, OTHERS, MOST)}


@pytest.fixture(params=["delta", "sotw"])
def machine(request: pytest.FixtureRequest) -> MachineWorld:
    return MachineWorld(request.param, RULES)


@pytest.fixture
def delta() -> MachineWorld:
    return MachineWorld("delta", RULES)


def asked(world: MachineWorld, *names: str, node: str = "envoy-1") -> Client:
    client = world.connect(node)
    client.request(SECRET, *names)
    return client


def declared(world: MachineWorld) -> set[str]:
    return set(world.cache.snapshot(GROUP).get(SECRET, {}))


def test_a_name_is_answered_by_its_stand_in_under_its_own_name(machine: MachineWorld) -> None:
    machine.publish({SECRET: {"*.test": "1", "own.test": "2", OTHERS: "3"}})
    client = asked(machine, "a.test", "own.test", "OWN.test", "far.example")
    client.exchange(SECRET, {"a.test": "1", "own.test": "2", "OWN.test": "2", "far.example": "3"})
    client.expect_nothing()


def test_a_name_without_a_stand_in_is_answered_as_removed(delta: MachineWorld) -> None:
    delta.publish({SECRET: {"*.test": "1"}})
    client = asked(delta, "a.example")
    client.exchange(SECRET, {}, removed={"a.example"})


def test_a_change_of_the_stand_in_changes_what_was_made_from_it(machine: MachineWorld) -> None:
    machine.publish({SECRET: {"*.test": "1", OTHERS: "1"}})
    client = asked(machine, "a.test", "far.example")
    client.exchange(SECRET, {"a.test": "1", "far.example": "1"})
    machine.publish({SECRET: {"*.test": "2"}})
    client.exchange(SECRET, {"a.test": "2"})
    client.expect_nothing()


def test_a_better_stand_in_that_comes_takes_over(machine: MachineWorld) -> None:
    machine.publish({SECRET: {OTHERS: "1"}})
    client = asked(machine, "a.test", "far.example")
    client.exchange(SECRET, {"a.test": "1", "far.example": "1"})
    machine.publish({SECRET: {"*.test": "2"}})
    client.exchange(SECRET, {"a.test": "2"})
    client.expect_nothing()


def test_the_next_best_stand_in_takes_over_from_one_that_goes(delta: MachineWorld) -> None:
    delta.publish({SECRET: {OTHERS: "1", "*.test": "2"}})
    client = asked(delta, "a.test")
    client.exchange(SECRET, {"a.test": "2"})
    delta.publish({SECRET: {"*.test": None}})
    client.exchange(SECRET, {"a.test": "1"})
    delta.publish({SECRET: {OTHERS: None}})
    client.exchange(SECRET, {}, removed={"a.test"})


def test_a_made_name_that_is_declared_is_served_as_declared(delta: MachineWorld) -> None:
    delta.publish({SECRET: {"*.test": "1"}})
    client = asked(delta, "a.test", "A.test")
    client.exchange(SECRET, {"a.test": "1", "A.test": "1"})
    delta.publish({SECRET: {"a.test": "2"}})
    client.exchange(SECRET, {"a.test": "2", "A.test": "2"})
    delta.publish({SECRET: {"*.test": "3"}})
    client.expect_nothing()


def test_the_oldest_made_name_is_removed_for_a_new_one(delta: MachineWorld) -> None:
    delta.publish({SECRET: {OTHERS: "1"}})
    client = asked(delta)
    for number in range(MOST):
        client.request(SECRET, f"{number}.example")
        client.exchange(SECRET, {f"{number}.example": "1"})
    client.request(SECRET, "new.example")
    client.exchange(SECRET, {"new.example": "1"})
    client.exchange(SECRET, {}, removed={"0.example"})
    assert len(declared(delta)) == MOST + 1
    client.unsubscribe(SECRET, "0.example")
    client.expect_nothing()
    client.request(SECRET, "0.example")
    client.exchange(SECRET, {"0.example": "1"})
    client.exchange(SECRET, {}, removed={"1.example"})


def test_names_of_the_last_resort_are_removed_before_others(delta: MachineWorld) -> None:
    delta.publish({SECRET: {OTHERS: "1", "*.test": "2"}})
    asked(delta, "a.test", "b.test").settle()
    asked(delta, *(f"{n}.example" for n in range(10)), node="envoy-2").settle()
    assert {"a.test", "b.test"} < declared(delta)
    assert len(declared(delta)) == MOST + 2


def test_a_declared_name_is_never_removed_for_a_made_one(delta: MachineWorld) -> None:
    hosts = {f"h{n}.test": "1" for n in range(MOST * 2)}
    delta.publish({SECRET: {**hosts, OTHERS: "1"}})
    client = asked(delta, *hosts, *(f"{n}.example" for n in range(MOST * 2)))
    client.settle()
    assert hosts.keys() < client.holds(SECRET).keys()


def test_a_client_that_waited_is_told_made_names_with_the_first_publish(
    machine: MachineWorld,
) -> None:
    client = machine.connect(group="mse/later")
    client.request(SECRET, "a.test")
    assert client.receive() is None
    machine.publish({SECRET: {"*.test": "1"}}, group="mse/later")
    client.exchange(SECRET, {"a.test": "1"})


def test_a_client_that_comes_back_is_told_only_what_it_lacks(delta: MachineWorld) -> None:
    delta.publish({SECRET: {"*.test": "1"}})
    client = delta.connect()
    client.request(SECRET, "a.test", "b.test", held={"a.test": "1"})
    client.exchange(SECRET, {"b.test": "1"})
    client.expect_nothing()


def test_all_made_names_go_with_their_group(delta: MachineWorld) -> None:
    delta.publish({SECRET: {"*.test": "1"}})
    client = asked(delta, "a.test")
    client.exchange(SECRET, {"a.test": "1"})
    delta.cache.drop(GROUP)
    client.exchange(SECRET, {}, removed={"a.test"})
    assert declared(delta) == set()


def test_an_asterisk_is_a_name_like_any_other(machine: MachineWorld) -> None:
    """The names of Secrets are chosen by clients of Envoy: one of them must not get all."""
    machine.publish({SECRET: {"a.test": "1", "b.test": "1"}})
    client = asked(machine, "*", "a.test")
    client.settle()
    assert client.holds(SECRET) == {"a.test": "1"}
