"""Which certificate a gateway has for a host, and what its Ingresses are told about it."""

from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.authority import Pair
from tests.support.builders import (
    Builder,
    IngressBuilder,
    alb_gateway,
    ingress,
    mse_gateway,
    secret,
)
from tests.support.certificates import NOW, certificate, tls_data
from tests.support.translation import Manifest, World
from xds.resource import TypeUrl

DEFAULT = "fleetgate.dev/default-certificate"
GATEWAY = mse_gateway("gw", members=["one"])
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
A, B = certificate("web.test", "shop.test"), certificate("web.test", "shop.test")


Thing: TypeAlias = Builder[Any] | Manifest  # of any kinds


def web(name: str = "web", host: str = "web.test") -> IngressBuilder:
    return ingress(name, host=host).path(f"/{name}", to="web:80").of_class("mse")


def cert(name: str, pair: Pair = A, namespace: str = "default") -> Manifest:
    return secret(name, tls_data(pair)).in_namespace(namespace).manifest


def world_of(*things: Thing, gateway: Builder[Any] = GATEWAY) -> World:
    world = World()
    world.translator.tell_time(NOW)
    world.attach("one")
    world.put(gateway.manifest, *(t.manifest if isinstance(t, Builder) else t for t in things))
    return world


def served(world: World) -> dict[str, str]:
    """Return which Secret each host's certificate is from, by the names that Envoys ask for."""
    return {
        name: str(resource.origins[0].name)  # type: ignore[attr-defined]  # a Ref
        for (kind, name), resource in world.snapshots["mse/gw"].items()
        if kind is TypeUrl.SECRET
    }


def bytes_of(world: World, host: str = "web.test") -> bytes:
    return world.snapshots["mse/gw"][TypeUrl.SECRET, host].body


def told(world: World, name: str = "web", namespace: str = "default") -> list[Problem]:
    """Return the problems of an Ingress's certificates."""
    row = world.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", namespace, name)]
    return [p for p in row.problems if p.key.startswith("spec.tls") or p.reason == "NoHttps"]


def reasons(world: World, name: str = "web", namespace: str = "default") -> list[str]:
    return [problem.reason for problem in told(world, name, namespace)]


def test_each_host_has_the_certificate_of_its_entry() -> None:
    two = web().host("shop.test").path("/", to="web:80")
    world = world_of(two.tls("a", "web.test").tls("b", "shop.test"), cert("a"), cert("b", B))
    assert served(world) == {"web.test": "a", "shop.test": "b"}
    assert told(world) == []


def test_of_two_ingresses_the_older_one_decides_and_the_other_one_is_told() -> None:
    young = web("young").tls("b", "web.test").created(NEW)
    world = world_of(young, web("old").tls("a", "web.test").created(OLD), cert("a"), cert("b", B))
    assert served(world) == {"web.test": "a"}
    assert reasons(world, "old") == []
    (problem,) = told(world, "young")
    assert (problem.reason, problem.value) == ("Overruled", "b")
    assert "web.test: default/a" in problem.expected


def test_two_ingresses_with_the_same_secret_agree() -> None:
    world = world_of(web("x").tls("a", "web.test"), web("y").tls("a", "web.test"), cert("a"))
    assert (reasons(world, "x"), reasons(world, "y")) == ([], [])


def test_the_younger_one_decides_when_the_older_one_is_gone() -> None:
    old = web("old").tls("a", "web.test").created(OLD)
    young = web("young").tls("b", "web.test").created(NEW)
    world = world_of(young, old, cert("a"), cert("b", B))
    world.remove(old.manifest)
    assert served(world) == {"web.test": "b"}
    assert reasons(world, "young") == []


def test_a_host_that_belongs_to_another_namespace_has_no_certificate_of_a_guest() -> None:
    owned = GATEWAY.annotate({"fleetgate.dev/host-ownership": "namespace"})
    owner = web("owner").created(OLD)
    guest = web("guest").in_namespace("team").tls("a", "web.test").created(NEW)
    world = world_of(owner, guest, cert("a", namespace="team"), gateway=owned)
    assert served(world) == {}


