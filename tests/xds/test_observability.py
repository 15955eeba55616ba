"""What the cache shows of clients, acknowledgements and traffic."""

import pytest

from tests.xds.dialogue import DeltaClient
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE, resource
from tests.xds.rigs import GROUP, MachineRig, Rig
from xds.views import Backlog, ClientView, Traffic, TypeView, Unacknowledged

BAD = "bad"


def test_clients_are_seen_with_what_they_hold(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1", "b": "1"}, ENDPOINT: {"a": "1"}})
    client = machine.connect("envoy-7")
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1", "b": "1"})
    client.request(ENDPOINT, "a")
    client.expect(ENDPOINT, {"a": "1"})

    assert machine.cache.clients() == (
        ClientView(
            node_id="envoy-7",
            group=GROUP,
            version="dialogue",
            protocol=machine.protocol,
            waits=False,
            types={
                CLUSTER: TypeView(wildcard=True, names=0, acknowledged=2, pending=0, error=None),
                ENDPOINT: TypeView(wildcard=False, names=1, acknowledged=0, pending=1, error=None),
            },
        ),
    )


def test_version_of_a_client_is_its_build() -> None:
    """Envoy sends the version of its build."""
    rig = MachineRig("delta")
    client = rig.connect()
    assert isinstance(client, DeltaClient)
    client.build = (1, 40, 0)
    client.request(CLUSTER)
    assert rig.cache.clients()[0].version == "dialogue 1.40.0"


def test_pending_counts_what_waits_and_what_is_in_flight(machine: MachineRig) -> None:
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    machine.publish({CLUSTER: {"a": "1"}})
    client.expect(CLUSTER, {"a": "1"})
    machine.publish({CLUSTER: {"b": "1", "c": "1"}})

    view = machine.cache.clients()[0].types[CLUSTER]
    assert (view.acknowledged, view.pending) == (0, 3)


def test_error_stays_while_what_was_rejected_is_declared(machine: MachineRig) -> None:
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    machine.publish({CLUSTER: {"a": BAD}})
    client.expect(CLUSTER, {"a": BAD})
    client.nack(CLUSTER, "no such thing")

    machine.publish({CLUSTER: {"b": "1"}})
    client.exchange(CLUSTER, {"b": "1"})
    assert machine.cache.clients()[0].types[CLUSTER].error == "no such thing"

    machine.publish({CLUSTER: {"a": "2"}})
    client.exchange(CLUSTER, {"a": "2"})
    assert machine.cache.clients()[0].types[CLUSTER].error is None


def test_unacknowledged_is_what_each_client_has_still_to_accept(rig: Rig) -> None:
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    client.expect_nothing()
    rig.publish({CLUSTER: {"a": "1"}, LISTENER: {"not subscribed to": "1"}})

    missing = (Unacknowledged("envoy-1", CLUSTER, "a", "not acknowledged yet"),)
    assert rig.cache.unacknowledged(GROUP) == missing
    client.expect(CLUSTER, {"a": "1"})
    assert rig.cache.unacknowledged(GROUP) == missing
    assert rig.cache.unacknowledged() == missing
    assert rig.cache.unacknowledged("mse/other") == ()
    client.ack(CLUSTER)
    client.expect_nothing()
    assert rig.cache.unacknowledged() == ()


def test_unacknowledged_names_removals_too(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1"}})
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})

    machine.publish({CLUSTER: {"a": None}})

    assert [m.name for m in machine.cache.unacknowledged()] == ["a"]
    client.exchange(CLUSTER, {}, removed={"a"})
    assert not machine.cache.unacknowledged()


