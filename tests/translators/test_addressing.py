"""Members whose Pods are not reached themselves: nodes and ingresses take the place of Pods."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from fleet.events import Configured
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import HUB, Ref
from tests.support.builders import (
    Builder,
    alb_class,
    alb_gateway,
    ingress,
    mse_gateway,
    node,
    pod,
    service,
    slice_of,
)
from tests.support.translation import World
from translators.envoy.assignments import encode_endpoint, encode_node
from translators.envoy.messages import LbEndpoint
from translators.merge.addressing import at_gateway, at_nodes
from translators.merge.nodes import EXCLUDED, PLACES, Ring, UsableNode, read_node, used_by
from translators.model.bounds import MAX_COUNTED_PODS, MAX_NODES
from translators.model.endpoints import Lack, PodEndpoint
from xds.readable import readable
from xds.resource import TypeUrl
from xds.wire import encode

NEAR, FAR = "near", "far"

NODES = MemberSettings(addressing=Addressing.NODE_PORTS)

INGRESS = MemberGateway("203.0.113.9", 443)

HTTPS_INGRESS = MemberGateway("203.0.113.9", 443, GatewayTls.UNVERIFIED, "cloud.test")

NAMED = MemberGateway("cloud.test", 80)


def by(gateway: MemberGateway) -> MemberSettings:
    return MemberSettings(addressing=Addressing.GATEWAY, gateway=gateway)


def web(**spec: object) -> Builder[Any]:
    ports = [{"name": "http", "port": 80, "nodePort": 30080}]
    return service("web").with_spec(ports=ports, **spec)


def pods(number: int, *, on: Sequence[str] = (), ending: bool = False) -> list[PodEndpoint]:
    places = on or [""] * number
    return [
        PodEndpoint(f"10.1.{n // 250}.{n % 250 + 1}", 8080, f"p{n}", b"", ending, place)
        for n, place in zip(range(number), places, strict=True)
    ]


A, B, C = (UsableNode(name, f"192.0.2.{n}") for n, name in enumerate("abc", 1))


def weighed(
    given: Sequence[PodEndpoint], nodes: Sequence[UsableNode], **spec: object
) -> dict[str, int]:
    reached = at_nodes(web(**spec).model(), 30080, given, nodes)
    return {f"{one.address}:{one.port}": one.weight for one in reached.endpoints}


# -- weights ---------------------------------------------------------------------------------------


def test_nodes_divide_the_weight_of_the_pods() -> None:
    assert weighed(pods(3), [A, B]) == {"192.0.2.1:30080": 1500, "192.0.2.2:30080": 1500}


def test_a_node_has_at_least_the_weight_that_envoy_takes() -> None:
    crowd = [UsableNode(f"n{n}", f"192.0.2.{n % 250}") for n in range(5000)]
    assert set(weighed(pods(1), crowd).values()) == {1}


def test_a_node_that_keeps_requests_to_itself_has_the_weight_of_its_own_pods() -> None:
    found = weighed(pods(4, on=["a", "b", "b", "b"]), [A, B, C], externalTrafficPolicy="Local")
    assert found == {"192.0.2.1:30080": 1000, "192.0.2.2:30080": 3000}


def test_a_pod_of_two_slices_counts_once() -> None:
    assert weighed([*pods(1), *pods(1)], [A]) == {"192.0.2.1:30080": 1000}
    (one,) = at_gateway(FAR, INGRESS, [*pods(2), *pods(2)]).endpoints
    assert one.weight == 2000


def test_more_pods_than_envoy_can_add_do_not_count() -> None:
    crowd = [PodEndpoint(f"p{n}", 80, "", b"") for n in range(MAX_COUNTED_PODS + 1)]
    (one,) = at_gateway(FAR, INGRESS, crowd).endpoints
    assert one.weight == 1000 * MAX_COUNTED_PODS


@pytest.mark.parametrize("ending", [False, True])
def test_what_stands_for_pods_is_degraded_as_they_are(ending: bool) -> None:
    given = pods(1, ending=ending)
    for reached in (at_nodes(web().model(), 30080, given, [A]), at_gateway(FAR, INGRESS, given)):
        (one,) = reached.endpoints
        assert one.terminating is ending
        assert one.body.startswith(encode_endpoint(one.address, one.port, degraded=ending)[:20])


def test_without_a_pod_there_is_nothing() -> None:
    assert not at_nodes(web().model(), 30080, [], [A]).endpoints
    assert not at_gateway(FAR, INGRESS, []).endpoints


@pytest.mark.parametrize(
    ("port", "nodes", "lack"),
    [
        pytest.param(0, [A], Lack.NODE_PORT, id="no-node-port"),
        pytest.param(30080, [], Lack.NODES, id="no-node"),
        pytest.param(30080, [UsableNode("a")], Lack.NODES, id="no-address"),
    ],
)
def test_pods_that_cannot_be_reached_are_a_lack(
    port: int, nodes: Sequence[UsableNode], lack: Lack
) -> None:
    reached = at_nodes(web().model(), port, pods(1), nodes)
    assert (reached.endpoints, reached.lack) == ((), lack)


@pytest.mark.parametrize("degraded", [False, True])
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_node_is_encoded_as_any_endpoint(address: str, degraded: bool) -> None:
    weight = encode(LbEndpoint(load_balancing_weight=70))
    joined = encode_endpoint(address, 30080, degraded=degraded) + weight
    assert encode_node(address, 30080, 70, degraded=degraded) == joined


# -- nodes -----------------------------------------------------------------------------------------


def read(made: Builder[Any], allowed: PodAddresses | None = None) -> UsableNode | None:
    return read_node(made.ref(FAR), made.model(), allowed or PodAddresses()).node


@pytest.mark.parametrize(
    ("made", "usable"),
    [
        pytest.param(node("a", InternalIP="192.0.2.1"), True, id="ready"),
        pytest.param(node("a", ready="False", InternalIP="192.0.2.1"), False, id="not-ready"),
        pytest.param(node("a", ready="Unknown", InternalIP="192.0.2.1"), False, id="unknown"),
        pytest.param(node("a", InternalIP="192.0.2.1").label({EXCLUDED: ""}), False, id="excluded"),
        pytest.param(node("a", Hostname="a.test"), False, id="no-address"),
        pytest.param(node("a", InternalIP="169.254.169.254"), False, id="metadata-service"),
    ],
)
def test_nodes_that_take_requests(made: Builder[Any], usable: bool) -> None:
    assert (read(made) is not None) is usable


def test_an_internal_address_comes_before_an_external_one() -> None:
    both = node("a", ExternalIP="203.0.113.1", InternalIP="192.0.2.1")
    assert read(both) == UsableNode("a", "192.0.2.1")
    assert read(node("a", ExternalIP="203.0.113.1")) == UsableNode("a", "203.0.113.1")


def test_nodes_are_in_no_network_of_pods() -> None:
    narrow = PodAddresses(networks=read_networks(["10.0.0.0/8"]))
    assert read(node("a", InternalIP="192.0.2.1"), narrow)


@pytest.mark.parametrize(
    ("families", "address"),
    [
        pytest.param([], "192.0.2.1", id="none-named"),
        pytest.param(["IPv4"], "192.0.2.1", id="ipv4"),
        pytest.param(["IPv6"], "2001:db8::1", id="ipv6"),
        pytest.param(["IPv6", "IPv4"], "2001:db8::1", id="ipv6-first"),
    ],
)
def test_a_node_is_asked_in_the_family_of_the_service(families: list[str], address: str) -> None:
    dual = UsableNode("a", "192.0.2.1", "2001:db8::1")
    assert dual.address_for(web(ipFamilies=families).model()) == address


def test_a_node_without_the_family_of_the_service_is_not_asked() -> None:
    assert A.address_for(web(ipFamilies=["IPv6"]).model()) == ""


def test_services_use_a_bounded_number_of_nodes_and_all_nodes_are_used() -> None:
    ring = Ring.of([UsableNode(f"n{n}", f"192.0.2.{n}") for n in range(200)])
    chosen = [ring.at(place) for place in range(PLACES)]
    assert {len(set(nodes)) for nodes in chosen} == {MAX_NODES}
    assert len({each.name for nodes in chosen for each in nodes}) == 200


def test_a_lost_node_concerns_the_places_that_used_it() -> None:
    nodes = [UsableNode(f"n{n}", f"192.0.2.{n}") for n in range(200)]
    before, after = Ring.of(nodes), Ring.of(nodes[1:])
    for place in range(PLACES):
        if nodes[0] not in before.at(place):
            assert after.at(place) == before.at(place)
        else:
            assert set(before.at(place)) - {nodes[0]} <= set(after.at(place))


@pytest.mark.parametrize("few", ["IPv4", "IPv6"])
def test_a_service_finds_the_only_nodes_of_its_ip_family(few: str) -> None:
    common = [(f"192.0.2.{n}", "") if few == "IPv6" else ("", f"2001:db8::{n}") for n in range(60)]
    nodes = [UsableNode(f"n{n}", *each) for n, each in enumerate(common)]
    ring = Ring.of([*nodes, UsableNode("both", "192.0.2.200", "2001:db8::200")])
    alone = web(ipFamilies=[few]).model()
    other = web(ipFamilies=["IPv4" if few == "IPv6" else "IPv6"]).model()
    for place in range(PLACES):
        assert [node.name for node in used_by(alone, ring.at(place))] == ["both"]
        assert len(used_by(other, ring.at(place))) == MAX_NODES


@pytest.mark.parametrize("families", [["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]])
def test_a_service_uses_no_more_nodes_where_all_have_both_families(families: list[str]) -> None:
    ring = Ring.of([UsableNode(f"n{n}", f"192.0.2.{n}", f"2001:db8::{n}") for n in range(60)])
    used = used_by(web(ipFamilies=families).model(), ring.at(7))
    assert len({node.address_for(web(ipFamilies=families).model()) for node in used}) == MAX_NODES


# -- the fleet -------------------------------------------------------------------------------------


def fleet(
    settings: MemberSettings,
    *,
    far: Iterable[Builder[Any]] = (),
    annotations: Mapping[str, str] | None = None,
) -> World:
    """Make a fleet with a Pod in one member, and two in another one with these settings."""
    world = World()
    world.attach(HUB, NEAR, FAR)
    world.apply([Configured(FAR, settings)])
    rules = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
    world.put(mse_gateway(members=[NEAR, FAR]).manifest, rules.annotate(annotations or {}).manifest)
    world.put(web().manifest, slice_("10.1.0.1").manifest, origin=NEAR)
    world.put(web().manifest, slice_("10.2.0.1", "10.2.0.2").manifest, origin=FAR)
    world.put(node("a", InternalIP="192.0.2.1").manifest, origin=FAR)
    world.put(*(each.manifest for each in far), origin=FAR)
    return world


def slice_(*addresses: str) -> Builder[Any]:
    names = [f"web-{address}" for address in addresses]
    return slice_of("web", addresses=addresses, pods=names, port_name="http")


Json = Any  # resources as Envoy's own tools show them


def shown(world: World, type_url: TypeUrl) -> Json:
    (name,) = world.names(type_url)
    return readable(type_url, world.snapshots["mse/gw"][type_url, name].body)


def endpoints(assignment: Json) -> dict[int, dict[str, int]]:
    """Return the weights of endpoints by priority and address; 0 for those without a weight."""
    found: dict[int, dict[str, int]] = {}
    for locality in assignment.get("endpoints", ()):
        for each in locality["lb_endpoints"]:
            address = each["endpoint"]["address"]["socket_address"]["address"]
            weight = each.get("load_balancing_weight", 0)
            found.setdefault(locality.get("priority", 0), {})[address] = weight
    return found


def assigned(world: World) -> dict[int, dict[str, int]]:
    return endpoints(shown(world, TypeUrl.ENDPOINT))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        pytest.param(MemberSettings(), {"10.1.0.1": 0, "10.2.0.1": 0, "10.2.0.2": 0}, id="pods"),
        pytest.param(NODES, {"10.1.0.1": 1000, "192.0.2.1": 2000}, id="node-ports"),
        pytest.param(by(INGRESS), {"10.1.0.1": 1000, "203.0.113.9": 2000}, id="gateway"),
    ],
)
def test_endpoints_have_weights_where_some_stand_for_pods(
    settings: MemberSettings, wanted: Mapping[str, int]
) -> None:
    assert assigned(fleet(settings)) == {0: wanted}


def test_a_member_changes_its_addressing_by_its_endpoints_alone() -> None:
    world = fleet(MemberSettings())
    for settings in (NODES, MemberSettings(), by(INGRESS), MemberSettings()):
        world.apply([Configured(FAR, settings)])
        assert assigned(world) == assigned(fleet(settings))
        assert world.versions() == fleet(settings).versions()


@pytest.mark.parametrize("settings", [NODES, by(INGRESS)], ids=["node-ports", "gateway"])
def test_a_subset_of_a_member_may_be_one_of_nodes_or_an_ingress(settings: MemberSettings) -> None:
    pin = {"mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {FAR}"}
    found = assigned(fleet(settings, annotations=pin))
    assert [set(found[0]) & {"192.0.2.1", "203.0.113.9"} != set(), set(found[1])] == [
        True,
        {"10.1.0.1"},
    ]


def test_a_subset_by_labels_prefers_pods_that_can_be_chosen() -> None:
    labels = {"mse.ingress.kubernetes.io/subset-labels": "version v2"}
    chosen = pod("web-10.2.0.1", version="v2")
    world = fleet(NODES, far=[chosen], annotations=labels)
    world.put(pod("web-10.1.0.1", version="v2").manifest, origin=NEAR)
    assert {p: set(found) for p, found in assigned(world).items()} == {
        0: {"10.1.0.1"},
        1: {"192.0.2.1"},
    }


def test_weights_of_members_hold_whatever_the_endpoints_stand_for() -> None:
    weights = {f"fleetgate.dev/cluster-weight.{m}": w for m, w in ((NEAR, "30"), (FAR, "70"))}
    world = fleet(NODES, annotations=weights)
    localities = shown(world, TypeUrl.ENDPOINT)["endpoints"]
    found = {each["locality"]["sub_zone"]: each["load_balancing_weight"] for each in localities}
    assert found == {NEAR: 30, FAR: 70}
    assert assigned(world) == {0: {"10.1.0.1": 1000, "192.0.2.1": 2000}}


def test_a_standby_has_the_weight_of_its_pods() -> None:
    world = fleet(by(INGRESS), annotations={f"fleetgate.dev/cluster-weight.{NEAR}": "100"})
    standby = shown(world, TypeUrl.ENDPOINT)["endpoints"][-1]
    assert (standby["priority"], standby["load_balancing_weight"]) == (1, 2)


def test_a_name_makes_the_cluster_carry_its_endpoints() -> None:
    world = fleet(MemberSettings())
    by_eds = shown(world, TypeUrl.CLUSTER)
    world.apply([Configured(FAR, by(NAMED))])
    by_dns = shown(world, TypeUrl.CLUSTER)
    (name,) = world.names(TypeUrl.CLUSTER)
    assert endpoints(by_dns["load_assignment"]) == {0: {"10.1.0.1": 1000, "cloud.test": 2000}}
    weights = [each["load_balancing_weight"] for each in by_dns["load_assignment"]["endpoints"]]
    assert weights == [2, 1]
    assert not world.snapshots["mse/gw"][TypeUrl.CLUSTER, name].requires
    assert not world.names(TypeUrl.ENDPOINT), "EDS takes no names"
    world.remove(slice_().manifest, origin=FAR)
    assert shown(world, TypeUrl.CLUSTER) == by_eds, "no Pod is behind the name"


def test_nodes_that_divide_the_pods_unevenly_keep_the_share_beside_a_name() -> None:
    more = [node(f"n{n}", InternalIP=f"192.0.2.{n}") for n in range(10, 15)]
    world = fleet(NODES, far=more)
    world.apply([Configured(NEAR, by(NAMED))])
    carried = shown(world, TypeUrl.CLUSTER)["load_assignment"]
    assert endpoints(carried)[0]["192.0.2.1"] == 333, "6 nodes stand for 2 Pods"
    localities = carried["endpoints"]
    found = {each["locality"]["sub_zone"]: each["load_balancing_weight"] for each in localities}
    assert found == {NEAR: 1, FAR: 2}


def test_one_of_two_members_with_the_same_address_is_reported() -> None:
    """Envoy keeps one endpoint of an address, whatever the server name of its TLS is."""
    one, two = (
        MemberGateway("203.0.113.9", 443, GatewayTls.UNVERIFIED, f"{name}.test")
        for name in (NEAR, FAR)
    )
    world = fleet(by(one))
    world.apply([Configured(NEAR, by(two))])
    assert assigned(world) == {0: {"203.0.113.9": 2000}}
    (problem,) = world.translator.tables.statuses.problems()
    assert (problem.at, problem.reason, problem.effect) == (
        Ref(NEAR, "Service", "default", "web"),
        "SharedAddress",
        "no request goes to its Pods in near",
    )
    assert world.problems("web") == []
    world.apply([Configured(NEAR, by(MemberGateway("203.0.113.9", 444)))])
    assert not list(world.translator.tables.statuses.problems())


def test_an_endpoint_of_a_backend_with_names_changes_one_cluster() -> None:
    world = fleet(by(NAMED))
    before = world.versions()["mse/gw"]
    computed = world.put(slice_("10.2.0.1").manifest, origin=FAR)
    assert computed == {
        "slice endpoints": 1,
        "assignments": 1,
        "lacks": 1,
        "clusters with names": 1,
    }
    after = world.versions()["mse/gw"]
    assert [kind for kind, name in after if after[kind, name] != before[kind, name]] == [
        TypeUrl.CLUSTER
    ]


@pytest.mark.parametrize(
    ("port", "checks"),
    [
        pytest.param("", {"10.1.0.1": None, "192.0.2.1": None}, id="the-port-of-requests"),
        pytest.param(
            "9090",
            {"10.1.0.1": {"port_value": 9090}, "192.0.2.1": {"disable_active_health_check": True}},
            id="a-port-of-pods",
        ),
    ],
)
def test_nodes_are_checked_at_their_node_port_or_not_at_all(
    port: str, checks: Mapping[str, object]
) -> None:
    world = World()
    world.attach(HUB, NEAR, FAR)
    world.apply([Configured(FAR, NODES)])
    asked = {"healthcheck-enabled": "true"} | ({"healthcheck-connect-port": port} if port else {})
    rules = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    spelt = {f"alb.ingress.kubernetes.io/{key}": value for key, value in asked.items()}
    world.put(alb_gateway(members=[NEAR, FAR]).manifest, alb_class().manifest)
    world.put(rules.annotate(spelt).manifest)
    world.put(web().manifest, slice_("10.1.0.1").manifest, origin=NEAR)
    world.put(web().manifest, slice_("10.2.0.1").manifest, origin=FAR)
    world.put(node("a", InternalIP="192.0.2.1").manifest, origin=FAR)
    (body,) = (r.body for (k, _), r in world.snapshots["alb/gw"].items() if k is TypeUrl.ENDPOINT)
    assignment: Json = readable(TypeUrl.ENDPOINT, body)
    found = {
        each["endpoint"]["address"]["socket_address"]["address"]: each["endpoint"].get(
            "health_check_config"
        )
        for locality in assignment["endpoints"]
        for each in locality["lb_endpoints"]
    }
    assert found == checks


def test_a_check_of_a_cluster_with_a_name_takes_no_longer_than_its_dns() -> None:
    """Such a Cluster holds up the gateway's other changes until each Pod was asked."""
    world = World()
    world.attach(HUB, NEAR, FAR)
    rules = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    asked = {"healthcheck-enabled": "true", "healthcheck-timeout-seconds": "300"}
    spelt = {f"alb.ingress.kubernetes.io/{key}": value for key, value in asked.items()}
    world.put(alb_gateway(members=[NEAR, FAR]).manifest, alb_class().manifest)
    world.put(rules.annotate(spelt).manifest)
    world.put(web().manifest, slice_("10.1.0.1").manifest, origin=NEAR)
    world.put(web().manifest, slice_("10.2.0.1").manifest, origin=FAR)
    for settings, timeout in ((MemberSettings(), "300s"), (by(NAMED), "2s")):
        world.apply([Configured(FAR, settings)])
        (body,) = (
            r.body for (k, _), r in world.snapshots["alb/gw"].items() if k is TypeUrl.CLUSTER
        )
        cluster: Json = readable(TypeUrl.CLUSTER, body)
        assert [each["timeout"] for each in cluster["health_checks"]] == [timeout]


