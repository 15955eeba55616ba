"""A bad resource is found and sent to no client again, and all others are served."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xds.dialogue import Client, Response
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE, resource, version_in
from tests.xds.rigs import GROUP, MachineRig, Rig
from xds.cache import SnapshotCache
from xds.resource import Resource, TypeUrl

MESSAGE = "missing ]: [+"
BAD = "bad"


def in_sync(rig: Rig, type_url: TypeUrl, node: str = "envoy-1") -> Client:
    client = rig.connect(node)
    client.request(type_url)
    assert client.receive_and_ack() == type_url
    client.expect_nothing()
    return client


def envoy(
    client: Client, refuses: Iterable[str] = (), *, says: Callable[[list[str]], str] | None = None
) -> list[list[str]]:
    """Answer as Envoy does until nothing comes: it rejects a response with a bad resource whole.

    A resource is bad if its version is "bad" or its name is refused. Gives the new names of each
    response.
    """
    seen = []
    while response := client.receive():
        before = client.holds(response.type_url)
        seen.append([n for n, v in response.versions.items() if before.get(n) != v])
        assert len(seen) < 100
        culprits = [n for n, v in response.versions.items() if v == BAD or n in set(refuses)]
        if culprits:
            client.nack(response.type_url, says(culprits) if says else MESSAGE)
        else:
            client.ack(response.type_url)
    return seen


def sixteen(*bad: int, prefix: str = "r") -> dict[str, str | Resource | None]:
    return {f"{prefix}{i:02}": BAD if i in bad else "2" for i in range(16)}


def good_of(named: dict[str, str | Resource | None]) -> dict[str, str]:
    return {name: v for name, v in named.items() if isinstance(v, str) and v != BAD}


def responses_with(cache: SnapshotCache, type_url: TypeUrl) -> int:
    return cache.traffic()[type_url].messages


@pytest.mark.parametrize("bad", range(16))
@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER, SCOPE], ids=["CDS", "LDS", "SRDS"])
def test_one_bad_of_sixteen_is_isolated_in_few_steps(
    type_url: TypeUrl, bad: int, machine: MachineRig
) -> None:
    client = in_sync(machine, type_url)
    machine.publish({type_url: sixteen(bad)})

    seen = envoy(client)

    assert client.holds(type_url) == good_of(sixteen(bad))
    (rejection,) = machine.cache.rejections(GROUP)
    assert (rejection.type_url, rejection.name, rejection.version) == (
        type_url,
        f"r{bad:02}",
        BAD,
    )
    assert rejection.message == MESSAGE
    assert rejection.origins == (f"origin of r{bad:02}",)
    assert rejection.nodes == {"envoy-1"}
    assert len(seen) <= 7


@pytest.mark.parametrize("pair", [(0, 15), (0, 1), (14, 15), (3, 8)], ids=str)
@pytest.mark.parametrize("type_url", [CLUSTER, SCOPE], ids=["CDS", "SRDS"])
def test_two_bad_ones_are_both_isolated(
    type_url: TypeUrl, pair: tuple[int, int], machine: MachineRig
) -> None:
    client = in_sync(machine, type_url)
    machine.publish({type_url: sixteen(*pair)})

    seen = envoy(client)

    assert client.holds(type_url) == good_of(sixteen(*pair))
    assert {r.name for r in machine.cache.rejections(GROUP)} == {f"r{i:02}" for i in pair}
    assert len(seen) <= 16


def test_all_bad_takes_no_more_than_two_steps_each(machine: MachineRig) -> None:
    client = in_sync(machine, CLUSTER)
    machine.publish({CLUSTER: sixteen(*range(16))})

    seen = envoy(client)

    assert client.holds(CLUSTER) == {}
    assert len(machine.cache.rejections(GROUP)) == 16
    assert len(seen) <= 2 * 16 + 2


def test_names_in_the_message_are_tried_first(machine: MachineRig) -> None:
    client = in_sync(machine, CLUSTER)
    machine.publish({CLUSTER: sixteen(11)})

    seen = envoy(client, says=lambda culprits: f"Error adding cluster(s) {culprits}")

    assert len(seen) == 3
    assert client.holds(CLUSTER) == good_of(sixteen(11))


def test_what_others_have_acknowledged_is_not_suspected(machine: MachineRig) -> None:
    machine.publish({CLUSTER: sixteen()})
    in_sync(machine, CLUSTER)
    machine.publish({CLUSTER: {"new": BAD}})

    fresh = machine.connect("envoy-2")
    fresh.request(CLUSTER)
    seen = envoy(fresh)

    assert len(seen) <= 3
    assert fresh.holds(CLUSTER) == good_of(sixteen())


def test_bad_bytes_are_never_sent_again(rig: Rig) -> None:
    client = in_sync(rig, CLUSTER)
    rig.publish({CLUSTER: {"shop": BAD}})
    client.expect(CLUSTER, {"shop": BAD})
    client.nack(CLUSTER)
    client.expect_nothing()

    rig.publish({CLUSTER: {"cart": "1"}})
    client.exchange(CLUSTER, {"cart": "1"})
    rig.publish({CLUSTER: {"shop": BAD}})
    client.expect_nothing()


def test_new_version_ends_the_quarantine(rig: Rig) -> None:
    client = in_sync(rig, CLUSTER)
    rig.publish({CLUSTER: {"shop": BAD}})
    client.expect(CLUSTER, {"shop": BAD})
    client.nack(CLUSTER)
    client.expect_nothing()
    assert rig.cache.rejections(GROUP)

    rig.publish({CLUSTER: {"shop": "2"}})

    assert not rig.cache.rejections(GROUP)
    client.exchange(CLUSTER, {"shop": "2"})


def test_reasons_on_several_lines_are_one_sentence(machine: MachineRig) -> None:
    client = in_sync(machine, LISTENER)
    machine.publish({LISTENER: {"shop": BAD}})

    envoy(client, says=lambda _: "Error updating listener(s) shop: \n  cannot bind\n")

    (rejection,) = machine.cache.rejections(GROUP)
    assert rejection.message == "Error updating listener(s) shop: cannot bind"


def test_going_back_to_a_bad_version_brings_its_quarantine_back(machine: MachineRig) -> None:
    client = in_sync(machine, CLUSTER)
    machine.publish({CLUSTER: {"shop": BAD}})
    envoy(client)
    machine.publish({CLUSTER: {"shop": "2"}})
    envoy(client)

    machine.publish({CLUSTER: {"shop": BAD}})

    client.expect_nothing()
    assert client.holds(CLUSTER) == {"shop": "2"}
    assert machine.cache.rejections(GROUP)[0].message == MESSAGE


def test_client_keeps_the_version_before_the_bad_one(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1"}})
    client = in_sync(rig, CLUSTER)
    rig.publish({CLUSTER: {"shop": BAD, "cart": "1"}})

    for _ in range(4):
        response = client.receive()
        assert response is not None
        if BAD in response.versions.values():
            client.nack(CLUSTER)
        else:
            client.ack(CLUSTER)
        if client.holds(CLUSTER) == {"shop": "1", "cart": "1"}:
            break
    assert client.holds(CLUSTER) == {"shop": "1", "cart": "1"}


def test_new_client_gets_the_last_good_version(machine: MachineRig) -> None:
    machine.publish({CLUSTER: {"shop": "1"}})
    client = in_sync(machine, CLUSTER)
    machine.publish({CLUSTER: {"shop": BAD}})
    envoy(client)

    fresh = machine.connect("envoy-2")
    fresh.request(CLUSTER)

    fresh.exchange(CLUSTER, {"shop": "1"})
    fresh.expect_nothing()


def test_quarantine_holds_for_the_second_client(rig: Rig) -> None:
    client = in_sync(rig, CLUSTER)
    second = in_sync(rig, CLUSTER, "envoy-2")
    rig.publish({CLUSTER: {"shop": BAD}})
    client.expect(CLUSTER, {"shop": BAD})
    second.expect(CLUSTER, {"shop": BAD})
    client.nack(CLUSTER)
    client.expect_nothing()

    third = rig.connect("envoy-3")
    third.request(CLUSTER)
    third.exchange(CLUSTER, {})

    second.nack(CLUSTER)
    second.expect_nothing()
    (rejection,) = rig.cache.rejections(GROUP)
    assert rejection.nodes == {"envoy-1", "envoy-2"}


def test_a_rejection_takes_nothing_from_the_clients_of_other_groups(rig: Rig) -> None:
    """A client with the certificate of one gateway decides nothing for another gateway."""
    rig.publish({}, group="mse/other")
    hostile = in_sync(rig, CLUSTER)
    waiting = rig.connect("envoy-2", group="mse/other")
    waiting.request(CLUSTER)
    waiting.exchange(CLUSTER, {})
    for group in (GROUP, "mse/other"):
        rig.publish({CLUSTER: {"shop": BAD, "cart": "1"}}, group=group)
    refuses_all = hostile.receive()
    assert refuses_all is not None
    hostile.nack(CLUSTER)
    for _ in range(2):
        hostile.receive()
        hostile.nack(CLUSTER)
    hostile.expect_nothing()

    waiting.exchange(CLUSTER, {"shop": BAD, "cart": "1"})
    late = rig.connect("envoy-3", group="mse/other")
    late.request(CLUSTER)
    late.exchange(CLUSTER, {"shop": BAD, "cart": "1"})
    assert {r.name for r in rig.cache.rejections(GROUP)} == {"shop", "cart"}
    assert not rig.cache.rejections("mse/other")


def test_version_that_another_client_acknowledged_stays_with_it(machine: MachineRig) -> None:
    """A port that is in use on one host must not close the listeners of other hosts."""
    client = in_sync(machine, LISTENER)
    other = in_sync(machine, LISTENER, "envoy-2")
    machine.publish({LISTENER: {"http": "1"}})
    client.exchange(LISTENER, {"http": "1"})

    other.expect(LISTENER, {"http": "1"})
    other.nack(LISTENER, "cannot bind '0.0.0.0:80'")

    client.expect_nothing()
    other.expect_nothing()
    third = machine.connect("envoy-3")
    third.request(LISTENER)
    third.exchange(LISTENER, {"http": "1"})
    assert [m.node_id for m in machine.cache.unacknowledged(GROUP)] == ["envoy-2"]


def test_acknowledgement_elsewhere_lifts_the_quarantine_elsewhere(machine: MachineRig) -> None:
    clients = [in_sync(machine, LISTENER, f"envoy-{i}") for i in range(3)]
    rejects, accepts, waits = clients
    waits.request(CLUSTER)
    waits.expect(CLUSTER, {})
    machine.publish({CLUSTER: {"a": "1"}, LISTENER: {"http": "1"}})
    rejects.expect(LISTENER, {"http": "1"})
    accepts.expect(LISTENER, {"http": "1"})

    rejects.nack(LISTENER)
    waits.ack(CLUSTER)
    waits.exchange(CLUSTER, {"a": "1"})
    waits.expect_nothing()
    accepts.ack(LISTENER)

    waits.exchange(LISTENER, {"http": "1"})
    rejects.expect_nothing()


def test_change_that_arrives_during_the_search_gets_through_between_trials(
    delta: MachineRig,
) -> None:
    client = delta.connect()
    names = tuple(f"r{i:02}" for i in range(16))
    client.request(ENDPOINT, "other", *names)
    client.exchange(ENDPOINT, {}, removed={"other", *names})
    delta.publish({ENDPOINT: sixteen(0)})
    client.receive()
    client.nack(ENDPOINT)

    delta.publish({ENDPOINT: {"other": "1"}})
    client.receive()
    client.nack(ENDPOINT)

    client.exchange(ENDPOINT, {"other": "1"})


def test_removals_of_a_rejected_response_are_repeated(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"old": "1"}})
    client = in_sync(delta, CLUSTER)
    delta.publish({CLUSTER: {"old": None, "a": "1", "b": BAD}})

    envoy(client)

    assert client.holds(CLUSTER) == {"a": "1"}


def test_rejected_removal_is_not_repeated_for_ever(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"old": "1"}})
    client = in_sync(delta, CLUSTER)
    delta.publish({CLUSTER: {"old": None}})
    client.expect(CLUSTER, {}, removed={"old"})
    client.nack(CLUSTER)
    client.expect_nothing()


def test_rejected_empty_response_is_not_repeated_for_ever(machine: MachineRig) -> None:
    client = machine.connect()
    client.request(LISTENER)
    client.expect(LISTENER, {})
    client.nack(LISTENER)
    client.expect_nothing()


def test_cluster_stays_while_the_last_good_route_leads_there(machine: MachineRig) -> None:
    machine.publish(
        {CLUSTER: {"old": "1", "free": "1"}, SCOPE: {"host": resource("host", "1", to=("old",))}}
    )
    client = machine.connect()
    for type_url in (CLUSTER, SCOPE):
        client.request(type_url)
    envoy(client)

    machine.publish({CLUSTER: {"old": None, "free": None}, SCOPE: {"host": BAD}})
    envoy(client)
    assert client.holds(SCOPE) == {"host": "1"}
    assert client.holds(CLUSTER) == {"old": "1"}
    kept = "kept until what was rejected is replaced: what is served instead may lead to it"
    assert [(m.name, m.reason) for m in machine.cache.unacknowledged() if m.name != "host"] == [
        ("old", kept)
    ]

    machine.publish({SCOPE: {"host": "3"}})
    envoy(client)
    assert client.holds(SCOPE) == {"host": "3"}
    assert client.holds(CLUSTER) == {}
    assert not machine.cache.unacknowledged()


class PoisonedScopes:
    """Envoy's SRDS: scopes that precede a bad one reach the main thread's table, not the workers.

    The same bytes look unchanged when they come again, so the workers never get them.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.main: dict[str, bytes] = {}
        self.workers: dict[str, str] = {}
        self.bad_sent = 0

    def answer(self) -> None:
        while response := self.client.receive():
            self._apply(response)

    def _apply(self, response: Response) -> None:
        gone = response.removed
        if self.client.protocol == "sotw":
            gone = frozenset(self.main) - response.bodies.keys()
        for name in gone:
            self.main.pop(name, None)
            self.workers.pop(name, None)
        staged = {}
        for name, body in response.bodies.items():
            if version_in(body) == BAD:
                self.bad_sent += 1
                self.client.nack(SCOPE)
                return
            if self.main.get(name) != body:
                staged[name] = version_in(body)
                self.main[name] = body
        self.workers |= staged
        self.client.ack(SCOPE)


