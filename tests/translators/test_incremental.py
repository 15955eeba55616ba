"""A change costs only the rows that depend on it, and the order of changes has no effect."""

import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fleet.events import Configured, Deleted, Event, Listed
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import HUB, Ref
from tests.support.builders import node
from tests.support.routed import routed
from tests.support.translation import World, ref_of, upserted
from tests.translators.manifests import (
    alb_class_manifest,
    alb_gateway_manifest,
    gateway_manifest,
    ingress_manifest,
    service_manifest,
    slice_manifest,
)
from translators.dialects.boundaries import CROSS_NAMESPACE, HOST_OWNERSHIP
from translators.dialects.nearness import PREFER
from translators.graph.statuses import MOST_SLICES
from xds.resource import TypeUrl


def fleet_of(hosts: int) -> World:
    """Make a fleet with one Ingress, Service and EndpointSlice for each host."""
    world = World()
    world.attach(HUB, "c1", "c2")
    world.put(gateway_manifest())
    world.put(
        *(ingress_manifest(f"i{n}", f"h{n}.example.com", service=f"s{n}") for n in range(hosts))
    )
    world.put(*(service_manifest(f"s{n}") for n in range(hosts)), origin="c1")
    world.put(
        *(slice_manifest(f"10.0.{n // 250}.{n % 250 + 1}", service=f"s{n}") for n in range(hosts)),
        origin="c1",
    )
    return world


@pytest.mark.parametrize(
    ("change", "rows", "sent"),
    [
        pytest.param(
            lambda world: world.put(ingress_manifest("i7", "h7.example.com", "/new", "s7")),
            {
                "attachments": 1,
                "rules": 1,
                "claims": 1,
                "plans": 1,
                "host tables": 1,
                "ingress statuses": 1,
            },
            1,
            id="path-of-an-ingress",
        ),
        pytest.param(
            lambda world: world.put(slice_manifest("10.9.9.9", service="s7"), origin="c1"),
            {"slice endpoints": 1, "assignments": 1, "lacks": 1},
            1,
            id="endpoint",
        ),
        pytest.param(
            lambda world: world.put(ingress_manifest("i7", "h7.example.com", service="s7")),
            {},
            0,
            id="equal-ingress",
        ),
        pytest.param(
            lambda world: world.put(service_manifest("s7"), origin="c1"), {}, 0, id="equal-service"
        ),
        pytest.param(
            lambda world: world.put(ingress_manifest("new", "new.example.com", service="s7")),
            {
                "attachments": 1,
                "rules": 1,
                "claims": 1,
                "plans": 1,
                "host tables": 1,
                "ingress statuses": 1,
            },
            1,
            id="new-host",
        ),
        pytest.param(
            lambda world: world.remove(ingress_manifest("i7")),
            {},
            3,
            id="removed-ingress",
        ),
    ],
)
@pytest.mark.parametrize("hosts", [10, 1000])
def test_cost_of_a_change_does_not_depend_on_the_size_of_the_fleet(
    hosts: int, change: Callable[[World], dict[str, int]], rows: dict[str, int], sent: int
) -> None:
    world = fleet_of(hosts)
    computed = change(world)
    assert computed == rows
    assert world.sent == sent


def test_attached_member_touches_endpoints_only() -> None:
    world = fleet_of(5)
    world.put(service_manifest("s1"), origin="c3")
    world.put(slice_manifest("10.3.0.1", service="s1"), origin="c3")
    computed = world.put(gateway_manifest(members="c1,c2,c3"))
    assert computed["assignments"] == 5
    assert "clusters" not in computed
    assert "plans" not in computed
    assert world.sent == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("stream-idle-timeout", "60s", id="silence"),
        pytest.param("trusted-proxies", "10.0.0.0/8", id="proxies"),
        pytest.param("path-normalization", "strict", id="paths"),
    ],
)
def test_a_setting_of_the_edge_sends_the_listeners_alone(key: str, value: str) -> None:
    world = fleet_of(5)
    before = world.versions()["mse/gw"]
    changed = gateway_manifest()
    changed["metadata"]["annotations"][f"fleetgate.dev/{key}"] = value
    computed = world.put(changed)
    after = world.versions()["mse/gw"]
    assert [kind for kind, name in after if after[kind, name] != before[kind, name]] == [
        TypeUrl.LISTENER,
        TypeUrl.LISTENER,
    ]
    assert ("plans" in computed) == (key == "path-normalization")
    assert not computed.keys() & {"clusters", "assignments", "host tables", "star tables"}