HTTPS = {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}


@pytest.mark.parametrize(
    ("gateway", "annotations", "socket"),
    [
        pytest.param(INGRESS, {}, None, id="clear-among-clear"),
        pytest.param(INGRESS, HTTPS, "raw_buffer", id="clear-among-tls"),
        pytest.param(HTTPS_INGRESS, {}, "tls", id="tls-among-clear"),
        pytest.param(HTTPS_INGRESS, HTTPS, "tls", id="tls-among-tls"),
    ],
)
def test_the_tls_of_pods_does_not_concern_an_ingress(
    gateway: MemberGateway, annotations: Mapping[str, str], socket: str | None
) -> None:
    cluster = shown(fleet(by(gateway), annotations=annotations), TypeUrl.CLUSTER)
    sockets = [
        (each["match"], each["transport_socket"]["name"].rpartition(".")[2])
        for each in cluster.get("transport_socket_matches", ())
    ]
    assert sockets == ([({"gateway": FAR}, socket)] if socket else [])


def test_a_backend_without_a_service_in_the_member_has_no_tls_towards_its_ingress() -> None:
    world = fleet(by(HTTPS_INGRESS))
    made = shown(world, TypeUrl.CLUSTER)
    world.remove(web().manifest, origin=FAR)
    assert "transport_socket_matches" not in shown(world, TypeUrl.CLUSTER)
    world.put(web().manifest, origin=FAR)
    assert shown(world, TypeUrl.CLUSTER) == made