@pytest.mark.parametrize("bad", [0, 7, 15])
def test_scopes_of_a_rejected_response_go_out_again_with_other_bytes(
    bad: int, machine: MachineRig
) -> None:
    machine.publish({SCOPE: {f"r{bad:02}": "1", "r03": "1"}})
    client = machine.connect()
    client.request(SCOPE)
    envoy = PoisonedScopes(client)
    envoy.answer()
    machine.publish({SCOPE: sixteen(bad)})

    envoy.answer()

    assert envoy.workers == good_of(sixteen(bad)) | {f"r{bad:02}": "1"}
    machine.publish({SCOPE: {f"r{bad:02}": "3"}})
    envoy.answer()
    assert envoy.workers == good_of(sixteen(bad)) | {f"r{bad:02}": "3"}
    assert not machine.cache.unacknowledged(GROUP)


def test_poisoned_scopes_get_other_bytes_after_a_reconnect(delta: MachineRig) -> None:
    client = in_sync(delta, SCOPE)
    delta.publish({SCOPE: {"a": "2", "b": BAD}})
    poisoned = client.receive()
    assert poisoned is not None
    client.nack(SCOPE)
    client.close()

    delta.publish({SCOPE: {"b": "3"}})
    again = delta.connect()
    again.request(SCOPE)
    response = again.expect(SCOPE, {"a": "2", "b": "3"})

    assert response.bodies["a"] != poisoned.bodies["a"]


