"""Filter chains of hosts: who has one, what a change costs, and who is told without one."""

from base64 import b64encode
from typing import Any

import pytest

from fleet.events import Unreachable
from fleet.ref import HUB
from tests.support.authority import Authority
from tests.support.builders import IngressBuilder, ingress, mse_gateway, secret, service, slice_of
from tests.support.certificates import certificate, tls_data
from tests.support.translation import World
from tests.translators.plans import MSE, NGINX
from translators.model.bounds import MAX_BELOW, MAX_CHAINS
from xds.readable import readable
from xds.resource import TypeUrl

HTTPS = "https-443"
V1_3 = {f"{MSE}tls-min-protocol-version": "TLSv1.3"}
CERTIFIED = {f"{NGINX}auth-tls-secret": "default/ca"}
THROUGH = {f"{NGINX}ssl-passthrough": "true"}
AUTHORITY = Authority.make("clients")


def bundle(text: bytes = AUTHORITY.certificate) -> dict[str, Any]:
    return secret("ca", {"ca.crt": b64encode(text).decode()}).manifest


def asking(
    host: str, annotations: dict[str, str], *, name: str = "", year: int = 2020
) -> IngressBuilder:
    named = name or host.replace("*", "star").replace(".", "-")
    made = ingress(named, host=host).path("/", to="web:80").of_class("mse")
    return made.annotate(annotations).created(f"{year}-01-01T00:00:00Z")


def world(*ingresses: IngressBuilder) -> World:
    made = World()
    made.attach(HUB, "c1")
    made.put(service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c1")
    made.put(mse_gateway("gw", members=["c1"]).manifest, *(each.manifest for each in ingresses))
    return made


def chains(of: World) -> dict[str, Any]:
    """The filter chains of the HTTPS listener by the hosts that have one of their own."""
    body = of.snapshots["mse/gw"][TypeUrl.LISTENER, HTTPS].body
    shown: Any = readable(TypeUrl.LISTENER, body)  # JSON
    by_name = {chain["name"]: chain for chain in shown["filter_chains"]}
    return {
        key.host: by_name[f"{label}/anybody"]
        for key, row in of.translator.tables.chains.rows.rows.items()
        for _, label, _ in row.bodies
    }


def told(of: World, name: str) -> list[tuple[str, str]]:
    """Reason and effect of the problems of an Ingress."""
    row = of.translator.tables.statuses.of_ingresses.get(ingress(name).ref())
    return [(problem.reason, problem.effect) for problem in row.problems] if row else []


@pytest.mark.parametrize(
    ("annotations", "has_one"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param(V1_3, True, id="versions"),
        pytest.param({f"{NGINX}ssl-ciphers": "AES128-SHA"}, True, id="ciphers"),
        pytest.param(CERTIFIED, True, id="client-certificates"),
        pytest.param(THROUGH, True, id="passthrough"),
    ],
)
def test_a_host_has_a_chain_if_its_tls_is_its_own(
    annotations: dict[str, str], *, has_one: bool
) -> None:
    of = world(asking("shop.test", annotations))
    of.put(bundle())
    assert list(chains(of)) == (["shop.test"] if has_one else [])
    assert not told(of, "shop-test")


def listeners_sent(of: World, before: dict[str, Any]) -> list[str]:
    now = of.versions()["mse/gw"]
    return sorted(
        name for (kind, name), version in now.items()
        if kind is TypeUrl.LISTENER and before["mse/gw"].get((kind, name)) != version
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        pytest.param([asking("other.test", {})], [], id="another-host"),
        pytest.param([asking("shop.test", V1_3, year=2019)], [], id="its-age"),
        pytest.param(
            [asking("shop.test", {**V1_3, f"{NGINX}backend-protocol": "HTTPS"})], [], id="its-rules"
        ),
        pytest.param([asking("shop.test", V1_3).tls("cert", "shop.test")], [], id="its-secret"),
        pytest.param([bundle(Authority.make("a").certificate)], [HTTPS], id="its-authorities"),
        pytest.param([asking("shop.test", {})], [HTTPS], id="its-chain-goes"),
        pytest.param([asking("new.test", V1_3)], [HTTPS], id="another-chain-comes"),
    ],
)
def test_only_a_change_of_chains_touches_the_listener(
    change: list[IngressBuilder | dict[str, Any]], sent: list[str]
) -> None:
    of = world(asking("shop.test", V1_3), asking("clients.test", CERTIFIED))
    of.put(bundle())
    before = of.versions()
    of.put(*(each if isinstance(each, dict) else each.manifest for each in change))
    assert listeners_sent(of, before) == sent