def test_a_gateway_that_becomes_strict_drops_the_rules_that_no_request_meets() -> None:
    world = World()
    strict = gateway_manifest()
    strict["metadata"]["annotations"]["fleetgate.dev/path-normalization"] = "strict"
    world.put(
        gateway_manifest(),
        ingress_manifest("web", "web.test", "/a//b"),
        ingress_manifest("any", ""),
    )
    assert "InvalidPath" not in world.problems("web")
    assert routed(world, "web.test", "/a//b") == "web"
    world.put(strict)
    assert "InvalidPath" in world.problems("web")
    assert routed(world, "web.test", "/a//b") == 404, "not even by the rule without host"
    world.put(gateway_manifest())
    assert routed(world, "web.test", "/a//b") == "web"


def test_what_addresses_a_member_may_have_touches_its_endpoints_only() -> None:
    world = fleet_of(5)
    world.put(service_manifest("s1"), origin="c2")
    world.put(slice_manifest("10.3.0.1", service="s1"), origin="c2")
    narrow = PodAddresses(networks=read_networks(["10.4.0.0/16"]))
    computed = world.apply([Configured("c2", MemberSettings(narrow))])
    assert computed == {"upstreams": 1, "slice endpoints": 1, "assignments": 1, "lacks": 1}
    assert world.sent == 1
    (problem,) = world.translator.tables.statuses.problems()
    assert (problem.at.origin, problem.reason, problem.value) == (
        "c2",
        "InvalidAddress",
        "10.3.0.1",
    )
    world.apply([Configured("c2", MemberSettings())])
    assert not list(world.translator.tables.statuses.problems())


def test_of_a_member_full_of_wrong_addresses_some_are_told_and_how_many_more_there_are() -> None:
    world = fleet_of(5)
    wrong = [slice_manifest("169.254.169.254", service="s1", name=f"w{n:04}") for n in range(150)]
    world.put(*wrong, origin="c2")
    *told, last = world.translator.tables.statuses.problems()
    assert [problem.at.name for problem in told] == [f"w{n:04}" for n in range(MOST_SLICES)]
    assert (last.at, last.value) == (Ref(HUB, "Member", "", "c2"), "50 more EndpointSlices")


_GRAY = '[{"type":"Header","headerConfig":{"key":"stage","values":["gray"]}}]'
_HEADER = '[{"type":"InsertHeader","insertHeaderConfig":{"key":"k","value":"v"}}]'

_ROUTING: list[dict[str, str]] = [
    {},
    {},
    {"nginx.ingress.kubernetes.io/server-alias": "a.test,b.test,*.example.com"},
    {"nginx.ingress.kubernetes.io/from-to-www-redirect": "true"},
    {"nginx.ingress.kubernetes.io/use-regex": "true"},
    {"nginx.ingress.kubernetes.io/app-root": "/app"},
    {"mse.ingress.kubernetes.io/exact-match-header-x": "1"},
    {"mse.ingress.kubernetes.io/match-method": "?"},
    {"mse.ingress.kubernetes.io/request-header-control-add": "x 1"},
    {"fleetgate.dev/cluster-weight.c1": "60", "fleetgate.dev/cluster-weight.c2": "40"},
    {"fleetgate.dev/cluster-weight.c2": "100"},
    {"alb.ingress.kubernetes.io/order": "3"},
    {"alb.ingress.kubernetes.io/healthcheck-enabled": "true"},
    {"alb.ingress.kubernetes.io/conditions.web": _GRAY},
    {"alb.ingress.kubernetes.io/actions.web": _HEADER},
    {"alb.ingress.kubernetes.io/actions.api": "broken"},
]
"""Annotations of an Ingress about its hosts, paths, headers and members."""


_SETTINGS: list[MemberSettings] = [
    MemberSettings(),
    MemberSettings(region="north", zone="a"),
    MemberSettings(region="north", zone="b"),
    MemberSettings(addressing=Addressing.NODE_PORTS),
    *(
        MemberSettings(addressing=Addressing.GATEWAY, gateway=gateway)
        for gateway in (
            MemberGateway("203.0.113.9", 80),
            MemberGateway("203.0.113.9", 443, GatewayTls.VERIFIED, "cloud.test"),
            MemberGateway("cloud.test", 443, GatewayTls.UNVERIFIED),
        )
    ),
]
"""How a member is reached, and where it stands."""


