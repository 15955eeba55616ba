"""An AlbConfig is read into a gateway with listeners, members and a status."""

import json
from typing import Any

import pytest

from fleet.events import Listed, Unreachable
from fleet.ref import HUB, Ref
from tests.support.builders import alb_class, alb_gateway, ingress, service, slice_of
from tests.support.translation import World
from translators.dialects import DIALECTS
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.gateway_settings import ADDRESSES
from translators.model.binds import Bind
from translators.model.gateways import Gateway
from translators.model.statuses import GatewayStatus, Phase, Runtime
from xds.readable import readable
from xds.resource import TypeUrl

GATEWAY = Ref(HUB, "AlbConfig", "", "gw")


def read(spec: dict[str, Any], **annotations: str) -> Gateway:
    metadata = {"name": "gw", "annotations": annotations}
    return DIALECTS.gateway(GATEWAY, AlbConfig.model_validate({"metadata": metadata, "spec": spec}))


def http(port: object) -> dict[str, object]:
    return {"port": port, "protocol": "HTTP"}


@pytest.mark.parametrize(
    ("listeners", "served", "problems"),
    [
        pytest.param([http(80), http(8080)], ["80/HTTP", "8080/HTTP"], [], id="two"),
        pytest.param([http("8080")], ["8080/HTTP"], [], id="numeric-text"),
        pytest.param([{"port": 80, "protocol": "http"}], ["80/HTTP"], [], id="lower-case"),
        pytest.param(
            [http(80), {"port": 443, "protocol": "HTTPS"}],
            ["80/HTTP", "443/HTTPS"],
            [],
            id="https",
        ),
        pytest.param(
            [{"port": 443, "protocol": "HTTPS"}, {"port": 443, "protocol": "QUIC"}],
            ["443/HTTPS", "443/QUIC"],
            [],
            id="https-and-quic-share-a-port",
        ),
        pytest.param(
            [http(80), http("80"), http(81)],
            ["80/HTTP", "81/HTTP"],
            ["Conflict spec.listeners[1] 80/HTTP"],
            id="twice",
        ),
        pytest.param(
            [{"port": 80, "protocol": "HTTPS"}, http(80)],
            ["80/HTTPS"],
            ["Conflict spec.listeners[1] 80/HTTP"],
            id="one-port-for-two",
        ),
        pytest.param(
            [http(0), http(65536), http(-1), http("x"), http(True), http(65535)],
            ["65535/HTTP"],
            [
                "InvalidField spec.listeners[0].port 0",
                "InvalidField spec.listeners[1].port 65536",
                "InvalidField spec.listeners[2].port -1",
                "InvalidField spec.listeners[3].port x",
                "InvalidField spec.listeners[4].port true",
            ],
            id="no-ports",
        ),
        pytest.param(
            [{"port": 80}, {"protocol": "HTTP"}, {"port": 80, "protocol": "TCP"}, http(80)],
            ["80/HTTP"],
            [
                "InvalidField spec.listeners[0].protocol ",
                "InvalidField spec.listeners[1].port ",
                "InvalidField spec.listeners[2].protocol TCP",
            ],
            id="half-an-entry",
        ),
        pytest.param([], [], ["NoListener spec.listeners "], id="none"),
    ],
)
def test_listeners_that_can_be_served(
    listeners: list[dict[str, object]], served: list[str], problems: list[str]
) -> None:
    gateway = read({"listeners": listeners})
    assert [str(entry.at) for entry in gateway.entries] == served
    assert [f"{p.reason} {p.key} {p.value}" for p in gateway.problems] == problems


def test_each_listener_asks_tables_of_its_own() -> None:
    gateway = read({"listeners": [http(80), http(8080)]})
    assert [entry.tables for entry in gateway.entries] == ["http-80", "http-8080"]


@pytest.mark.parametrize(
    ("declared", "shown", "problems"),
    [
        pytest.param(None, "alb-gw", [], id="none"),
        pytest.param("alb-1a2b", "alb-1a2b", [], id="declared"),
        pytest.param(17, "17", [], id="number"),
        pytest.param("two words", "alb-gw", ["spec.config.id"], id="no-id"),
    ],
)
def test_id(declared: object, shown: str, problems: list[str]) -> None:
    gateway = read({"config": {"id": declared}, "listeners": [http(80)]})
    assert gateway.id == shown
    assert [problem.key for problem in gateway.problems] == problems