def test_a_change_encodes_one_chain() -> None:
    of = world(*(asking(f"h{number}.test", V1_3) for number in range(20)))
    changed = {f"{MSE}tls-max-protocol-version": "TLSv1.2"}
    computed = of.put(asking("h7.test", changed).manifest)
    assert computed["chains of hosts"] == 1
    assert computed["listeners"] == 1


def test_hosts_share_a_chain_unless_it_depends_on_the_host() -> None:
    """A filter chain takes memory in each worker of an Envoy, whatever it is for."""
    ciphers = {f"{NGINX}ssl-ciphers": "AES128-SHA"}
    kinds = {"v": V1_3, "c": ciphers, "both": {**V1_3, **ciphers}, "t": THROUGH, "m": CERTIFIED}
    of = world(*(asking(f"{k}{n}.test", kinds[k]) for k in kinds for n in (1, 2)))
    of.put(bundle())
    names = {host: chain["name"].partition("/")[0] for host, chain in chains(of).items()}
    assert names["v1.test"] == names["v2.test"]
    assert names["c1.test"] == names["c2.test"]
    assert names["both1.test"] == names["both2.test"]
    alone = {host: name for host, name in names.items() if host[0] in "tm"}
    assert alone == {host: host for host in ("t1.test", "t2.test", "m1.test", "m2.test")}
    assert len(set(names.values())) == 7


def test_a_chain_that_goes_leaves_the_listener_as_it_was() -> None:
    of = world()
    before = of.versions()["mse/gw"][TypeUrl.LISTENER, HTTPS]
    of.put(asking("shop.test", V1_3).manifest)
    of.remove(asking("shop.test", V1_3).manifest)
    assert of.versions()["mse/gw"][TypeUrl.LISTENER, HTTPS] == before


def test_the_oldest_hosts_have_the_chains() -> None:
    many = [asking(f"h{n}.test", V1_3, year=2000 + n % 2) for n in range(MAX_CHAINS + 2)]
    of = world(*many)
    without = {f"h{n}.test" for n in range(MAX_CHAINS + 2)} - chains(of).keys()
    assert len(without) == 2
    for host in without:
        assert int(host[1:].partition(".")[0]) % 2, "it is one of the younger ones"
        name = host.replace(".", "-")
        assert told(of, name) == [("TooManyChains", f"{host}: no effect there")]


def test_a_host_without_room_for_its_chain_is_closed_if_it_asks_for_certificates() -> None:
    of = world(*(asking(f"h{n}.test", V1_3) for n in range(MAX_CHAINS)))
    of.put(bundle(), asking("late.test", CERTIFIED, year=2021).manifest)
    assert "late.test" not in chains(of)
    ((reason, effect),) = told(of, "late-test")
    assert (reason, effect) == (
        "TooManyChains",
        "late.test: no certificate is good: requests that need one are answered with 421",
    )


def test_hosts_below_a_wildcard_need_no_chains() -> None:
    of = world(asking("*.wild.test", V1_3), asking("own.wild.test", {}), asking("a.b.test", {}))
    assert chains(of).keys() == {"*.wild.test"}