# -- further names of hosts ------------------------------------------------------------------------

ALIAS = "nginx.ingress.kubernetes.io/server-alias"
WWW = "nginx.ingress.kubernetes.io/from-to-www-redirect"
BOTH = certificate("web.test", "www.web.test", "b.test")


@pytest.mark.parametrize(
    ("annotations", "hosts", "names"),
    [
        pytest.param({ALIAS: "b.test"}, ["web.test", "b.test"], ["b.test"], id="named-alias"),
        pytest.param({ALIAS: "b.test"}, ["web.test"], ["b.test"], id="alias"),
        pytest.param({ALIAS: "c.test"}, ["web.test"], [], id="alias-beyond-the-certificate"),
        pytest.param({WWW: "true"}, ["web.test"], ["www.web.test"], id="www"),
        pytest.param({WWW: "true"}, ["web.test", "www.web.test"], ["www.web.test"], id="named-www"),
    ],
)
def test_a_further_name_of_a_host_has_its_certificate(
    annotations: dict[str, str], hosts: list[str], names: list[str]
) -> None:
    world = world_of(web().annotate(annotations).tls("a", *hosts), cert("a", BOTH))
    assert served(world) == dict.fromkeys(["web.test", *names], "a")
    assert told(world) == []


@pytest.mark.parametrize("owned", [False, True], ids=["shared", "owned"])
def test_rules_of_a_host_decide_about_its_certificate_before_an_older_alias(owned: bool) -> None:
    gateway = GATEWAY.annotate({"fleetgate.dev/host-ownership": "namespace"} if owned else {})
    old = web("old").annotate({ALIAS: "b.test"}).tls("a", "web.test", "b.test").created(OLD)
    young = web("young", "b.test").tls("b", "b.test").created(NEW)
    world = world_of(old, cert("a", BOTH), cert("b", BOTH), gateway=gateway)
    assert served(world) == {"web.test": "a", "b.test": "a"}
    world.put(young.manifest)
    assert served(world) == {"web.test": "a", "b.test": "b"}
    assert (reasons(world, "old"), reasons(world, "young")) == ([], [])


BROKEN = {"tls.crt": "aGVsbG8=", "tls.key": "aGVsbG8="}


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        pytest.param(None, "MissingSecret", id="missing"),
        pytest.param(BROKEN, "InvalidCertificate", id="broken"),
    ],
)
def test_a_host_without_a_usable_certificate_has_no_https_and_others_have(
    held: dict[str, str] | None, reason: str
) -> None:
    things = [web().tls("bad", "web.test"), web("shop", "shop.test").tls("a", "shop.test")]
    world = world_of(*things, cert("a"), *([secret("bad", held)] if held else []))
    assert served(world) == {"shop.test": "a"}
    assert (reasons(world), reasons(world, "shop")) == ([reason], [])
    assert "mse|web.test" in world.names(TypeUrl.SCOPED_ROUTE)


@pytest.mark.parametrize("held", [None, BROKEN], ids=["deleted", "broken"])
def test_the_last_usable_certificate_stays_until_there_is_a_new_one(
    held: dict[str, str] | None,
) -> None:
    world = world_of(web().tls("a", "web.test"), cert("a"))
    before = bytes_of(world)
    for _ in range(2):  # a second bad version makes no difference
        if held is None:
            world.remove(cert("a"))
        else:
            world.put(secret("a", {**held, "tls.crt": "aGVsbA=="}).manifest)
            world.put(secret("a", held).manifest)
        assert bytes_of(world) == before
        (problem,) = told(world)
        assert problem.effect == "the last certificate that could be used stays"
    world.put(cert("a", B))
    assert bytes_of(world) != before
    assert told(world) == []
    assert not world.translator.tables.inputs.last_certificates.rows


