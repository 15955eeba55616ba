"""Gateways of a fleet, the Ingresses that they take, and the statuses of both."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from fleet.events import Listed, Members, Unreachable
from fleet.models import Ingress, IngressClass
from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import (
    Builder,
    IngressBuilder,
    alb_gateway,
    ingress,
    mse_gateway,
    service,
    slice_of,
)
from tests.support.translation import World
from translators.dialects import DIALECTS
from translators.dialects.gateway_settings import ADDRESSES
from translators.dialects.mse.objects import MseIngressConfig
from translators.merge.attachments import attach
from translators.model.binds import Bind
from translators.model.gateways import Selector
from translators.model.statuses import Runtime
from xds.resource import TypeUrl

GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")
SHOP = Ref(HUB, "Ingress", "shop", "web")


def config(**annotations: str) -> MseIngressConfig:
    names = {key.replace("__", "/").replace("_", "-"): v for key, v in annotations.items()}
    return MseIngressConfig.model_validate({"metadata": {"name": "gw", "annotations": names}})


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("c1,c2", ("c1", "c2"), id="two"),
        pytest.param(" c1 ,, c2,c1 ", ("c1", "c2"), id="blanks-and-doubles"),
        pytest.param("", (), id="none"),
    ],
)
def test_attached_members(text: str, members: tuple[str, ...]) -> None:
    declared = MseIngressConfig.model_validate(
        {
            "metadata": {
                "name": "gw",
                "annotations": {"mse.alibabacloud.com/remote-clusters": text},
            }
        }
    )
    assert DIALECTS.gateway(GATEWAY, declared).members == members


@pytest.mark.parametrize(
    ("text", "milliseconds", "problems"),
    [
        pytest.param("1s", 1000, 0, id="seconds"),
        pytest.param("250ms", 250, 0, id="milliseconds"),
        pytest.param("soon", 3000, 1, id="no-time"),
        pytest.param("0s", 3000, 1, id="zero"),
        pytest.param("99999s", 3000, 1, id="too-long"),
    ],
)
def test_upstream_timeout(text: str, milliseconds: int, problems: int) -> None:
    gateway = DIALECTS.gateway(GATEWAY, config(**{"fleetgate.dev__upstream_timeout": text}))
    assert gateway.settings.limits.unacknowledged == timedelta(milliseconds=milliseconds)
    assert len(gateway.problems) == problems


@pytest.mark.parametrize(
    ("text", "addresses", "wrong"),
    [
        pytest.param("192.0.2.7", ("192.0.2.7",), [], id="one"),
        pytest.param("2001:db8::1, gw.example ,", ("2001:db8::1", "gw.example"), [], id="both"),
        pytest.param("192.0.2.7,no host", ("192.0.2.7",), ["no host"], id="no-host"),
        pytest.param("999.1.1.1,1.2.3,7", (), ["999.1.1.1", "1.2.3", "7"], id="digits-are-no-host"),
        pytest.param("", (), [], id="none"),
    ],
)
def test_declared_addresses(text: str, addresses: tuple[str, ...], wrong: list[str]) -> None:
    gateway = DIALECTS.gateway(GATEWAY, config(**{"fleetgate.dev__addresses": text}))
    assert gateway.settings.addresses == addresses
    assert [problem.value for problem in gateway.problems] == wrong


def test_an_ingress_shows_where_clients_reach_its_gateway() -> None:
    world = World()
    gateway, rule = mse_gateway("gw"), ingress("web", host="web.test").path("/", to="web:80")
    world.put(gateway.manifest, rule.of_class("mse").manifest)
    ref = Ref(HUB, "Ingress", "default", "web")

    def shown() -> object:
        return world.translator.tables.statuses.of_ingresses.rows[ref].as_kubernetes()[
            "loadBalancer"
        ]

    assert shown() == {"ingress": [{"ip": "127.0.0.1"}]}, "as it listens"
    world.put(gateway.annotate({ADDRESSES: "192.0.2.7,gw.example"}).manifest)
    assert shown() == {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "gw.example"}]}
    world.translator.locate(GATEWAY, ("198.51.100.1",))
    world.apply([])
    assert shown() == {"ingress": [{"ip": "198.51.100.1"}]}, "what was found out counts most"
    status = world.translator.tables.statuses.of_gateways.rows[GATEWAY]
    assert status.addresses == ("198.51.100.1",)
    world.remove(gateway.manifest)
    assert shown() == {}


@pytest.mark.parametrize(
    ("runtime", "shown"),
    [
        pytest.param(
            Runtime(),
            {
                "phase": "Pending",
                "message": "none of its Envoys has asked for its configuration yet",
            },
            id="pending",
        ),
        pytest.param(
            Runtime(running=True),
            {"phase": "Running", "message": "none of its Envoys has taken its listeners yet"},
            id="running",
        ),
        pytest.param(
            Runtime(running=True, failure="no quota"),
            {"phase": "Failed", "message": "no quota"},
            id="failed",
        ),
        pytest.param(Runtime(running=True, listening=True), {"phase": "Listening"}, id="listening"),
    ],
)
def test_a_gateway_that_does_not_listen_says_why(runtime: Runtime, shown: dict[str, str]) -> None:
    world = World()
    world.put(mse_gateway("gw").manifest)
    world.translator.observe(GATEWAY, runtime)
    world.apply([])
    status = world.translator.tables.statuses.of_gateways.rows[GATEWAY]
    assert DIALECTS.status(GATEWAY, status) == {**shown, "remoteClusters": []}


def of_web(**keys: str) -> IngressBuilder:
    """Make an Ingress for a path that an older Ingress has."""
    annotations = {f"nginx.ingress.kubernetes.io/{k.replace('_', '-')}": v for k, v in keys.items()}
    made = ingress("late", host="web.test").path("/", to="late:80").of_class("mse")
    dated = made.created("2021-01-01T00:00:00Z")
    return dated.annotate(annotations) if annotations else dated


@pytest.mark.parametrize(
    ("late", "older", "is_shown"),
    [
        pytest.param(of_web(), True, False, id="lost-to-an-older-one"),
        pytest.param(of_web(), False, True, id="alone"),
        pytest.param(of_web().path("/more", to="late:80"), True, True, id="lost-in-part"),
        pytest.param(of_web().default("late:80"), True, True, id="lost-but-for-its-default"),
        pytest.param(of_web(canary="true", canary_weight="5"), True, True, id="canary-by-weight"),
        pytest.param(of_web(canary="true", canary_weight="0"), True, True, id="paused-canary"),
        pytest.param(of_web(canary="true", canary_by_header="x"), True, True, id="by-header"),
        pytest.param(of_web(canary="true", canary_weight="5"), False, False, id="without-a-main"),
        pytest.param(of_web(canary="true", canary_by_header="x"), False, False, id="by-header-too"),
        pytest.param(of_web(canary="true"), True, False, id="canary-without-rule"),
        pytest.param(of_web(canary="perhaps"), True, False, id="unusable"),
    ],
)
def test_an_ingress_of_which_nothing_is_served_shows_no_address(
    late: IngressBuilder, older: bool, is_shown: bool
) -> None:
    world = World()
    world.put(mse_gateway("gw").manifest, late.manifest)
    web = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
    if older:
        world.put(web.created("2020-01-01T00:00:00Z").manifest)
    statuses = world.translator.tables.statuses.of_ingresses.rows
    assert statuses[late.ref()].addresses == (("127.0.0.1",) if is_shown else ())


def test_an_ingress_shows_an_address_once_the_older_one_is_gone() -> None:
    world = World()
    older = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
    older = older.created("2020-01-01T00:00:00Z")
    world.put(mse_gateway("gw").manifest, older.manifest, of_web().manifest)
    statuses = world.translator.tables.statuses.of_ingresses
    assert statuses.rows[of_web().ref()].addresses == ()
    world.remove(older.manifest)
    assert statuses.rows[of_web().ref()].addresses == ("127.0.0.1",)


def shop(spec_class: str | None = None, annotation: str | None = None) -> Ingress:
    annotations = {"kubernetes.io/ingress.class": annotation} if annotation else {}
    return Ingress.model_validate(
        {
            "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
            "spec": {"ingressClassName": spec_class},
        }
    )


@pytest.mark.parametrize(
    ("listens_to", "ingress", "taken"),
    [
        pytest.param(None, shop("mse"), False, id="absent-listens-to-none"),
        pytest.param("", shop("anything"), True, id="empty-listens-to-all"),
        pytest.param("", shop(), True, id="empty-listens-to-classless"),
        pytest.param("nginx", shop("nginx"), True, id="nginx"),
        pytest.param("nginx", shop(), True, id="nginx-listens-to-classless"),
        pytest.param("nginx", shop("mse"), False, id="nginx-not-to-others"),
        pytest.param("mse", shop("mse"), True, id="class"),
        pytest.param("mse", shop(), False, id="class-not-to-classless"),
        pytest.param("mse", shop("nginx", annotation="mse"), True, id="annotation-beats-spec"),
        pytest.param("mse", shop("mse", annotation="nginx"), False, id="annotation-beats-spec-too"),
    ],
)
def test_selected_by_the_gateways_class(
    listens_to: str | None, ingress: Ingress, taken: bool
) -> None:
    attachment = attach(SHOP, ingress, None, (Selector(GATEWAY, listens_to, ""),), DIALECTS)
    assert attachment.gateways == ((GATEWAY,) if taken else ())
    assert attachment.problems == ()


@pytest.mark.parametrize(("namespace", "taken"), [("", True), ("shop", True), ("other", False)])
def test_watched_namespace(namespace: str, taken: bool) -> None:
    attachment = attach(SHOP, shop("mse"), None, (Selector(GATEWAY, "mse", namespace),), DIALECTS)
    assert attachment.gateways == ((GATEWAY,) if taken else ())


def bound_class(gateway: str) -> IngressClass:
    return IngressClass.model_validate(
        {
            "metadata": {"name": "fast"},
            "spec": {
                "controller": "mse.alibabacloud.com/ingress",
                "parameters": {
                    "apiGroup": "mse.alibabacloud.com",
                    "kind": "MseIngressConfig",
                    "name": gateway,
                },
            },
        }
    )


def test_class_with_parameters_beats_every_selector() -> None:
    other = Ref(HUB, "MseIngressConfig", "", "other")
    selectors = (Selector(GATEWAY, None, ""), Selector(other, "fast", ""))
    assert attach(SHOP, shop("fast"), bound_class("gw"), selectors, DIALECTS).gateways == (GATEWAY,)


def test_class_of_a_gateway_that_does_not_exist_is_reported() -> None:
    selectors = (Selector(GATEWAY, "fast", ""),)
    attachment = attach(SHOP, shop("fast"), bound_class("gone"), selectors, DIALECTS)
    assert attachment.gateways == ()
    (problem,) = attachment.problems
    assert (problem.reason, problem.key, problem.value) == (
        "GatewayNotFound",
        "spec.ingressClassName",
        "fast",
    )
    assert "spec.parameters name a gateway that exists, not MseIngressConfig gone" in str(problem)


# -- backends without Pods -------------------------------------------------------------------------

WEB = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")


@pytest.mark.parametrize(
    ("gateways", "said"),
    [
        pytest.param(
            {"gw": ["c1"]},
            ["ServiceNotFound: no attached member has this Service, {}"],
            id="no-service",
        ),
        pytest.param({"gw": []}, ["NoMembers: the gateway has no members, {}"], id="no-member"),
        pytest.param(
            {"gw": ["c1"], "well": ["c2"]},
            ["ServiceNotFound: no attached member has this Service, {} at mse/gw"],
            id="one-of-two",
        ),
        pytest.param(
            {"gw": [], "well": ["c2"]},
            ["NoMembers: the gateway has no members, {} at mse/gw"],
            id="one-of-two-without-members",
        ),
        pytest.param(
            {"a": ["c1"], "b": []},
            [
                "NoMembers: the gateway has no members, {} at mse/b",
                "ServiceNotFound: no attached member has this Service, {} at mse/a",
            ],
            id="both",
        ),
        pytest.param(
            {"a": ["c1"], "b": ["c1"]},
            ["ServiceNotFound: no attached member has this Service, {}"],
            id="the-same-at-both",
        ),
    ],
)
def test_an_ingress_is_told_at_which_gateway_nobody_answers(
    gateways: Mapping[str, Sequence[str]], said: list[str]
) -> None:
    world = World()
    world.put(*(mse_gateway(name, members=ids).manifest for name, ids in gateways.items()))
    world.put(
        service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c2"
    )
    world.put(WEB.manifest)
    problems = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()].problems
    found = [f"{problem.reason}: {problem.effect}" for problem in problems]
    assert found == [text.format("requests are answered with 503") for text in said]


@pytest.mark.parametrize(
    ("slice_", "said"),
    [
        pytest.param(
            slice_of("web", unready=["10.0.0.1"]),
            "the Service has no ready Pod in any attached member, requests are answered with 503",
            id="none",
        ),
        pytest.param(
            slice_of("web", terminating=["10.0.0.1"]),
            "the Service has only Pods that are terminating in the attached members, "
            "which serve until they end",
            id="only-terminating-ones",
        ),
    ],
)
def test_an_ingress_is_told_that_no_pod_is_ready(slice_: Builder[Any], said: str) -> None:
    world = World()
    world.put(mse_gateway("gw", members=["c1"]).manifest, WEB.manifest)
    world.put(service("web").manifest, slice_.manifest, origin="c1")
    (problem,) = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()].problems
    assert (problem.reason, problem.effect) == ("NoReadyPods", said)


MEMBERS = (Members(frozenset({"c1", "c2"})), Listed("c1"))


@pytest.mark.parametrize(
    ("gateways", "causes"),
    [
        pytest.param({"gw": []}, ["mse/gw: NoMembers"], id="no-member"),
        pytest.param({"gw": ["c1"]}, [], id="a-member-that-was-read"),
        pytest.param({"gw": ["c9"]}, ["mse/gw: MemberNotFound"], id="an-unknown-member"),
        pytest.param({"gw": ["c1", "c2"]}, ["mse/gw: MemberUnreachable"], id="an-unread-member"),
        pytest.param({"gw": [], "too": ["c1"]}, ["mse/gw: NoMembers"], id="one-of-two"),
        pytest.param(
            {"gw": [], "too": []}, ["mse/gw: NoMembers", "mse/too: NoMembers"], id="both-of-two"
        ),
        pytest.param({"gw": ["c1"], "too": ["c1", "c2"]}, [], id="only-one-is-at-fault"),
    ],
)
def test_what_a_gateway_is_at_fault_for_is_a_problem_of_the_gateway(
    gateways: Mapping[str, Sequence[str]], causes: list[str]
) -> None:
    world = World()
    world.apply(MEMBERS)
    world.put(*(mse_gateway(name, members=ids).manifest for name, ids in gateways.items()))
    world.put(WEB.manifest)
    problems = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()].problems
    found = [f"mse/{cause.at.name}: {cause.reason}" for p in problems for cause in p.because]
    assert sorted(found) == causes


@pytest.mark.parametrize("listed", ["whitelist", "blacklist"])
def test_a_gateway_that_is_not_for_everybody_serves_nothing(listed: str) -> None:
    world = World()
    manifest = mse_gateway("gw", members=["c1"]).manifest
    manifest["spec"]["global"] = {"ipAccessControl": {listed: ["10.0.0.0/8", "1.2.3.4"]}}
    world.put(manifest)
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    assert DIALECTS.status(GATEWAY, status)["phase"] == "Failed"
    (problem,) = (p for p in status.problems if p.reason == "NotSupported")
    assert (problem.key, problem.value) == ("spec.global.ipAccessControl", "10.0.0.0/8, 1.2.3.4")
    assert world.names(TypeUrl.LISTENER) == []


@pytest.mark.parametrize("control", [{}, {"whitelist": []}, {"blacklist": []}])
def test_an_empty_list_of_clients_is_for_everybody(control: dict[str, list[str]]) -> None:
    world = World()
    manifest = mse_gateway("gw").manifest
    manifest["spec"]["global"] = {"ipAccessControl": control}
    world.put(manifest)
    assert world.names(TypeUrl.LISTENER) == ["http-80", "https-443"]


@pytest.mark.parametrize(
    ("bind", "declared", "shown"),
    [
        pytest.param(Bind("127.0.0.1"), "", ["127.0.0.1"], id="of-this-machine"),
        pytest.param(Bind("::"), "", [], id="everywhere"),
        pytest.param(Bind("192.0.2.1", elsewhere=True), "", ["192.0.2.1"], id="elsewhere"),
        pytest.param(Bind("127.0.0.1", elsewhere=True), "", [], id="loopback-for-others"),
        pytest.param(Bind("::1", elsewhere=True), "", [], id="loopback-of-ipv6-for-others"),
        pytest.param(
            Bind(elsewhere=True),
            "127.0.0.1, localhost, a.localhost, ::ffff:127.0.0.1, gw.example",
            ["gw.example"],
            id="declared-loopback-for-others",
        ),
        pytest.param(Bind(), "127.0.0.1", ["127.0.0.1"], id="declared-loopback-of-this-machine"),
    ],
)
def test_a_loopback_address_is_none_for_clients_elsewhere(
    bind: Bind, declared: str, shown: list[str]
) -> None:
    world = World()
    gateway = mse_gateway("gw").annotate({ADDRESSES: declared})
    world.translator.bind(gateway.ref(), bind)
    world.put(gateway.manifest)
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    assert list(status.addresses) == shown
    told = [p.value for p in status.problems if p.reason == "InvalidAnnotation"]
    assert told == [a for a in declared.split(", ") if a and a not in shown]


@pytest.mark.parametrize(
    "gateway", [pytest.param(mse_gateway, id="mse"), pytest.param(alb_gateway, id="alb")]
)
def test_a_member_that_cannot_be_reached_is_a_problem_as_long_as_the_cause_is_the_same(
    gateway: Callable[..., Builder[Any]],
) -> None:
    world = World()
    declared = gateway("gw", members=["c1", "c2"])
    world.put(declared.manifest)
    world.attach("c1", "c2")

    def problems() -> list[Problem]:
        return list(world.translator.tables.statuses.of_gateways.rows[declared.ref()].problems)

    assert problems() == []
    world.apply([Unreachable("c2", "port 5000: reset", outage=Outage.NO_ANSWER)])
    (first,) = problems()
    assert (first.reason, first.value) == ("MemberUnreachable", "c2")
    assert first.expected == "a member that can be reached: its API server does not answer"
    world.apply([Unreachable("c2", "port 5001: refused", outage=Outage.NO_ANSWER)])
    assert problems() == [first], "an event is written for each other sentence"
    world.apply([Unreachable("c2", "not yours", outage=Outage.RIGHTS)])
    (second,) = problems()
    assert second.expected.endswith("its RBAC does not let fleetgate read it")
    world.apply([Listed("c2")])
    assert problems() == []
