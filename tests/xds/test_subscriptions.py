"""Which clients are told which resources: by wildcard, by name, and after a reconnect."""

from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, SECRET, VIRTUAL_HOST
from tests.xds.rigs import GROUP, MachineRig, Rig

LATER = "mse/later"


def test_first_request_without_names_is_answered_with_everything(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1", "cart": "1"}, LISTENER: {"http": "1"}})
    client = rig.connect()

    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1", "cart": "1"})
    client.expect_nothing()


def test_everything_is_encoded_once_for_all_who_connect_and_anew_after_a_change(
    delta_world: Rig,
) -> None:
    delta_world.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    for node in ("envoy-1", "envoy-2"):
        client = delta_world.connect(node)
        client.request(CLUSTER)
        client.exchange(CLUSTER, {"shop": "1", "cart": "1"})
    delta_world.publish({CLUSTER: {"cart": "2"}})

    late = delta_world.connect("envoy-3")
    late.request(CLUSTER)
    late.exchange(CLUSTER, {"shop": "1", "cart": "2"})

    delta_world.publish({CLUSTER: {"shop": None}})
    later = delta_world.connect("envoy-4")
    later.request(CLUSTER)
    later.exchange(CLUSTER, {"cart": "2"})


def test_asterisk_means_everything(rig: Rig) -> None:
    rig.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = rig.connect()

    client.request(CLUSTER, "*")
    client.exchange(CLUSTER, {"shop": "1", "cart": "1"})


def test_wildcard_of_a_group_without_resources_is_answered_with_nothing_in_it(
    rig: Rig,
) -> None:
    """Envoy keeps its listeners closed until the first answer."""
    client = rig.connect()
    for type_url in (CLUSTER, LISTENER, SCOPE):
        client.request(type_url)
        client.exchange(type_url, {})
    client.expect_nothing()


def test_clients_of_a_group_that_nobody_has_published_wait_for_it(rig: Rig) -> None:
    client = rig.connect(group=LATER)
    client.request(CLUSTER)
    while not rig.cache.waiting():
        client.request(LISTENER)  # the server takes requests of a stream in order
    assert rig.cache.waiting() == {LATER: ("envoy-1",)}
    assert [view.waits for view in rig.cache.clients()] == [True]

    rig.publish({CLUSTER: {"shop": "1"}, LISTENER: {"http": "1"}}, group=LATER)

    client.exchange(CLUSTER, {"shop": "1"})
    assert rig.cache.waiting() == {}
    assert [view.waits for view in rig.cache.clients()] == [False]


def test_clients_that_wait_are_told_nothing_at_all(machine: MachineRig) -> None:
    """An empty response would take from a client what it has."""
    client = machine.connect(group=LATER)
    for type_url in (CLUSTER, LISTENER, SCOPE):
        client.request(type_url, held={"shop": "1"})
        assert client.receive() is None
    assert machine.cache.unacknowledged() == ()

    machine.publish({CLUSTER: {"shop": "1"}}, group="mse/other")
    assert client.receive() is None


def test_clients_that_waited_hear_only_what_they_lack(delta: MachineRig) -> None:
    client = delta.connect(group=LATER)
    client.request(CLUSTER, held={"same": "1", "changed": "1", "gone": "1"})
    assert client.receive() is None

    delta.publish({CLUSTER: {"same": "1", "changed": "2", "new": "1"}}, group=LATER)

    client.exchange(CLUSTER, {"changed": "2", "new": "1"}, removed={"gone"})
    client.expect_nothing()


def test_clients_that_come_after_a_group_was_dropped_wait_too(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"shop": "1"}})
    delta.cache.drop(GROUP)
    client = delta.connect()
    client.request(CLUSTER, held={"shop": "1"})
    assert client.receive() is None
    assert delta.cache.waiting() == {GROUP: ("envoy-1",)}

    client.close()
    assert delta.cache.waiting() == {}


def test_first_request_that_only_gives_up_names_asks_for_nothing(delta_world: Rig) -> None:
    delta_world.publish({CLUSTER: {"shop": "1"}})
    client = delta_world.connect()
    client.unsubscribe(CLUSTER, "cart")
    client.expect_nothing()

    client.request(CLUSTER, "shop")
    client.exchange(CLUSTER, {"shop": "1"})