@pytest.mark.parametrize(
    ("settings", "added"),
    [(MemberSettings(), False), (NODES, False), (by(INGRESS), True)],
    ids=["pods", "node-ports", "gateway"],
)
def test_answers_are_tried_again_only_where_a_member_has_an_ingress(
    settings: MemberSettings, added: bool
) -> None:
    world, plain = fleet(settings), fleet(MemberSettings())
    differ = [
        key
        for key, version in world.versions()["mse/gw"].items()
        if version != plain.versions()["mse/gw"][key] and key[0] is not TypeUrl.ENDPOINT
    ]
    assert [kind for kind, _ in differ] == ([TypeUrl.SCOPED_ROUTE] * 2 if added else [])


def test_a_service_whose_pods_cannot_be_reached_is_reported() -> None:
    plain = service("web", ports={"http": 80})
    world = fleet(NODES, far=[plain])
    assert assigned(world) == {0: {"10.1.0.1": 0}}
    (problem,) = world.translator.tables.statuses.problems()
    assert (problem.at, problem.reason) == (Ref(FAR, "Service", "default", "web"), "NoNodePort")
    world.remove(slice_().manifest, origin=NEAR)
    assert world.problems("web") == ["NoNodePort"]
    world.put(web().manifest, origin=FAR)
    assert not list(world.translator.tables.statuses.problems())
    world.put(node("a", ready="False", InternalIP="192.0.2.1").manifest, origin=FAR)
    assert world.problems("web") == ["NoUsableNode"]


@pytest.mark.parametrize("nodes", [4, 400])
def test_a_changed_node_costs_the_backends_that_use_it(nodes: int) -> None:
    world = fleet(NODES)
    for name in (f"s{n}" for n in range(60)):
        rules = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
        world.put(rules.manifest)
        ports = [{"name": "http", "port": 80, "nodePort": 30080}]
        made = service(name).with_spec(ports=ports)
        found = slice_of(name, addresses=["10.2.0.9"], port_name="http")
        world.put(made.manifest, found.manifest, origin=FAR)
    for n in range(nodes):
        address = f"192.0.{3 + n // 250}.{n % 250}"
        world.put(node(f"n{n}", InternalIP=address).manifest, origin=FAR)
    lost = node("n3", ready="False", InternalIP="192.0.3.3").manifest
    computed = world.put(lost, origin=FAR)
    assert computed["assignments"] == world.sent
    assert (world.sent == 61) is (nodes == 4)
    assert world.put(lost, origin=FAR) == {}
