"""No route leads to a Cluster that the client does not have, or does not have any more."""

from tests.xds.dialogue import Client
from tests.xds.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    ROUTE,
    SCOPE,
    SECRET,
    eds_cluster,
    resource,
)
from tests.xds.rigs import MachineRig, Rig
from xds.stream import ENDPOINT_WAIT


def connect(rig: Rig, *endpoints: str) -> Client:
    """A client in sync that is subscribed to all types of a gateway."""
    client = rig.connect_in_sync()
    if endpoints:
        client.request(ENDPOINT, *endpoints)
        assert client.receive_and_ack() == ENDPOINT
    client.expect_nothing()
    return client


def test_additions_come_in_the_order_of_their_use(rig: Rig) -> None:
    client = connect(rig)
    rig.publish(
        {
            SCOPE: {"host": resource("host", to=("shop",))},
            LISTENER: {"http": "1"},
            CLUSTER: {"shop": "1"},
        }
    )

    client.expect(CLUSTER, {"shop": "1"})
    client.expect_nothing()
    client.ack(CLUSTER)
    client.expect(LISTENER, {"http": "1"})
    client.expect_nothing()
    client.ack(LISTENER)
    client.exchange(SCOPE, {"host": "1"})
    client.expect_nothing()


def test_routes_wait_for_the_endpoints_of_new_clusters(rig: Rig) -> None:
    client = connect(rig)
    rig.publish(
        {
            CLUSTER: {"shop": eds_cluster("shop")},
            ENDPOINT: {"shop": "1"},
            SCOPE: {"host": resource("host", to=("shop",))},
        }
    )

    client.expect(CLUSTER, {"shop": "1"})
    client.request(ENDPOINT, "shop")  # as Envoy does, before it acknowledges the Cluster
    client.expect(ENDPOINT, {"shop": "1"})
    client.ack(CLUSTER)
    client.expect_nothing()
    client.ack(ENDPOINT)
    client.exchange(SCOPE, {"host": "1"})
    client.expect_nothing()


def test_changed_cluster_gets_its_endpoints_once_more(rig: Rig) -> None:
    """The Cluster warms until its endpoints come, and over delta Envoy does not ask for them."""
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": "1"}})
    client = connect(rig, "shop")

    rig.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}})

    client.expect(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "1"})
    client.ack(CLUSTER)
    client.expect_nothing()


def test_cluster_and_endpoints_that_change_together_come_once_each(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": "1"}})
    client = connect(rig, "shop")

    rig.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}, ENDPOINT: {"shop": "2"}})

    client.exchange(CLUSTER, {"shop": "2"})
    client.exchange(ENDPOINT, {"shop": "2"})
    client.expect_nothing()


def test_endpoints_in_flight_do_not_stand_for_those_after_the_cluster(
    delta: MachineRig,
) -> None:
    delta.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": "1"}})
    client = connect(delta, "shop")
    delta.publish({ENDPOINT: {"shop": "2"}})
    client.expect(ENDPOINT, {"shop": "2"})

    delta.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}, SCOPE: {"host": "1"}})
    client.exchange(CLUSTER, {"shop": "2"})
    client.ack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "2"})
    client.exchange(SCOPE, {"host": "1"})


def test_routes_wait_a_second_at_most_for_a_client_that_never_asks_for_endpoints(
    delta: MachineRig,
) -> None:
    client = connect(delta, "other")
    delta.publish({CLUSTER: {"shop": eds_cluster("shop")}, SCOPE: {"host": "1"}})
    client.exchange(CLUSTER, {"shop": "1"})
    client.expect_nothing()

    delta.advance(ENDPOINT_WAIT * 0.99)
    client.expect_nothing()
    delta.advance(ENDPOINT_WAIT * 0.01)
    client.exchange(SCOPE, {"host": "1"})


def test_routes_wait_for_a_client_that_takes_its_time_with_endpoints(delta: MachineRig) -> None:
    delta.publish({ENDPOINT: {"shop": "1"}})
    client = connect(delta, "shop")
    delta.publish({CLUSTER: {"shop": eds_cluster("shop")}, SCOPE: {"host": "1"}})
    client.exchange(CLUSTER, {"shop": "1"})
    client.expect(ENDPOINT, {"shop": "1"})
    client.expect_nothing()

    delta.advance(ENDPOINT_WAIT * 10)
    client.expect_nothing()
    client.ack(ENDPOINT)
    client.exchange(SCOPE, {"host": "1"})


def test_endpoints_that_nobody_subscribed_to_hold_nothing_back(rig: Rig) -> None:
    client = connect(rig)
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, SCOPE: {"host": "1"}})
    client.exchange(CLUSTER, {"shop": "1"})
    client.exchange(SCOPE, {"host": "1"})


def test_types_that_nobody_subscribed_to_hold_nothing_back(rig: Rig) -> None:
    client = rig.connect()
    client.request(SCOPE)
    client.exchange(SCOPE, {})
    rig.publish({CLUSTER: {"shop": "1"}, LISTENER: {"http": "1"}, SCOPE: {"host": "1"}})
    client.exchange(SCOPE, {"host": "1"})