def test_clients_hear_of_their_own_group_only(rig: Rig) -> None:
    client = rig.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {})

    rig.publish({CLUSTER: {"other": "1"}}, group="mse/other")

    client.expect_nothing()


def test_names_bring_these_resources_only(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1", "cart": "1"}})
    client = rig.connect()

    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})

    rig.publish({ENDPOINT: {"cart": "2"}})
    client.expect_nothing()


def test_more_names_bring_the_new_ones_only(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1", "cart": "1"}})
    client = rig.connect()
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})

    client.request(ENDPOINT, "cart")

    client.exchange(ENDPOINT, {"cart": "1"})
    client.expect_nothing()


def test_unsubscribed_names_are_not_heard_of(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1", "cart": "1"}})
    client = rig.connect()
    client.request(ENDPOINT, "shop", "cart")
    client.exchange(ENDPOINT, {"shop": "1", "cart": "1"})

    client.unsubscribe(ENDPOINT, "cart")
    client.expect_nothing()
    rig.publish({ENDPOINT: {"shop": "2", "cart": "2"}})

    client.exchange(ENDPOINT, {"shop": "2"})
    client.expect_nothing()


def test_name_unsubscribed_and_asked_for_again_is_sent_again(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1", "cart": "1"}})
    client = rig.connect()
    client.request(ENDPOINT, "shop", "cart")
    client.exchange(ENDPOINT, {"shop": "1", "cart": "1"})

    client.unsubscribe(ENDPOINT, "cart")
    client.request(ENDPOINT, "cart")

    client.exchange(ENDPOINT, {"cart": "1"})


def test_name_that_comes_to_exist_is_sent_then(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1"}})
    client = rig.connect()
    client.request(ENDPOINT, "shop")
    client.exchange(ENDPOINT, {"shop": "1"})
    client.request(ENDPOINT, "late")
    if client.protocol == "delta":
        client.exchange(ENDPOINT, {}, removed={"late"})

    rig.publish({ENDPOINT: {"late": "1"}})

    client.exchange(ENDPOINT, {"late": "1"})


def test_missing_names_are_answered_as_removed(delta_world: Rig) -> None:
    client = delta_world.connect()
    for type_url in (ENDPOINT, SECRET, ROUTE, VIRTUAL_HOST, CLUSTER):
        client.request(type_url, "nobody")
        client.exchange(type_url, {}, removed={"nobody"})
    client.expect_nothing()


def test_missing_names_are_answered_with_nothing_in_it_over_sotw(sotw: MachineRig) -> None:
    client = sotw.connect()
    for type_url in (ENDPOINT, SECRET, ROUTE, CLUSTER):
        client.request(type_url, "nobody")
        client.exchange(type_url, {})
    client.expect_nothing()


def test_no_names_mean_nothing_for_what_others_refer_to_by_name(rig: Rig) -> None:
    rig.publish({ENDPOINT: {"shop": "1"}, SECRET: {"cert": "1"}})
    client = rig.connect()
    client.request(ENDPOINT)
    client.request(SECRET)
    client.expect_nothing()


def test_wildcard_given_up_leaves_the_names(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = delta.connect()
    client.request(CLUSTER, "*", "shop")
    client.exchange(CLUSTER, {"shop": "1", "cart": "1"})

    client.unsubscribe(CLUSTER, "*")
    delta.publish({CLUSTER: {"shop": "2", "cart": "2"}})

    client.exchange(CLUSTER, {"shop": "2"})
    client.expect_nothing()


def test_wildcard_added_to_names_brings_the_others(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = delta.connect()
    client.request(CLUSTER, "shop")
    client.exchange(CLUSTER, {"shop": "1"})

    client.request(CLUSTER, "*")

    client.exchange(CLUSTER, {"cart": "1"})


def test_name_unsubscribed_below_a_wildcard_is_told_once_more(delta: MachineRig) -> None:
    """The client cannot know whether the wildcard covers the name."""
    delta.publish({CLUSTER: {"shop": "1"}})
    client = delta.connect()
    client.request(CLUSTER, "*", "shop", "gone")
    client.exchange(CLUSTER, {"shop": "1"}, removed={"gone"})

    client.unsubscribe(CLUSTER, "shop", "gone")

    client.exchange(CLUSTER, {"shop": "1"}, removed={"gone"})
    client.expect_nothing()


def test_names_after_an_empty_first_request_end_the_wildcard_over_sotw(
    sotw: MachineRig,
) -> None:
    sotw.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = sotw.connect()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1", "cart": "1"})

    client.request(CLUSTER, "shop")
    client.exchange(CLUSTER, {"shop": "1"}, removed={"cart"})

    client.unsubscribe(CLUSTER, "shop")
    client.exchange(CLUSTER, {}, removed={"shop"})


def test_reconnecting_client_hears_only_what_it_lacks(delta_world: Rig) -> None:
    delta_world.publish({CLUSTER: {"same": "1", "changed": "2", "new": "1"}})
    client = delta_world.connect()

    client.request(CLUSTER, held={"same": "1", "changed": "1", "gone": "1"})

    client.exchange(CLUSTER, {"changed": "2", "new": "1"}, removed={"gone"})
    client.expect_nothing()


def test_reconnecting_client_in_sync_hears_nothing(delta_world: Rig) -> None:
    delta_world.publish({CLUSTER: {"shop": "1"}, ENDPOINT: {"shop": "1", "cart": "1"}})
    client = delta_world.connect()
    client.request(CLUSTER, held={"shop": "1"})
    client.request(ENDPOINT, "shop", held={"shop": "1", "cart": "0"})
    client.expect_nothing()

    delta_world.publish({ENDPOINT: {"shop": "2"}})
    client.exchange(ENDPOINT, {"shop": "2"})


def test_a_client_that_acknowledges_nothing_is_noticed_all_the_same(delta_world: Rig) -> None:
    """A client that holds everything is sent nothing, so its first request has to be noticed."""
    delta_world.publish({LISTENER: {"http": "1"}})
    noticed: list[bool] = []
    delta_world.cache.on_change(lambda: noticed.append(delta_world.cache.listens(GROUP)))
    client = delta_world.connect()

    client.request(LISTENER, held={"http": "1"})

    client.expect_nothing()
    assert noticed[-1]


def test_reconnecting_client_in_sync_hears_nothing_over_sotw(sotw: MachineRig) -> None:
    sotw.publish({CLUSTER: {"shop": "1", "cart": "1"}})
    client = sotw.connect()
    client.request(CLUSTER)
    version = client.expect(CLUSTER, {"shop": "1", "cart": "1"}).version
    client.close()

    again = sotw.connect()
    again.held(CLUSTER).bodies = dict(client.take(CLUSTER).bodies)
    again.resume(CLUSTER, version)  # type: ignore[attr-defined]  # over SotW
    again.expect_nothing()

    sotw.publish({CLUSTER: {"shop": "2"}})
    again.exchange(CLUSTER, {"shop": "2"})


def test_equal_content_has_equal_versions_in_all_processes_over_sotw() -> None:
    versions = []
    for names in (["shop", "cart"], ["cart", "shop"]):
        rig = MachineRig("sotw")
        rig.publish({CLUSTER: dict.fromkeys(names, "1")})
        client = rig.connect()
        client.request(CLUSTER)
        versions.append(client.expect(CLUSTER, {"shop": "1", "cart": "1"}).version)
    assert versions[0] == versions[1]


def test_dropped_group_takes_everything_from_its_clients(delta: MachineRig) -> None:
    delta.publish({CLUSTER: {"shop": "1"}, LISTENER: {"http": "1"}})
    client = delta.connect()
    client.request(CLUSTER)
    client.request(LISTENER)
    client.settle()

    delta.cache.drop(GROUP)
    client.exchange(LISTENER, {}, removed={"http"})
    client.exchange(CLUSTER, {}, removed={"shop"})
    assert delta.cache.groups() == ()

    delta.publish({CLUSTER: {"shop": "1"}})
    client.exchange(CLUSTER, {"shop": "1"})


def test_types_that_nobody_knows_are_answered_with_nothing_in_it(rig: Rig) -> None:
    client = rig.connect()
    client.request("type.googleapis.com/envoy.service.runtime.v3.Runtime")
    client.exchange("type.googleapis.com/envoy.service.runtime.v3.Runtime", {})