class Edits(RuleBasedStateMachine):
    """After any edits in any order, Envoys have what the same objects give from scratch."""

    @initialize()
    def start(self) -> None:
        self.world = World()
        self.objects: dict[Ref, tuple[dict[str, Any], str]] = {}
        self.settings: dict[str, MemberSettings] = {}
        self.world.attach(HUB, "c1", "c2")

    def _put(self, manifest: dict[str, Any], origin: str = HUB) -> None:
        self.objects[ref_of(manifest, origin)] = (manifest, origin)
        self.world.put(manifest, origin=origin)

    @rule(
        name=st.sampled_from("abcde"),
        host=st.sampled_from(
            ["x.example.com", "y.example.com", "*.example.com", "example.com", ""]
        ),
        path=st.sampled_from(["/", "/a", "/a/b", "/a//b"]),
        kind=st.sampled_from(["Exact", "Prefix"]),
        service_name=st.sampled_from(["web", "api"]),
        ingress_class=st.sampled_from(["mse", "alb", "other"]),
        canary=st.sampled_from([None, "10", "150", "x"]),
        pin=st.sampled_from([None, "c1", "c2", "c9"]),
        namespace=st.sampled_from(["default", "default", "other"]),
        destination=st.sampled_from([None, None, "default", "other"]),
        listen=st.sampled_from([None, '[{"HTTP":80},{"HTTP":81}]', '[{"HTTP":81}]', "no list"]),
        routing=st.sampled_from(_ROUTING),
        auth=st.sampled_from([None, None, "http://web.other.svc/", "https://$host/"]),
        default=st.booleans(),
        bare=st.booleans(),
    )
    def put_ingress(
        self,
        name: str,
        host: str,
        path: str,
        kind: str,
        service_name: str,
        ingress_class: str,
        canary: str | None,
        pin: str | None,
        *,
        namespace: str,
        destination: str | None,
        listen: str | None,
        routing: Mapping[str, str],
        auth: str | None,
        default: bool,
        bare: bool,
    ) -> None:
        annotations = {**routing}
        if auth:
            annotations["nginx.ingress.kubernetes.io/auth-url"] = auth
        if canary:
            annotations["nginx.ingress.kubernetes.io/canary"] = "true"
            annotations["nginx.ingress.kubernetes.io/canary-weight"] = canary
        if pin:
            annotations["mse.ingress.kubernetes.io/subset-labels"] = (
                f"topology.istio.io/cluster {pin}"
            )
        if destination:
            annotations["mse.ingress.kubernetes.io/destination"] = (
                f"web.{destination}.svc.cluster.local:80"
            )
        if listen:
            annotations["alb.ingress.kubernetes.io/listen-ports"] = listen
        manifest = ingress_manifest(
            name,
            host,
            path,
            service_name,
            kind=kind,
            ingress_class=ingress_class,
            annotations=annotations,
        )
        manifest["metadata"]["namespace"] = namespace
        if default:
            backend = {"service": {"name": service_name, "port": {"number": 80}}}
            manifest["spec"]["defaultBackend"] = backend
        if bare:
            manifest["spec"]["rules"] = [{"host": host}]
        self._put(manifest)

    @rule(
        member=st.sampled_from(["c1", "c2", "c3"]),
        name=st.sampled_from(["web", "api"]),
        port=st.sampled_from([80, 81]),
    )
    def put_service(self, member: str, name: str, port: int) -> None:
        self._put(service_manifest(name, port), member)

    @rule(
        member=st.sampled_from(["c1", "c2", "c3"]),
        name=st.sampled_from(["web", "api"]),
        number=st.sampled_from("12"),
        last=st.lists(st.integers(1, 5), max_size=4),
    )
    def put_slice(self, member: str, name: str, number: str, last: list[int]) -> None:
        addresses = [f"10.0.{member[1]}.{n}" for n in last]
        made = slice_manifest(*addresses, service=name, name=f"{name}-{number}")
        for endpoint, place in zip(made["endpoints"], "aba", strict=False):
            endpoint["nodeName"] = place
        self._put(made, member)

    @rule(
        member=st.sampled_from(["c1", "c2", "c3"]),
        name=st.sampled_from("ab"),
        ready=st.sampled_from(["True", "False"]),
        address=st.sampled_from(["192.0.2.1", "192.0.2.2", "127.0.0.1", "fd00::1"]),
    )
    def put_node(self, member: str, name: str, ready: str, address: str) -> None:
        self._put(node(name, ready=ready, InternalIP=address).manifest, member)

    @rule(
        member=st.sampled_from(["c1", "c2", "c3"]),
        name=st.sampled_from(["web", "api"]),
        policy=st.sampled_from(["Cluster", "Local"]),
    )
    def put_service_with_node_port(self, member: str, name: str, policy: str) -> None:
        made = service_manifest(name)
        made["spec"]["ports"][0]["nodePort"] = 30080
        made["spec"]["externalTrafficPolicy"] = policy
        self._put(made, member)

    @rule(member=st.sampled_from(["c1", "c2"]), chosen=st.sampled_from(_SETTINGS))
    def settle(self, member: str, chosen: MemberSettings) -> None:
        self.settings[member] = chosen
        self.world.apply([Configured(member, chosen)])

    @rule(
        name=st.sampled_from(["gw", "second"]),
        members=st.sampled_from(["", "c1", "c1,c2", "c2,c3,c9"]),
        ingress_class=st.sampled_from(["mse", "", None]),
        ownership=st.sampled_from(["shared", "namespace"]),
        crossing=st.sampled_from(["allow", "deny"]),
        prefer=st.sampled_from(["none", "zone", "region", "x"]),
    )
    def put_gateway(
        self,
        name: str,
        members: str,
        ingress_class: str | None,
        ownership: str,
        crossing: str,
        prefer: str,
    ) -> None:
        made = gateway_manifest(name, members, ingress_class)
        made["metadata"]["annotations"][HOST_OWNERSHIP] = ownership
        made["metadata"]["annotations"][CROSS_NAMESPACE] = crossing
        at_home = {"fleetgate.dev/region": "north", "fleetgate.dev/zone": "a", PREFER: prefer}
        made["metadata"]["annotations"] |= at_home
        self._put(made)

    @rule(
        members=st.sampled_from(["", "c1", "c2,c9"]),
        ports=st.sampled_from([(), (80,), (80, 81), (81, 81)]),
    )
    def put_alb_gateway(self, members: str, ports: tuple[int, ...]) -> None:
        self._put(alb_gateway_manifest("alb", members, ports))

    @rule(gateway=st.sampled_from(["alb", "missing"]))
    def put_alb_class(self, gateway: str) -> None:
        self._put(alb_class_manifest("alb", gateway))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.objects:
            ref = data.draw(st.sampled_from(sorted(self.objects)))
            del self.objects[ref]
            self.world.apply([Deleted(ref)])

    @invariant()
    def equals_from_scratch(self) -> None:
        if not hasattr(self, "world"):
            return
        scratch = World()
        events: list[Event] = [
            *(upserted(manifest, origin) for manifest, origin in self.objects.values()),
            *(Configured(member, chosen) for member, chosen in self.settings.items()),
        ]
        random.Random(len(events)).shuffle(events)  # noqa: S311 (an order, no secret)
        scratch.apply([*events, *(Listed(origin) for origin in (HUB, "c1", "c2"))])
        assert scratch.versions() == self.world.versions()
        theirs, ours = scratch.translator.tables, self.world.translator.tables
        assert theirs.statuses.of_ingresses.rows == ours.statuses.of_ingresses.rows
        assert theirs.statuses.of_gateways.rows == ours.statuses.of_gateways.rows
        assert sorted(theirs.statuses.problems()) == sorted(ours.statuses.problems())


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=40, stateful_step_count=25)

_PRINT_VERSIONS = """
from tests.translators.test_incremental import fleet_of
for gateway, snapshot in sorted(fleet_of(3).versions().items()):
    for key, version in sorted(snapshot.items()):
        print(gateway, *key, version)
"""


def test_versions_are_equal_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_VERSIONS],
            check=True,
            capture_output=True,
            env={"PYTHONPATH": ".", "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert b"mse|h0.example.com" in outputs.pop()
