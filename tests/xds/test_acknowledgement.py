"""A type has at most one unacknowledged response; its ACK brings what changed meanwhile."""

import pytest

from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER
from tests.xds.rigs import GROUP, MachineRig, Rig
from xds.acknowledgement import Answer, answer_of
from xds.discovery import Node, Request


def test_changes_wait_for_the_ack_and_merge(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {"shop": "1"})

    rig.publish({CLUSTER: {"shop": "2", "cart": "1"}})
    rig.publish({CLUSTER: {"shop": "3"}})
    client.expect_nothing()

    client.ack(CLUSTER)
    client.exchange(CLUSTER, {"shop": "3", "cart": "1"})
    client.expect_nothing()


def test_idle_client_hears_of_a_change_at_once(machine: MachineRig) -> None:
    client = machine.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})
    wakes = machine.wakes

    machine.publish({CLUSTER: {"shop": "1"}})

    assert machine.wakes == wakes + 1
    client.exchange(CLUSTER, {"shop": "1"})


def test_equal_version_is_not_sent_again(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})

    rig.publish({CLUSTER: {"shop": "1", "nobody": None}})

    client.expect_nothing()


def test_change_taken_back_before_the_ack_is_not_sent(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}, LISTENER: {"http": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})
    rig.publish({CLUSTER: {"cart": "1"}})
    client.expect(CLUSTER, {"cart": "1"})

    rig.publish({CLUSTER: {"shop": "2"}})
    rig.publish({CLUSTER: {"shop": "1"}})

    client.ack(CLUSTER)
    client.expect_nothing()


def test_change_taken_back_in_flight_is_sent_back(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})

    rig.publish({CLUSTER: {"shop": "2"}})
    client.expect(CLUSTER, {"shop": "2"})
    rig.publish({CLUSTER: {"shop": "1"}})
    client.ack(CLUSTER)

    client.exchange(CLUSTER, {"shop": "1"})


def test_removal_is_sent(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1", "cart": "1"})

    rig.publish({CLUSTER: {"cart": None}})

    client.exchange(CLUSTER, {}, removed={"cart"})


def test_resource_that_came_and_went_meanwhile_is_not_heard_of(rig: Rig) -> None:
    client = rig.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {})

    rig.publish({CLUSTER: {"brief": "1"}})
    rig.publish({CLUSTER: {"brief": None}})

    client.ack(CLUSTER)
    client.expect_nothing()


def test_ack_with_a_stale_nonce_is_ignored(rig: Rig) -> None:
    client = rig.connect()
    rig.publish({ENDPOINT: {"shop": "1"}})
    client.request(ENDPOINT, "shop")
    first = client.expect(ENDPOINT, {"shop": "1"})
    client.ack(ENDPOINT)
    rig.publish({ENDPOINT: {"shop": "2"}})
    client.expect(ENDPOINT, {"shop": "2"})
    rig.publish({ENDPOINT: {"shop": "3"}})

    client.reply(ENDPOINT, first, None)
    client.expect_nothing()

    client.ack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "3"})


def test_nack_with_a_stale_nonce_is_ignored(rig: Rig) -> None:
    client = rig.connect()
    client.request(CLUSTER)
    first = client.expect(CLUSTER, {})
    client.ack(CLUSTER)
    rig.publish({CLUSTER: {"shop": "1"}})
    client.expect(CLUSTER, {"shop": "1"})

    client.reply(CLUSTER, first, "too late")
    client.expect_nothing()

    assert not rig.cache.rejections(GROUP)
    client.ack(CLUSTER)
    assert client.holds(CLUSTER) == {"shop": "1"}


def test_names_in_a_stale_request_count_over_delta_only(machine: MachineRig) -> None:
    """A delta request is a change, and must not be lost. Over SotW the ACK repeats all names."""
    machine.publish({ENDPOINT: {"shop": "1", "cart": "1"}})
    client = machine.connect()
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})
    machine.publish({ENDPOINT: {"shop": "2"}})
    client.exchange(ENDPOINT, {"shop": "2"})

    client.request(ENDPOINT, "cart", nonce="1" if client.protocol == "sotw" else "stale")

    if client.protocol == "delta":
        client.exchange(ENDPOINT, {"cart": "1"})
    client.expect_nothing()


def test_types_are_acknowledged_independently(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}, ENDPOINT: {"shop": "1"}})
    client = rig.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {"shop": "1"})
    client.request(ENDPOINT, "shop")
    client.expect(ENDPOINT, {"shop": "1"})

    rig.publish({ENDPOINT: {"shop": "2"}})
    client.expect_nothing()
    client.ack(ENDPOINT)
    client.exchange(ENDPOINT, {"shop": "2"})

    client.ack(CLUSTER)
    client.expect_nothing()


def test_nonces_are_unique_on_a_stream(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"shop": "1"}, ENDPOINT: {"shop": "1"}, LISTENER: {"http": "1"}})
    client = machine.connect()
    client.request(CLUSTER)
    client.request(ENDPOINT, "shop")
    client.request(LISTENER)
    nonces = []
    while response := client.receive():
        nonces.append(response.nonce)
        client.ack(response.type_url)
    assert len(nonces) >= 3
    assert len(set(nonces)) == len(nonces)


@pytest.mark.parametrize("quiet", [1, 1000])
def test_client_that_does_not_answer_costs_no_more_with_time(
    quiet: int, machine: MachineRig
) -> None:
    client = machine.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {})

    for version in range(quiet):
        machine.publish({CLUSTER: {"shop": str(version)}})

    view = machine.cache.clients()[0].types[CLUSTER]
    assert view.pending == 1
    client.ack(CLUSTER)
    client.exchange(CLUSTER, {"shop": str(quiet - 1)})
    assert machine.cache.traffic()[CLUSTER].messages == 2


@pytest.mark.parametrize(
    ("nonce", "error", "in_flight", "answer"),
    [
        pytest.param("", None, True, Answer.NONE, id="no nonce"),
        pytest.param("", "bad", True, Answer.NONE, id="error without nonce"),
        pytest.param("1", None, True, Answer.STALE, id="earlier nonce"),
        pytest.param("1", "bad", True, Answer.STALE, id="earlier nonce with error"),
        pytest.param("2", None, True, Answer.ACK, id="last nonce"),
        pytest.param("2", "bad", True, Answer.NACK, id="last nonce with error"),
        pytest.param("2", None, False, Answer.NONE, id="last nonce again"),
        pytest.param("2", "bad", False, Answer.NONE, id="last nonce with error again"),
    ],
)
def test_a_request_answers_the_last_response_once(
    nonce: str, error: str | None, in_flight: bool, answer: Answer
) -> None:
    request = Request(Node("envoy-1", GROUP), CLUSTER, nonce=nonce, error=error)
    assert answer_of(request, last_nonce="2", in_flight=in_flight) is answer