def test_cluster_leaves_when_no_route_leads_there_any_more(rig: Rig) -> None:
    rig.publish(
        {
            CLUSTER: {"old": "1", "new": "1"},
            LISTENER: {"http": "1"},
            SCOPE: {"host": resource("host", "1", to=("old",))},
        }
    )
    client = connect(rig)

    rig.publish(
        {
            CLUSTER: {"old": None, "new": "2"},
            LISTENER: {"http": "2"},
            SCOPE: {"host": resource("host", "2", to=("new",))},
        }
    )

    client.exchange(CLUSTER, {"new": "2"})
    client.exchange(LISTENER, {"http": "2"})
    client.expect(SCOPE, {"host": "2"})
    client.expect_nothing()
    client.ack(SCOPE)
    client.exchange(CLUSTER, {}, removed={"old"})
    client.expect_nothing()


def test_endpoints_and_secrets_leave_after_their_users(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"shop": eds_cluster("shop")}, LISTENER: {"https": "1"}})
    delta.publish({ENDPOINT: {"shop": "1"}, SECRET: {"cert": "1"}})
    client = connect(delta, "shop")
    client.request(SECRET, "cert")
    client.exchange(SECRET, {"cert": "1"})

    delta.publish(
        {
            SECRET: {"cert": None},
            ENDPOINT: {"shop": None},
            CLUSTER: {"shop": None},
            LISTENER: {"https": None},
        }
    )

    client.exchange(LISTENER, {}, removed={"https"})
    client.expect(CLUSTER, {}, removed={"shop"})
    client.expect_nothing()
    client.ack(CLUSTER)
    client.exchange(ENDPOINT, {}, removed={"shop"})
    client.exchange(SECRET, {}, removed={"cert"})
    client.expect_nothing()


def test_additions_and_removals_go_together_where_there_is_nothing_to_wait_for(
    rig: Rig,
) -> None:
    rig.publish({CLUSTER: {"old": "1"}})
    client = connect(rig)
    rig.publish({CLUSTER: {"old": None, "new": "1"}})
    client.exchange(CLUSTER, {"new": "1"}, removed={"old"})


def test_endpoints_flow_while_a_cycle_waits(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}, ENDPOINT: {"shop": "1"}})
    client = connect(rig, "shop")
    rig.publish({CLUSTER: {"cart": "1"}, SCOPE: {"host": "1"}})
    client.expect(CLUSTER, {"cart": "1"})

    for version in ("2", "3", "4"):
        rig.publish({ENDPOINT: {"shop": version}})
        client.exchange(ENDPOINT, {"shop": version})

    client.ack(CLUSTER)
    client.exchange(SCOPE, {"host": "1"})


def test_routes_get_through_though_clusters_never_stop_changing(machine: MachineRig) -> None:
    client = connect(machine)
    turns = []
    for turn in range(30):
        machine.publish(
            {
                CLUSTER: {f"c{turn}": "1"},
                SCOPE: {"host": resource("host", str(turn), to=(f"c{turn}",))},
            }
        )
        response = client.receive()
        assert response is not None
        if response.type_url == SCOPE:
            turns.append(turn)
        client.ack(response.type_url)
    assert len(turns) == 15, "every second response carries routes"


def test_removals_get_through_though_endpoints_never_stop_changing(
    delta: MachineRig,
) -> None:
    delta.publish({ENDPOINT: {"busy": "0", "gone": "1"}})
    client = connect(delta, "busy", "gone")
    delta.publish({ENDPOINT: {"busy": "1"}})
    client.expect(ENDPOINT, {"busy": "1"})

    delta.publish({ENDPOINT: {"busy": "2", "gone": None}})
    client.ack(ENDPOINT)
    client.exchange(ENDPOINT, {"busy": "2"}, removed={"gone"})

    delta.publish({SCOPE: {"host": "1"}})
    client.exchange(SCOPE, {"host": "1"})


def test_route_that_changes_again_in_a_cycle_comes_as_it_was_and_then_as_it_is(
    rig: Rig,
) -> None:
    """The later version of the route may lead to Clusters of the next cycle."""
    client = connect(rig)
    rig.publish({CLUSTER: {"a": "1"}, SCOPE: {"host": resource("host", "1", to=("a",))}})
    client.expect(CLUSTER, {"a": "1"})
    rig.publish({CLUSTER: {"b": "1"}, SCOPE: {"host": resource("host", "2", to=("b",))}})
    client.ack(CLUSTER)

    client.exchange(SCOPE, {"host": "1"})
    client.exchange(CLUSTER, {"b": "1"})
    client.exchange(SCOPE, {"host": "2"})
    client.expect_nothing()


def test_listeners_come_before_the_routes_that_they_name(rig: Rig) -> None:
    client = connect(rig)
    rig.publish({ROUTE: {"table": "1"}, LISTENER: {"http": "1"}, CLUSTER: {"shop": "1"}})
    client.exchange(CLUSTER, {"shop": "1"})
    client.expect(LISTENER, {"http": "1"})
    client.request(ROUTE, "table")
    client.expect_nothing()
    client.ack(LISTENER)
    client.exchange(ROUTE, {"table": "1"})


def test_client_that_left_a_cluster_warming_gets_the_endpoints_when_it_comes_back(
    delta: MachineRig,
) -> None:
    delta.publish({CLUSTER: {"shop": eds_cluster("shop")}, ENDPOINT: {"shop": "1"}})
    client = connect(delta, "shop")
    delta.publish({CLUSTER: {"shop": eds_cluster("shop", "2")}})
    client.exchange(CLUSTER, {"shop": "2"})
    client.close()

    again = delta.connect()
    again.request(CLUSTER, held={"shop": "2"})
    again.request(ENDPOINT, "shop", held={"shop": "1"})

    again.exchange(ENDPOINT, {"shop": "1"})
    again.expect_nothing()
