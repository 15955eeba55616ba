"""Clients ask for a Secret when a handshake needs it, and the Secret may not exist."""

import pytest

from tests.xds.dialogue import Client
from tests.xds.resources import CLUSTER, LISTENER, SCOPE, SECRET, resource
from tests.xds.rigs import MachineRig, Rig

HOST = "shop.example.com"


def asked(rig: Rig, *names: str) -> Client:
    """A client with Clusters, Listeners and routes, which has asked for Secrets."""
    client = rig.connect_in_sync()
    if names:
        client.request(SECRET, *names)
    return client


def test_a_name_that_does_not_exist_is_answered_as_removed(delta_world: Rig) -> None:
    """Envoy keeps a handshake open until it is answered."""
    client = asked(delta_world, HOST)
    client.exchange(SECRET, {}, removed={HOST})
    client.expect_nothing()


def test_it_is_answered_though_other_types_wait_for_acknowledgements(delta_world: Rig) -> None:
    client = asked(delta_world)
    client.expect_nothing()
    delta_world.publish({CLUSTER: {"shop": "1"}, LISTENER: {"https": "1"}, SCOPE: {"host": "1"}})
    client.expect(CLUSTER, {"shop": "1"})

    client.request(SECRET, HOST)

    client.expect(SECRET, {}, removed={HOST})


def test_one_that_comes_to_exist_is_sent_at_once(delta_world: Rig) -> None:
    client = asked(delta_world, HOST)
    client.exchange(SECRET, {}, removed={HOST})
    client.expect_nothing()
    delta_world.publish({CLUSTER: {"shop": "1"}})
    client.expect(CLUSTER, {"shop": "1"})

    delta_world.publish({SECRET: {HOST: "1"}})

    client.exchange(SECRET, {HOST: "1"})


def test_one_that_is_withdrawn_and_comes_back_is_told_each_time(delta_world: Rig) -> None:
    delta_world.publish({SECRET: {HOST: "1"}})
    client = asked(delta_world, HOST)
    client.exchange(SECRET, {HOST: "1"})
    client.expect_nothing()
    for _ in range(2):
        delta_world.publish({SECRET: {HOST: None}})
        client.exchange(SECRET, {}, removed={HOST})
        client.expect_nothing()
        delta_world.publish({SECRET: {HOST: "1"}})
        client.exchange(SECRET, {HOST: "1"})
        client.expect_nothing()


def test_a_name_that_is_asked_for_again_is_answered_again(delta_world: Rig) -> None:
    """Envoy unsubscribes from a name that is removed, and asks again with the next handshake."""
    client = asked(delta_world)
    for _ in range(2):
        client.request(SECRET, HOST)
        client.exchange(SECRET, {}, removed={HOST})
        client.unsubscribe(SECRET, HOST)
    client.expect_nothing()
    delta_world.publish({SECRET: {HOST: "1"}})
    client.expect_nothing()
    client.request(SECRET, HOST)
    client.exchange(SECRET, {HOST: "1"})


def test_one_that_exists_is_sent_when_it_comes_over_sotw(sotw: MachineRig) -> None:
    client = asked(sotw, HOST)
    client.exchange(SECRET, {})
    sotw.publish({SECRET: {HOST: "1"}})
    client.exchange(SECRET, {HOST: "1"})
    client.expect_nothing()


@pytest.mark.parametrize("user", [CLUSTER, LISTENER], ids=["CDS", "LDS"])
def test_a_changed_secret_is_sent_before_what_uses_it(user: str, rig: Rig) -> None:
    rig.publish({SECRET: {"cert": "1"}, CLUSTER: {"a": "1"}, LISTENER: {"a": "1"}})
    client = asked(rig, "cert")
    client.exchange(SECRET, {"cert": "1"})
    client.expect_nothing()

    rig.publish({CLUSTER if user == CLUSTER else LISTENER: {"a": "2"}, SECRET: {"cert": "2"}})

    client.exchange(SECRET, {"cert": "2"})
    client.exchange(user, {"a": "2"})


@pytest.mark.parametrize("user", [CLUSTER, LISTENER], ids=["CDS", "LDS"])
def test_a_secret_leaves_after_what_uses_it(user: str, delta_world: Rig) -> None:
    url = CLUSTER if user == CLUSTER else LISTENER
    delta_world.publish({SECRET: {"cert": "1"}, url: {"a": "1"}})
    client = asked(delta_world, "cert")
    client.exchange(SECRET, {"cert": "1"})
    client.expect_nothing()

    delta_world.publish({SECRET: {"cert": None}, url: {"a": "2"}})

    client.expect(user, {"a": "2"})
    client.expect_nothing()
    client.ack(user)
    client.exchange(SECRET, {}, removed={"cert"})


@pytest.mark.parametrize("user", [CLUSTER, LISTENER], ids=["CDS", "LDS"])
def test_a_secret_stays_while_the_last_good_user_of_it_is_served(
    user: str, delta: MachineRig
) -> None:
    url = CLUSTER if user == CLUSTER else LISTENER
    delta.publish({SECRET: {"cert": "1", "free": "1"}, url: {"a": resource("a", to=("cert",))}})
    client = asked(delta, "cert", "free")
    client.exchange(SECRET, {"cert": "1", "free": "1"})

    delta.publish({SECRET: {"cert": None, "free": None}, url: {"a": "bad"}})
    client.expect(url, {"a": "bad"})
    client.nack(url)
    client.settle()
    assert client.holds(SECRET) == {"cert": "1"}

    delta.publish({url: {"a": "3"}})
    client.settle()
    assert client.holds(SECRET) == {}
    assert not delta.cache.unacknowledged()