def test_a_wildcard_has_no_chain_with_too_many_hosts_below() -> None:
    """Otherwise handshakes for some of these would meet the TLS of the wildcard."""
    many = ingress("many")
    for number in range(MAX_BELOW + 1):
        many = many.host(f"h{number}.wild.test").path("/", to="web:80")
    of = world(asking("*.wild.test", V1_3), many.of_class("mse"))
    assert not chains(of)
    assert told(of, "star-wild-test")[0][0] == "TooManyChains"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(None, "there is no such Secret", id="missing"),
        pytest.param({"tls.crt": b"x"}, "it has no ca.crt", id="without-a-bundle"),
        pytest.param({"ca.crt": b""}, "no readable certificates", id="empty"),
        pytest.param({"ca.crt": b"no certificate"}, "no readable certificates", id="text"),
        pytest.param(
            {"ca.crt": AUTHORITY.certificate[:200]}, "no readable certificates", id="cut-off"
        ),
        pytest.param({"ca.crt": AUTHORITY.certificate * 200}, "it has more than 64 KiB", id="huge"),
        pytest.param(
            {"ca.crt": AUTHORITY.certificate, "ca.crl": b"x"},
            "no readable revocation lists",
            id="bad-revocations",
        ),
    ],
)
def test_a_host_without_readable_authorities_has_no_chain(
    data: dict[str, bytes] | None, fault: str
) -> None:
    of = world(asking("shop.test", CERTIFIED), asking("other.test", V1_3))
    if data is not None:
        encoded = {key: b64encode(value).decode() for key, value in data.items()}
        of.put(secret("ca", encoded).manifest)
    assert list(chains(of)) == ["other.test"]
    row = of.translator.tables.statuses.of_ingresses.rows[ingress("shop-test").ref()]
    (problem,) = row.problems
    assert (problem.reason, problem.key) == ("NoChain", f"{NGINX}auth-tls-secret")
    assert fault in problem.expected
    of.put(bundle())
    assert chains(of).keys() == {"shop.test", "other.test"}


def test_a_rule_without_a_host_has_no_chain() -> None:
    of = world(asking("", V1_3, name="rest"))
    assert not chains(of)
    assert told(of, "rest") == [("NoChain", "*: no effect there")]


def test_rules_without_a_host_whose_clients_need_certificates_are_closed() -> None:
    of = world(asking("", CERTIFIED, name="rest"))
    of.put(bundle())
    assert told(of, "rest") == [("NoChain", "*: its paths are answered with 503")]


def test_a_canary_is_told_nothing_about_chains() -> None:
    canary = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "10"}
    beside = ingress("gray", host="").path("/", to="web:80").of_class("mse")
    of = world(asking("", V1_3, name="rest"), beside.annotate({**V1_3, **canary}))
    assert told(of, "rest") == [("NoChain", "*: no effect there")]
    assert told(of, "gray") == []


@pytest.mark.parametrize(
    "access",
    [
        pytest.param({"whitelist-source-range": "10.0.0.0/8"}, id="addresses"),
        pytest.param({"auth-type": "basic", "auth-secret": "users"}, id="passwords"),
        pytest.param({"auth-url": "http://auth.default.svc/"}, id="service"),
        pytest.param({"enable-modsecurity": "true"}, id="not-supported"),
    ],
)
def test_no_connection_passes_an_access_rule_by(access: dict[str, str]) -> None:
    """The gateway checks requests, and a connection that goes on as it comes shows it none."""
    spelt = {NGINX + key: value for key, value in access.items()}
    of = world(asking("shop.test", {**THROUGH, **spelt}))
    assert not chains(of)
    assert ("NoChain", "shop.test: the gateway ends TLS for this host itself") in told(
        of, "shop-test"
    )


def test_passthrough_needs_a_rule_for_the_root() -> None:
    only = ingress("shop-test", host="shop.test").path("/only", to="web:80").of_class("mse")
    of = world(only.annotate(THROUGH))
    assert not chains(of)
    assert told(of, "shop-test") == [
        ("NoChain", "shop.test: the gateway ends TLS for this host itself")
    ]


