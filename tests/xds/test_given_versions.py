"""A version that is given with resources is what responses carry; conformance suites check it."""

import pytest

from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE
from tests.xds.rigs import GROUP, MachineRig, Rig
from xds.resource import TypeUrl


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER, SCOPE], ids=["CDS", "LDS", "SRDS"])
def test_responses_carry_the_version_that_was_given(type_url: TypeUrl, rig: Rig) -> None:
    rig.publish({type_url: {"a": "1", "b": "1"}}, versions={type_url: "v1"})
    client = rig.connect()
    client.request(type_url)
    assert client.expect(type_url, {"a": "1", "b": "1"}).version == "v1"
    client.ack(type_url)

    rig.publish({type_url: {"a": "2"}}, versions={type_url: "v2"})
    assert client.expect(type_url, {"a": "2"}).version == "v2"


def test_it_is_of_a_group_and_a_type(rig: Rig) -> None:
    rig.publish({CLUSTER: {"a": "1"}, LISTENER: {"http": "1"}}, versions={CLUSTER: "of clusters"})
    client = rig.connect()
    client.request(CLUSTER)
    assert client.expect(CLUSTER, {"a": "1"}).version == "of clusters"
    client.ack(CLUSTER)
    client.request(LISTENER)
    assert client.expect(LISTENER, {"http": "1"}).version != "of clusters"


def test_names_are_answered_with_it_one_by_one(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"a": "1", "b": "1"}}, versions={ENDPOINT: "v1"})
    client = rig.connect()
    for name in ("a", "b"):
        client.request(ENDPOINT, name)
        assert client.expect(ENDPOINT, {name: "1"}).version == "v1"
        client.ack(ENDPOINT)

    rig.publish({ENDPOINT: {"b": "2"}}, versions={ENDPOINT: "v2"})
    assert client.expect(ENDPOINT, {"b": "2"}).version == "v2"


def test_names_that_are_not_there_hold_up_no_version(machine: MachineRig) -> None:
    machine.publish({ENDPOINT: {"a": "1"}}, versions={ENDPOINT: "v1"})
    client = machine.connect()
    client.request(ENDPOINT, "a", "missing")
    response = client.receive()
    assert response is not None
    assert (response.versions, response.version) == ({"a": "1"}, "v1")


def test_what_is_on_the_way_there_does_not_carry_it(sotw: MachineRig) -> None:
    """A Cluster leaves after the routes without it. Until then the client holds neither version."""
    sotw.publish(
        {CLUSTER: {"old": "1"}, SCOPE: {"host": "1"}}, versions={CLUSTER: "v1", SCOPE: "v1"}
    )
    client = sotw.connect()
    for type_url in (CLUSTER, SCOPE):
        client.request(type_url)
        client.settle()

    sotw.publish(
        {CLUSTER: {"old": None, "new": "1"}, SCOPE: {"host": "2"}},
        versions={CLUSTER: "v2", SCOPE: "v2"},
    )

    assert client.expect(CLUSTER, {"new": "1"}).version not in ("v1", "v2")
    client.ack(CLUSTER)
    assert client.expect(SCOPE, {"host": "2"}).version == "v2"
    client.ack(SCOPE)
    assert client.expect(CLUSTER, {}, removed={"old"}).version == "v2"


def test_a_version_alone_is_told_over_sotw(sotw: MachineRig) -> None:
    sotw.publish({CLUSTER: {"a": "1"}}, versions={CLUSTER: "v1"})
    client = sotw.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})

    sotw.publish({}, versions={CLUSTER: "v2"})

    assert client.expect(CLUSTER, {}).version == "v2"
    client.ack(CLUSTER)
    client.expect_nothing()


def test_a_version_alone_is_no_news_over_delta(delta_world: Rig) -> None:
    delta_world.publish({CLUSTER: {"a": "1"}}, versions={CLUSTER: "v1"})
    client = delta_world.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})
    delta_world.publish({}, versions={CLUSTER: "v2"})
    client.expect_nothing()


def test_the_same_version_again_is_no_news(rig: Rig) -> None:
    for _ in range(2):
        rig.publish({CLUSTER: {"a": "1"}}, versions={CLUSTER: "v1"})
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"a": "1"})
    rig.publish({CLUSTER: {"a": "1"}}, versions={CLUSTER: "v1"})
    client.expect_nothing()


def test_a_given_version_is_no_proof_of_what_a_client_holds(sotw: MachineRig) -> None:
    sotw.publish({CLUSTER: {"a": "2"}}, versions={CLUSTER: "v1"})
    client = sotw.connect()
    client.held(CLUSTER).bodies = {}
    client.resume(CLUSTER, "v1")  # type: ignore[attr-defined]  # over SotW
    assert client.expect(CLUSTER, {"a": "2"}).version == "v1"


def test_without_it_versions_are_as_they_are(delta: MachineRig, sotw: MachineRig) -> None:
    versions = []
    for rig in (delta, sotw):
        rig.publish({CLUSTER: {"a": "1"}}, versions={CLUSTER: "v1"})
        rig.cache.drop(GROUP)
        rig.publish({CLUSTER: {"a": "1"}})
        client = rig.connect()
        client.request(CLUSTER)
        versions.append(client.expect(CLUSTER, {"a": "1"}).version)
    assert versions[0] == ""
    assert len(versions[1]) == 16