def test_scopes_of_a_client_that_comes_from_elsewhere_get_bytes_never_sent_before() -> None:
    """Another process may have poisoned these scopes, with marks of its own."""
    bodies = set()
    for epoch in ("e1", "e2"):
        rig = MachineRig("delta")
        rig.cache = SnapshotCache(epoch=epoch)
        rig.publish({SCOPE: {"same": "1", "host": "2"}})
        client = rig.connect()
        client.request(SCOPE, held={"same": "1", "host": "1"})
        bodies.add(client.expect(SCOPE, {"host": "2"}).bodies["host"])
    assert resource("host", "2").body not in bodies
    assert len(bodies) == 2


def test_versions_held_stay_right_through_a_rejection(delta: MachineRig) -> None:
    client = in_sync(delta, SCOPE)
    delta.publish({SCOPE: {"a": "2", "b": BAD}})
    envoy(client)
    client.close()

    again = delta.connect()
    again.request(SCOPE, held=client.holds(SCOPE))
    again.expect_nothing()


def test_doubtful_resources_are_sent_again_after_a_reconnect(delta: MachineRig) -> None:
    """Envoy may have applied a part of a rejected response, whatever it says when it comes back."""
    delta.publish({CLUSTER: {"a": "1", "b": "1"}})
    client = in_sync(delta, CLUSTER)
    delta.publish({CLUSTER: {"a": "2", "b": BAD}})
    client.receive()
    client.nack(CLUSTER)
    client.close()

    delta.publish({CLUSTER: {"a": "1", "b": "1"}})
    again = delta.connect()
    again.request(CLUSTER, held={"a": "1", "b": "1"})
    again.exchange(CLUSTER, {"a": "1", "b": "1"})


