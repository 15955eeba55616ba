"""A Cluster that warms for long holds up no other one: it is told the prelude of its endpoints."""

from dataclasses import replace

from tests.xds.dialogue import Client
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE, eds_cluster, resource
from tests.xds.rigs import MachineRig, Rig
from xds.cycle import WARM_WAIT
from xds.resource import Resource


def checked(version: str = "1") -> Resource:
    """The endpoints `shop`, and their prelude, whose version is marked."""
    return replace(resource("shop", version), prelude=resource("shop", f"{version} unchecked"))


def connect(rig: Rig) -> Client:
    """A client in sync that listens, and that has the endpoints `shop`."""
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": checked()}})
    client = rig.connect_in_sync()
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    return client


def late(machine: MachineRig) -> Client:
    """A client with a changed Cluster that has warmed for too long, while a route is waiting."""
    client = connect(machine)
    machine.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}, SCOPE: {"other": "1"}})
    client.expect(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    machine.advance(WARM_WAIT)
    return client


def test_a_cluster_that_warms_for_too_long_is_told_the_prelude_first(machine: MachineRig) -> None:
    client = late(machine)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})
    client.expect(ENDPOINT, {"shop": "1"})
    client.ack(CLUSTER)
    client.ack(ENDPOINT)
    client.exchange(SCOPE, {"other": "1"})
    client.expect_nothing()
    assert not machine.cache.unacknowledged("mse/shop")


def test_a_cluster_that_warms_in_time_is_told_no_prelude(machine: MachineRig) -> None:
    client = connect(machine)
    machine.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}})
    client.expect(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    machine.advance(WARM_WAIT * 0.99)
    client.expect_nothing()
    client.ack(CLUSTER)
    machine.advance(WARM_WAIT)
    client.expect_nothing()


def test_a_new_cluster_of_a_client_that_listens_is_told_no_prelude_in_time(
    machine: MachineRig,
) -> None:
    client = machine.connect_in_sync()
    machine.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": checked()}})
    client.expect(CLUSTER, {"shop": "1"})
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    machine.advance(WARM_WAIT)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.ack(CLUSTER)


def test_a_cluster_that_warms_on_is_told_the_prelude_again_after_twice_the_time(
    machine: MachineRig,
) -> None:
    client = late(machine)
    for times in (2, 4):
        client.exchange(ENDPOINT, {"shop": "1 unchecked"})
        client.exchange(ENDPOINT, {"shop": "1"})
        machine.advance(WARM_WAIT * times * 0.9)
        client.expect_nothing()
        machine.advance(WARM_WAIT * times * 0.1)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})


def test_the_next_response_of_clusters_has_its_own_time(machine: MachineRig) -> None:
    client = late(machine)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.ack(CLUSTER)
    client.exchange(SCOPE, {"other": "1"})
    machine.publish({CLUSTER: {"shop": eds_cluster("shop", "3")}})
    client.expect(CLUSTER, {"shop": "3"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    machine.advance(WARM_WAIT)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})


def test_what_is_sent_after_a_rejection_has_its_own_time(delta: MachineRig) -> None:
    client = connect(delta)
    delta.publish({CLUSTER: {"bad": "1", "shop": eds_cluster("shop", "2")}})
    client.expect(CLUSTER, {"bad": "1", "shop": "2"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    delta.advance(WARM_WAIT * 0.9)
    client.nack(CLUSTER, "bad is bad")
    client.expect(CLUSTER, {"bad": "1"})
    client.nack(CLUSTER)
    client.expect(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    delta.advance(WARM_WAIT * 0.9)
    client.expect_nothing()
    delta.advance(WARM_WAIT * 0.1)
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})


def test_endpoints_without_a_prelude_are_not_told_again(machine: MachineRig) -> None:
    client = connect(machine)
    machine.publish({ENDPOINT: {"shop": "2"}})
    client.exchange(ENDPOINT, {"shop": "2"})
    machine.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}})
    client.expect(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "2"})
    client.expect_nothing()
    machine.advance(WARM_WAIT)
    client.expect_nothing()


def test_what_changes_after_a_prelude_is_told_as_it_is_declared(machine: MachineRig) -> None:
    client = late(machine)
    client.expect(ENDPOINT, {"shop": "1 unchecked"})
    machine.publish({ENDPOINT: {"shop": checked("2")}})
    client.ack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "2"})


def test_a_rejected_prelude_is_not_told_again(machine: MachineRig) -> None:
    client = late(machine)
    client.expect(ENDPOINT, {"shop": "1 unchecked"})
    client.nack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()
    machine.advance(WARM_WAIT * 10)
    client.expect_nothing()


def test_a_client_that_starts_is_told_preludes_at_once(rig: Rig) -> None:
    """An Envoy listens once its first Clusters are warm, and acknowledges them before that."""
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": checked()}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1 unchecked"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.request(LISTENER)
    client.exchange(LISTENER, {})
    client.expect_nothing()


def test_a_client_that_rejects_a_prelude_while_it_starts_is_not_told_it_again(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": checked()}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})
    client.request(ENDPOINT, "shop")
    client.expect(ENDPOINT, {"shop": "1 unchecked"})
    client.nack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "1"})
    client.expect_nothing()


def test_a_client_that_comes_back_is_told_no_preludes(delta: MachineRig) -> None:
    client = connect(delta)
    client.close()

    again = delta.connect()
    again.request(CLUSTER, held={"shop": "1"})
    again.request(ENDPOINT, "shop", held={"shop": "0"})
    again.exchange(ENDPOINT, {"shop": "1"})
    again.expect_nothing()


def test_a_client_that_comes_back_before_it_listens_is_told_the_preludes_that_it_lacks(
    delta: MachineRig,
) -> None:
    client = connect(delta)
    client.close()
    delta.publish({CLUSTER: {"new": eds_cluster("new")}})
    delta.publish({ENDPOINT: {"new": replace(resource("new"), prelude=resource("new", "first"))}})

    again = delta.connect()
    again.request(CLUSTER, held={"shop": "1", "new": "1"})
    again.request(ENDPOINT, "shop", "new", held={"shop": "1"})
    again.exchange(ENDPOINT, {"new": "first"})
    again.exchange(ENDPOINT, {"new": "1"})
    again.expect_nothing()


def test_a_client_that_comes_back_over_sotw_is_told_no_preludes(sotw: MachineRig) -> None:
    client = connect(sotw)
    version = client.held(ENDPOINT).accepted
    client.close()

    again = sotw.connect()
    again.held(ENDPOINT).names.add("shop")
    assert version is not None
    again.resume(ENDPOINT, version.version)  # type: ignore[attr-defined]  # over SotW
    again.exchange(ENDPOINT, {"shop": "1"})
    again.expect_nothing()