def test_the_older_ingress_decides_about_the_tls_of_a_host() -> None:
    other = {f"{MSE}tls-min-protocol-version": "TLSv1.2"}
    younger = ingress("young", host="shop.test").path("/young", to="web:80").of_class("mse")
    of = world(asking("shop.test", V1_3, name="old"), younger.annotate(other))
    context = chains(of)["shop.test"]["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["tls_params"]["tls_minimum_protocol_version"] == "TLSv1_3"
    assert [reason for reason, _ in told(of, "young")] == ["Overruled"]


def test_a_passthrough_names_a_cluster_that_is_there() -> None:
    of = world(asking("shop.test", {**THROUGH, f"{NGINX}backend-protocol": "HTTPS"}))
    (filter_,) = chains(of)["shop.test"]["filters"]
    named = filter_["typed_config"]["cluster"]
    assert named == "default/web/80+http"
    assert {named, "default/web/80+https"} <= set(of.names(TypeUrl.CLUSTER))
    assert named in of.names(TypeUrl.ENDPOINT)


def test_listeners_for_tls_wait_for_the_secrets_of_a_hub_that_has_not_been_read() -> None:
    """Objects are remembered over a restart, and Secrets are not."""
    of = World()
    of.apply([Unreachable(HUB, "connection refused")])
    of.attach("c1")
    redirected = {**CERTIFIED, f"{NGINX}ssl-redirect": "true"}
    guarded = asking("shop.test", redirected).tls("shop", "shop.test")
    of.put(mse_gateway("gw", members=["c1"]).manifest, guarded.manifest)
    assert of.names(TypeUrl.LISTENER) == ["http-80"]
    assert of.problems("shop-test") == ["ServiceNotFound"]
    table = of.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|shop.test"]

    of.attach(HUB)
    assert of.names(TypeUrl.LISTENER) == ["http-80", "https-443"]
    assert of.problems("shop-test") == ["MissingSecret", "NoChain", "NoHttps", "ServiceNotFound"]

    pair = certificate("shop.test")
    of.put(bundle(), secret("shop", tls_data(pair)).manifest)
    assert list(chains(of)) == ["shop.test"]
    assert of.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|shop.test"] == table


@pytest.mark.parametrize(
    ("annotations", "path"),
    [
        pytest.param(CERTIFIED, "/", id="client-certificates-without-authorities"),
        pytest.param(THROUGH, "/more", id="passthrough-without-a-root"),
    ],
)
def test_what_has_no_chain_takes_nothing_else_from_the_host(
    annotations: dict[str, str], path: str
) -> None:
    made = ingress("shop", host="shop.test").path(path, to="web:80").of_class("mse")
    of = world(made.annotate({**annotations, **V1_3}))
    assert [reason for reason, _ in told(of, "shop")] == ["NoChain"]
    (chain,) = chains(of).values()
    assert chain["transport_socket"]["typed_config"]["common_tls_context"]["tls_params"] == {
        "tls_minimum_protocol_version": "TLSv1_3",
        "tls_maximum_protocol_version": "TLSv1_3",
    }
    assert "network.set_filter_state" not in str(chain)


@pytest.mark.parametrize("tls", [V1_3, CERTIFIED, THROUGH], ids=["versions", "asks", "through"])
def test_an_alias_has_the_tls_of_its_host(tls: dict[str, str]) -> None:
    alias = {f"{NGINX}server-alias": "alias.test, *.alias.test"}
    of = world(asking("shop.test", {**tls, **alias}))
    of.put(bundle())
    assert chains(of).keys() == {"shop.test", "alias.test", "*.alias.test"}
    of.put(asking("shop.test", tls).manifest)
    assert chains(of).keys() == {"shop.test"}


def test_a_name_that_is_only_redirected_has_no_chain() -> None:
    of = world(asking("shop.test", {**CERTIFIED, f"{NGINX}from-to-www-redirect": "true"}))
    of.put(bundle())
    assert chains(of).keys() == {"shop.test"}