def test_first_rejected_response_over_sotw_does_not_take_away_what_others_have(
    sotw: MachineRig,
) -> None:
    """A reconnecting client may hold all resources from an earlier stream."""
    sotw.publish({CLUSTER: sixteen()})
    in_sync(sotw, CLUSTER)
    sotw.publish({CLUSTER: {"bad": BAD}})
    client = sotw.connect("envoy-2")
    client.request(CLUSTER)
    client.receive()
    client.nack(CLUSTER)

    while response := client.receive():
        assert response.versions.items() >= good_of(sixteen()).items()
        if "bad" in response.versions:
            client.nack(CLUSTER)
        else:
            client.ack(CLUSTER)


def test_what_is_gone_is_told_over_sotw_though_all_that_is_new_is_rejected(
    sotw: MachineRig,
) -> None:
    """Over SotW a client that comes back does not say what it holds."""
    sotw.publish({LISTENER: {"bad": BAD}})
    client = sotw.connect()
    client.held(LISTENER).bodies = {"gone": resource("gone").body}
    client.request(LISTENER)

    assert envoy(client) == [["bad"], []]

    assert client.holds(LISTENER) == {}


@given(
    count=st.integers(1, 40),
    bad=st.sets(st.integers(0, 39), max_size=12),
    known=st.sets(st.integers(0, 39)),
    tells=st.booleans(),
    protocol=st.sampled_from(["delta", "sotw"]),
    type_url=st.sampled_from([CLUSTER, SCOPE]),
)
@settings(max_examples=60)
def test_any_bad_ones_of_any_number_are_isolated(
    count: int, bad: set[int], known: set[int], *, tells: bool, protocol: str, type_url: TypeUrl
) -> None:
    rig = MachineRig(protocol)
    rig.publish({type_url: {f"r{i:02}": "1" for i in known if i < count}})
    client = rig.connect()
    client.request(type_url)
    envoy(client)
    declared = {f"r{i:02}": BAD if i in bad else "2" for i in range(count)}
    rig.publish({type_url: declared})

    seen = envoy(client, says=str if tells else None)

    last_good = {f"r{i:02}": "1" for i in known & bad if i < count}
    assert client.holds(type_url) == good_of(dict(declared)) | last_good
    assert {r.name for r in rig.cache.rejections(GROUP)} == set(declared) - set(
        good_of(dict(declared))
    )
    # Each bad resource takes two trials, and is replaced by its last good version if it has one.
    assert len(seen) <= 2 * count + len(last_good) + 4