def test_rejected_resources_are_unacknowledged_with_their_reason(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1"}})
    for node in ("envoy-1", "envoy-2"):
        client = machine.connect(node)
        client.request(CLUSTER)
        client.exchange(CLUSTER, {"a": "1"})
    machine.publish({CLUSTER: {"a": BAD}})
    client.expect(CLUSTER, {"a": BAD})
    client.nack(CLUSTER, "no such thing")
    client.settle()

    assert machine.cache.unacknowledged() == (
        Unacknowledged("envoy-1", CLUSTER, "a", "rejected: no such thing"),
        Unacknowledged("envoy-2", CLUSTER, "a", "rejected: no such thing"),
    )


def test_listens_when_a_client_has_acknowledged_all_listeners(machine: MachineRig) -> None:
    assert not machine.cache.listens(GROUP)
    client = machine.connect()
    client.request(LISTENER)
    client.exchange(LISTENER, {})
    assert not machine.cache.listens(GROUP), "none is declared"

    machine.publish({LISTENER: {"http": "1", "https": "1"}})
    assert not machine.cache.listens(GROUP)
    client.exchange(LISTENER, {"http": "1", "https": "1"})
    assert machine.cache.listens(GROUP)

    client.close()
    assert not machine.cache.listens(GROUP)


def test_changes_are_told(machine: MachineRig) -> None:
    told: list[None] = []
    stop = machine.cache.on_change(lambda: told.append(None))

    def news() -> int:
        count = len(told)
        told.clear()
        return count

    client = machine.connect()
    client.request(CLUSTER)
    assert news(), "connected"
    client.exchange(CLUSTER, {})
    machine.publish({CLUSTER: {"a": BAD}})
    assert news(), "published"
    client.expect(CLUSTER, {"a": BAD})
    client.nack(CLUSTER)
    assert news(), "rejected"
    machine.publish({CLUSTER: {"a": "1"}})
    client.expect(CLUSTER, {"a": "1"})
    news()
    client.ack(CLUSTER)
    assert news(), "acknowledged"
    client.close()
    assert news(), "disconnected"
    stop()
    machine.publish({CLUSTER: {"b": "1"}})
    assert not news()


def test_equal_publish_is_no_news(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1"}})
    told: list[None] = []
    machine.cache.on_change(lambda: told.append(None))
    machine.publish({CLUSTER: {"a": "1"}})
    assert not told


def test_traffic_counts_what_is_on_the_wire(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1", "b": "1"}})
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1", "b": "1"})
    machine.publish({CLUSTER: {"a": "2"}})
    client.exchange(CLUSTER, {"a": "2"})

    traffic = machine.cache.traffic()[CLUSTER]
    assert (traffic.messages, traffic.resources) == (2, 3 if machine.protocol == "delta" else 4)
    assert traffic.bytes > 3 * len(resource("a").body)
    assert machine.cache.traffic().get(SCOPE, Traffic()) == Traffic()


def test_answers_are_counted(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1"}})
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})
    machine.publish({CLUSTER: {"a": BAD}})
    client.expect(CLUSTER, {"a": BAD})
    client.nack(CLUSTER)

    traffic = machine.cache.traffic()[CLUSTER]
    assert (traffic.acknowledged, traffic.rejected) == (1, 1)


def test_a_backlog_is_what_is_to_be_sent_and_to_be_acknowledged(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1", "b": "1"}})
    client = machine.connect()
    client.request(CLUSTER)
    assert machine.cache.backlogs() == (Backlog(GROUP, machine.protocol, {CLUSTER: 2}),)
    client.expect(CLUSTER, {"a": "1", "b": "1"})
    machine.publish({CLUSTER: {"c": "1"}})
    assert machine.cache.backlogs() == (Backlog(GROUP, machine.protocol, {CLUSTER: 3}),)
    client.ack(CLUSTER)
    client.exchange(CLUSTER, {"c": "1"})
    assert machine.cache.backlogs() == (Backlog(GROUP, machine.protocol, {CLUSTER: 0}),)


def test_snapshot_shows_what_is_declared(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"a": "1", "b": "1"}})
    machine.publish({CLUSTER: {"a": "2", "b": None}})
    assert machine.cache.snapshot(GROUP) == {CLUSTER: {"a": resource("a", "2")}}
    assert machine.cache.snapshot("mse/unknown") == {}
    assert machine.cache.groups() == (GROUP,)


def test_log_has_one_line_per_decision_and_no_bodies(
    delta: MachineRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "xds")
    delta.publish({CLUSTER: {"a": resource("a", to=("SECRET",))}})
    client = delta.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})

    lines = [record.getMessage() for record in caplog.records]
    tail = f"node=envoy-1 group={GROUP} type_url={CLUSTER}"
    assert lines == [
        f"subscribed {tail} nonce= names=0",
        f"push {tail} nonce=1 names=1",
        f"ack {tail} nonce=1 names=1",
    ]