def test_a_certificate_that_no_host_needs_is_not_kept() -> None:
    world = world_of(web().tls("a", "web.test"), cert("a"))
    world.remove(cert("a"))
    world.remove(web().manifest)
    assert served(world) == {}
    assert not world.translator.tables.inputs.last_certificates.rows
    world.put(web().tls("a", "web.test").manifest)
    assert served(world) == {}


def test_an_expired_certificate_does_not_replace_one_that_is_valid() -> None:
    world = world_of(web().tls("a", "web.test"), cert("a"))
    before = bytes_of(world)
    world.put(cert("a", certificate("web.test", end=NOW - timedelta(days=1))))
    assert bytes_of(world) == before
    assert reasons(world) == ["CertificateExpired"]


@pytest.mark.parametrize(
    ("passed", "reason"),
    [
        pytest.param(timedelta(days=-31), ["CertificateNotYetValid"], id="early"),
        pytest.param(timedelta(0), [], id="valid"),
        pytest.param(timedelta(days=45, hours=23), [], id="more-than-14-days-left"),
        pytest.param(timedelta(days=46), ["CertificateExpiresSoon"], id="14-days-left"),
        pytest.param(timedelta(days=60), ["CertificateExpired"], id="over"),
    ],
)
def test_the_period_is_told_as_time_goes_by_and_the_certificate_is_served(
    passed: timedelta, reason: list[str]
) -> None:
    world = world_of(web().tls("a", "web.test"), cert("a"))
    before = bytes_of(world)
    world.translator.tell_time(NOW + passed)
    world.apply([])
    assert reasons(world) == reason
    assert bytes_of(world) == before
    assert world.sent == 0


def test_a_certificate_for_other_names_is_served_and_told() -> None:
    world = world_of(web().tls("a", "web.test"), cert("a", certificate("other.test")))
    assert served(world) == {"web.test": "a"}
    (problem,) = told(world)
    assert problem.reason == "CertificateNameMismatch"
    assert problem.expected == "a certificate for web.test; this one is for other.test"


@pytest.mark.parametrize(
    ("gateway", "things", "secret_of_default"),
    [
        pytest.param(
            GATEWAY.annotate({DEFAULT: "team/b"}), [cert("b", B, "team")], "b", id="of-the-gateway"
        ),
        pytest.param(GATEWAY, [web("all").tls("a"), cert("a")], "a", id="of-an-ingress"),
        pytest.param(
            GATEWAY.annotate({DEFAULT: "team/b"}),
            [web("all").tls("a"), cert("a"), cert("b", B, "team")],
            "b",
            id="the-gateway-decides",
        ),
        pytest.param(
            GATEWAY,
            [
                web("all", "x.test").tls("b").created(NEW),
                web("old", "y.test").tls("a").created(OLD),
                cert("a"),
                cert("b", B),
            ],
            "a",
            id="the-older-ingress",
        ),
        pytest.param(
            GATEWAY.annotate({DEFAULT: "team/b"}),
            [web("all").tls("a"), cert("a")],
            "a",
            id="the-gateways-is-missing",
        ),
        pytest.param(GATEWAY, [web().tls("a", "web.test"), cert("a")], None, id="none"),
    ],
)
def test_the_certificate_of_all_other_hosts(
    gateway: Builder[Any],
    things: list[Thing],
    secret_of_default: str | None,
) -> None:
    assert served(world_of(*things, gateway=gateway)).get("_default") == secret_of_default


def test_a_gateway_is_told_about_its_default_certificate() -> None:
    world = world_of(gateway=GATEWAY.annotate({DEFAULT: "team/b"}))
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    (problem,) = (p for p in status.problems if p.key == DEFAULT)
    assert (problem.reason, problem.value) == ("MissingSecret", "team/b")
    world.put(cert("b", B, "team"))
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    assert not [p for p in status.problems if p.key == DEFAULT]