def test_members_and_settings_are_read_as_of_an_mse_gateway() -> None:
    annotations = {
        "alb.ingress.kubernetes.io/remote-clusters": " c1 ,, c2,c1 ",
        "mse.alibabacloud.com/remote-clusters": "c3",
        "fleetgate.dev/upstream-timeout": "1s",
        ADDRESSES: "gw.example",
    }
    gateway = read({"listeners": [http(80)]}, **annotations)
    assert gateway.members == ("c1", "c2")
    assert gateway.settings.limits.unacknowledged.total_seconds() == 1
    assert gateway.settings.addresses == ("gw.example",)


def test_fields_that_are_not_read_do_no_harm() -> None:
    zones = [{"vSwitchId": "vsw-1"}, {"vSwitchId": "vsw-2"}]
    spec = {
        "config": {"name": "demo", "addressType": "Internet", "zoneMappings": zones},
        "listeners": [{**http(80), "logConfig": "maybe", "aclConfig": {"aclType": "White"}}],
    }
    assert read(spec).problems == ()


# -- status ----------------------------------------------------------------------------------------


def world(*ports: object, members: str = "c1") -> World:
    made = World()
    made.attach(HUB, "c1", "c2")
    made.put(alb_gateway(ports=ports, members=members.split(",")).manifest)
    return made


def status(of: World) -> GatewayStatus:
    return of.translator.tables.statuses.of_gateways.rows[GATEWAY]


def test_status_shows_listeners_members_and_where_clients_reach_it() -> None:
    made = world(80, 8001, members="c1,c2")
    made.translator.observe(GATEWAY, Runtime(running=True, listening=True))
    made.translator.locate(GATEWAY, ("lb.example", "192.0.2.1"))
    made.apply([])
    assert DIALECTS.status(GATEWAY, status(made)) == {
        "loadBalancer": {
            "id": "alb-gw",
            "dnsname": "lb.example",
            "listeners": [{"portAndProtocol": "80/HTTP"}, {"portAndProtocol": "8001/HTTP"}],
            "subClusters": ["c1", "c2"],
        },
        "conditions": [
            {"type": "Listening", "status": "True", "reason": "Listening", "message": ""},
            {"type": "SubClustersReady", "status": "True", "reason": "AllReady", "message": ""},
        ],
    }


def condition(of: World, kind: str) -> tuple[str, str]:
    found = DIALECTS.status(GATEWAY, status(of))["conditions"]
    return next((c["status"], c["message"]) for c in found if c["type"] == kind)


@pytest.mark.parametrize(
    ("runtime", "message"),
    [
        pytest.param(
            Runtime(), "none of its Envoys has asked for its configuration yet", id="pending"
        ),
        pytest.param(
            Runtime(running=True), "none of its Envoys has taken its listeners yet", id="running"
        ),
        pytest.param(Runtime(running=True, failure="no quota"), "no quota", id="failed"),
    ],
)
def test_a_gateway_that_does_not_listen_says_why(runtime: Runtime, message: str) -> None:
    made = world(80)
    made.translator.observe(GATEWAY, runtime)
    made.apply([])
    assert condition(made, "Listening") == ("False", message)


def test_a_member_that_the_fleet_does_not_have_is_left_out_and_told() -> None:
    made = world(80, members="c1,c9")
    assert DIALECTS.status(GATEWAY, status(made))["loadBalancer"]["subClusters"] == ["c1"]
    told = ("False", "c9: the fleet has no member of this ID")
    assert condition(made, "SubClustersReady") == told
    assert [(p.reason, p.value) for p in status(made).problems] == [("MemberNotFound", "c9")]


def test_a_member_that_cannot_be_reached_stays_and_is_told() -> None:
    made = world(80, members="c1,c2")
    made.apply([Unreachable("c2", "no route to host")])
    assert DIALECTS.status(GATEWAY, status(made))["loadBalancer"]["subClusters"] == ["c1", "c2"]
    assert condition(made, "SubClustersReady") == ("False", "c2: no route to host")
    assert [(p.reason, p.value) for p in status(made).problems] == [("MemberUnreachable", "c2")]
    made.apply([Listed("c2")])
    assert condition(made, "SubClustersReady") == ("True", "")
    assert status(made).problems == ()


@pytest.mark.parametrize("ports", [(), ("x",)], ids=["none", "no-usable-one"])
def test_a_gateway_without_a_listener_has_failed(ports: tuple[object, ...]) -> None:
    made = world(*ports)
    made.translator.observe(GATEWAY, Runtime(running=True))
    made.apply([])
    assert status(made).phase is Phase.FAILED
    assert condition(made, "Listening") == ("False", "none of its listeners can be served")
    assert made.snapshots["alb/gw"] == {}, "declared, so that Envoys are told that there is nothing"