@pytest.mark.parametrize("value", ["b", "team/", "/b", "team/b/c", "Team/b", "team/ü", "*/*"])
def test_a_default_certificate_that_is_no_name_is_told(value: str) -> None:
    world = world_of(gateway=GATEWAY.annotate({DEFAULT: value}))
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    assert [p.reason for p in status.problems if p.key == DEFAULT] == ["InvalidAnnotation"]


def test_an_entry_without_a_secret_stands_for_the_default_certificate() -> None:
    bare = web().tls("", "web.test")
    assert reasons(world_of(bare)) == ["NoCertificate"]
    world = world_of(bare, cert("b", B, "team"), gateway=GATEWAY.annotate({DEFAULT: "team/b"}))
    assert reasons(world) == []
    assert served(world) == {"_default": "b"}


REDIRECT = {"nginx.ingress.kubernetes.io/ssl-redirect": "true"}


@pytest.mark.parametrize(
    ("things", "host", "is_redirected"),
    [
        pytest.param([cert("a")], "web.test", True, id="a-certificate-of-its-own"),
        pytest.param([], "web.test", False, id="no-certificate-yet"),
        pytest.param(
            [cert("a"), web("wild", "*.test").tls("a", "*.test")],
            "other.test",
            True,
            id="the-certificate-of-its-wildcard",
        ),
        pytest.param([cert("a"), web("all", "x.test").tls("a")], "other.test", True, id="default"),
        pytest.param([cert("a")], "other.test", False, id="the-certificate-of-another-host"),
    ],
)
def test_a_redirect_needs_a_certificate_for_the_host(
    things: list[Thing], host: str, is_redirected: bool
) -> None:
    asking = web(host=host).tls("a", "web.test").annotate(REDIRECT)
    world = world_of(asking, *things)
    table = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, f"mse|{host}"].body
    assert (b"x-forwarded-proto" in table) == is_redirected
    assert ("NoHttps" in reasons(world)) != is_redirected


def test_a_rotated_certificate_sends_one_secret_and_nothing_else() -> None:
    world = world_of(web().tls("a", "web.test").annotate(REDIRECT), cert("a"))
    computed = world.put(cert("a", B))
    assert world.sent == 1
    assert not computed.keys() & {"plans", "host tables", "listeners", "rules"}


@pytest.mark.parametrize("hosts", [10, 300])
def test_hosts_with_certificates_come_change_and_go_without_a_listener(hosts: int) -> None:
    many = [web(f"w{n}", f"w{n}.test").tls(f"c{n}", f"w{n}.test") for n in range(hosts)]
    world = world_of(*many, *(cert(f"c{n}") for n in range(hosts)))
    listeners = [
        v for (kind, _), v in world.versions()["mse/gw"].items() if kind is TypeUrl.LISTENER
    ]
    new = web("new", "new.test").tls("new", "new.test")
    work = world.put(new.manifest, cert("new"))
    assert world.sent == 2  # the certificate and the route table
    assert max(work.values()) <= 2
    world.put(cert("new", B))
    world.remove(new.manifest, cert("new"))
    assert [
        v for (kind, _), v in world.versions()["mse/gw"].items() if kind is TypeUrl.LISTENER
    ] == listeners


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(DEFAULT, "team/default", id="default-certificate"),
        pytest.param("fleetgate.dev/hsts", "max-age=60", id="hsts"),
        pytest.param("fleetgate.dev/http3", "true", id="http3"),
    ],
)
def test_a_gateway_without_tls_is_told_that_a_setting_of_tls_has_no_effect(
    key: str, value: str
) -> None:
    world = World()
    world.put(alb_gateway("gw").annotate({key: value}).manifest)
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    told = [(p.reason, p.value) for p in status.problems if p.key == key]
    assert ("NoTls", value) in told
    world.put(alb_gateway("gw").annotate({"fleetgate.dev/http3": "false"}).manifest)
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    assert not [p for p in status.problems if p.reason == "NoTls"]