def test_a_port_that_an_offset_takes_out_of_range_costs_its_listener_alone() -> None:
    made = world(80, 60000)
    made.translator.bind(GATEWAY, Bind("127.0.0.1", 10000))
    made.apply([])
    assert made.names(TypeUrl.LISTENER, "alb/gw") == ["http-80"]
    assert [str(listener) for listener in status(made).listeners] == ["80/HTTP"]
    (problem,) = status(made).problems
    assert (problem.reason, problem.value) == ("PortTooHigh", "60000/HTTP")
    assert problem.key == "spec.listeners[1]"


@pytest.mark.parametrize(
    ("offset", "port"),
    [pytest.param(0, 9901, id="no-offset"), pytest.param(1000, 8901, id="offset")],
)
def test_a_port_that_envoy_needs_itself_costs_its_listener_alone(offset: int, port: int) -> None:
    made = world(80, port)
    made.translator.bind(GATEWAY, Bind("127.0.0.1", offset, taken=frozenset({9901, 19002})))
    made.apply([])
    assert made.names(TypeUrl.LISTENER, "alb/gw") == ["http-80"]
    assert [str(listener) for listener in status(made).listeners] == ["80/HTTP"]
    (problem,) = status(made).problems
    assert (problem.reason, problem.value) == ("PortTaken", f"{port}/HTTP")
    assert problem.key == "spec.listeners[1]"
    assert str(port) in problem.expected


def test_an_ingress_is_not_served_on_a_listener_that_has_no_port() -> None:
    made = world(80, 9901)
    made.translator.bind(GATEWAY, Bind("192.0.2.1", taken=frozenset({9901})))
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    asking = rule.annotate({"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":9901}]'})
    made.put(alb_class().manifest, asking.manifest)
    (shown,) = made.translator.tables.statuses.of_ingresses.rows.values()
    assert shown.addresses == ()
    (problem,) = (p for p in shown.problems if p.reason == "ListenerNotFound")
    assert problem.expected == "a listener of alb/gw, which has 80/HTTP"


# -- resources -------------------------------------------------------------------------------------


def test_listeners_differ_in_name_port_and_tables_alone() -> None:
    made = world(80, 8080)
    held = made.snapshots["alb/gw"]
    first, second = (
        json.dumps(readable(TypeUrl.LISTENER, held[TypeUrl.LISTENER, name].body))
        for name in ("http-80", "http-8080")
    )
    assert '"port_value": 80}' in first
    assert '"http-80|%REQ(:AUTHORITY)%"' in first
    assert '"key": "x-forwarded-port", "value": "80"' in first
    as_second = first.replace("http-80", "http-8080").replace(": 80}", ": 8080}")
    assert second == as_second.replace('"value": "80"', '"value": "8080"')


def test_a_listener_comes_and_goes_without_a_change_of_the_others() -> None:
    made = world(80)
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    both = rule.annotate({"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":80},{"HTTP":81}]'})
    made.put(alb_class().manifest, both.manifest)
    made.put(service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c1")
    before = made.versions()["alb/gw"]
    assert made.problems("web") == ["ListenerNotFound"]

    made.put(alb_gateway(ports=(80, 81), members=["c1"]).manifest)
    after = made.versions()["alb/gw"]
    assert {key: after[key] for key in before} == before
    assert sorted(name for _, name in after.keys() - before.keys()) == [
        "http-81",
        "http-81|*",
        "http-81|web.test",
    ]
    assert made.problems("web") == []

    made.put(alb_gateway(ports=(80,), members=["c1"]).manifest)
    assert made.versions()["alb/gw"] == before


@pytest.mark.parametrize(
    ("ports", "has"),
    [
        pytest.param((81, 8001), "81/HTTP, 8001/HTTP", id="others"),
        pytest.param((), "none that can be served", id="none"),
    ],
)
def test_an_ingress_without_its_listener_is_told_which_there_are(
    ports: tuple[int, ...], has: str
) -> None:
    made = world(*ports)
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    asking = rule.annotate({"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":82}]'})
    made.put(alb_class().manifest, asking.manifest)
    (status,) = made.translator.tables.statuses.of_ingresses.rows.values()
    (problem,) = (p for p in status.problems if p.reason == "ListenerNotFound")
    assert problem.expected == f"a listener of alb/gw, which has {has}"


def test_an_attached_member_touches_endpoints_only() -> None:
    made = world(80, 81)
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    made.put(alb_class().manifest, rule.manifest)
    for member, address in (("c1", "10.0.0.1"), ("c2", "10.0.0.2")):
        slices = slice_of("web", addresses=[address]).manifest
        made.put(service("web").manifest, slices, origin=member)
    computed = made.put(alb_gateway(ports=(80, 81), members=["c1", "c2"]).manifest)
    assert computed["assignments"] == 1
    assert made.sent == 1
    assert not computed.keys() & {"listeners", "plans", "clusters", "host tables", "star tables"}
