"""What the fields of an AlbConfig's listener ask for, and what becomes of values without a use."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from fleet.ref import HUB, Ref
from tests.support.authority import Authority
from tests.support.builders import (
    Builder,
    alb_class,
    alb_gateway,
    ingress,
    secret,
    service,
    slice_of,
)
from tests.support.certificates import tls_data
from tests.support.secrets import of_bytes
from tests.support.translation import World
from translators.dialects import DIALECTS
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.alb.security_policies import POLICIES
from translators.dialects.edge_settings import HTTP3, STREAM_IDLE_TIMEOUT
from translators.dialects.mse.ciphers import KNOWN
from translators.model.gateways import Gateway
from translators.model.listeners import Entry, ForwardedHeaders
from translators.model.tls import TlsVersion
from translators.policies.sources import ListenerSources, Sources
from xds.resource import TypeUrl

GATEWAY = Ref(HUB, "AlbConfig", "", "gw")
LISTEN = "alb.ingress.kubernetes.io/listen-ports"
NOT_SERVED = "this listener is not served"


def read(*listeners: Mapping[str, object], annotations: Mapping[str, str] | None = None) -> Gateway:
    made = alb_gateway(listeners=listeners).annotate(annotations or {}).manifest
    return DIALECTS.gateway(GATEWAY, AlbConfig.model_validate(made))


def http(**fields: object) -> dict[str, object]:
    return {"port": 80, "protocol": "HTTP", **fields}


def https(**fields: object) -> dict[str, object]:
    return {"port": 443, "protocol": "HTTPS", **fields}


def entry(listener: Mapping[str, object], annotations: Mapping[str, str] | None = None) -> Entry:
    """Return the only listener of a gateway that has no problem."""
    gateway = read(listener, annotations=annotations)
    assert gateway.problems == ()
    (found,) = gateway.entries
    return found


def told(gateway: Gateway) -> list[tuple[str, str, str]]:
    """Return the reason, the field within the listener, and the effect of each problem."""
    return [(p.reason, p.key.partition("].")[2], p.effect) for p in gateway.problems]


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "idle", "silence"),
    [
        pytest.param({}, 15, 60, id="defaults"),
        pytest.param({"idleTimeout": 30}, 30, 60, id="idle"),
        pytest.param({"requestTimeout": "5"}, 15, 5, id="request"),
        pytest.param({"requestTimeout": 3600, "idleTimeout": 1}, 1, 3600, id="bounds"),
    ],
)
def test_timeouts(fields: dict[str, object], idle: int, silence: int) -> None:
    settings = entry(http(**fields)).settings
    assert (settings.idle, settings.silence) == (seconds(idle), seconds(silence))


def test_the_gateways_bound_on_silence_holds_where_a_listener_has_none() -> None:
    own = {STREAM_IDLE_TIMEOUT: "600s"}
    assert entry(http(), own).settings.silence is None
    assert entry(http(requestTimeout=5), own).settings.silence == seconds(5)


@pytest.mark.parametrize(
    ("field", "value", "effect"),
    [
        pytest.param("idleTimeout", 0, "15 s holds", id="no-time"),
        pytest.param("idleTimeout", 3601, "15 s holds", id="too-long"),
        pytest.param("idleTimeout", "15s", "15 s holds", id="unit"),
        pytest.param("requestTimeout", -1, "the default holds", id="negative"),
        pytest.param("requestTimeout", [1], "the default holds", id="list"),
        pytest.param("gzipEnabled", "yes", "true holds", id="no-boolean"),
        pytest.param("http2Enabled", "no", "true holds", id="no-http2"),
        pytest.param(
            "securityPolicyId", "tls-1a2b", "TLS 1.2 and its usual ciphers hold", id="policy"
        ),
    ],
)
def test_a_default_holds_in_place_of_an_unusable_value(
    field: str, value: object, effect: str
) -> None:
    gateway = read(https(**{field: value}))
    assert told(gateway) == [("InvalidField", field, effect)]
    usual = entry(https())
    assert gateway.entries == (usual,)


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        pytest.param({}, ForwardedHeaders(), id="absent"),
        pytest.param({"XForwardedForProtoEnabled": False}, ForwardedHeaders(proto=False), id="no"),
        pytest.param(
            {"XForwardedForSLBPortEnabled": "false"}, ForwardedHeaders(port=False), id="no-port"
        ),
        pytest.param(
            {
                "XForwardedForProtoEnabled": True,
                "XForwardedForSLBPortEnabled": True,
                "XForwardedForClientSrcPortEnabled": True,
            },
            ForwardedHeaders(client_port=True),
            id="all",
        ),
    ],
)
def test_forwarded_headers(config: dict[str, object], headers: ForwardedHeaders) -> None:
    assert entry(http(xForwardedForConfig=config)).settings.forwarded == headers


@pytest.mark.parametrize(
    ("name", "value", "usual"),
    [
        pytest.param("Enabled", False, True, id="forwarded-for-itself"),
        pytest.param("HostEnabled", False, True, id="host"),
        pytest.param("ProcessingMode", "remove", "append", id="mode"),
        pytest.param("ClientSourceIpsEnabled", True, False, id="addresses-of-proxies"),
        pytest.param("SLBIdEnabled", True, False, id="id"),
        pytest.param("ClientCertSubjectDNEnabled", True, False, id="subject"),
        pytest.param("ClientCertIssuerDNEnabled", True, False, id="issuer"),
        pytest.param("ClientCertFingerprintEnabled", True, False, id="fingerprint"),
        pytest.param("ClientCertClientVerifyEnabled", True, False, id="verified"),
    ],
)
def test_forwarded_headers_that_cannot_be_had_are_reported(
    name: str, value: object, usual: object
) -> None:
    field = f"XForwardedFor{name}"
    gateway = read(http(xForwardedForConfig={field: value}))
    assert told(gateway) == [("NotSupported", f"xForwardedForConfig.{field}", "no effect")]
    assert read(http(xForwardedForConfig={field: usual})).problems == ()


def test_http2_and_compression_can_be_switched_off() -> None:
    assert entry(https()).settings.gzip
    assert not entry(https(gzipEnabled=False)).settings.gzip
    assert tls(entry(https())).alpn == ("h2", "http/1.1")
    assert tls(entry(https(http2Enabled=False))).alpn == ("http/1.1",)


def tls(of: Entry) -> Any:  # noqa: ANN401 (ServerTls, which is not None)
    return of.tls


def test_http_listeners_have_no_tls() -> None:
    assert entry(http(certificates=[{"CertificateId": "edge/a"}])).tls is None


@pytest.mark.parametrize(
    ("policy", "minimum", "weak"),
    [
        pytest.param("tls_cipher_policy_1_0", TlsVersion.V1_0, True, id="1.0"),
        pytest.param("tls_cipher_policy_1_1", TlsVersion.V1_1, True, id="1.1"),
        pytest.param("tls_cipher_policy_1_2", TlsVersion.V1_2, True, id="1.2"),
        pytest.param("tls_cipher_policy_1_2_strict", TlsVersion.V1_2, False, id="strict"),
        pytest.param("tls_cipher_policy_1_2_strict_with_1_3", TlsVersion.V1_2, False, id="1.3"),
    ],
)
def test_security_policies(policy: str, minimum: TlsVersion, *, weak: bool) -> None:
    found = tls(entry(https(securityPolicyId=policy)))
    assert found.minimum is minimum
    assert ("AES128-SHA" in found.ciphers) is weak
    assert set(found.ciphers) <= set(KNOWN)


def test_every_policy_is_tested() -> None:
    assert len(POLICIES) == 5


# -- access lists ----------------------------------------------------------------------------------


def sources(acl: Mapping[str, object]) -> Sources | None:
    policies = entry(http(aclConfig=acl)).policies
    found = [each.sources for each in policies if isinstance(each, ListenerSources)]
    return found[0] if found else None


def shown(found: Sources | None) -> tuple[list[str] | None, list[str]] | None:
    if found is None:
        return None
    allowed = None if found.allowed is None else [str(each) for each in found.allowed]
    return allowed, [str(each) for each in found.denied]


@pytest.mark.parametrize(
    ("acl", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"aclType": "White"}, None, id="empty"),
        pytest.param({"aclType": "Black", "aclEntries": []}, None, id="empty-black"),
        pytest.param(
            {"aclType": "White", "aclEntries": ["10.0.0.0/8", "::1"]},
            (["10.0.0.0/8", "::1/128"], []),
            id="white",
        ),
        pytest.param(
            {"aclType": "black", "aclEntries": ["10.0.0.1", "10.0.0.1/32"]},
            (None, ["10.0.0.1/32"]),
            id="black",
        ),
        pytest.param({"aclEntries": ["10.0.0.1"]}, (["10.0.0.1/32"], []), id="no-type-is-white"),
    ],
)
def test_access_lists(acl: dict[str, object], expected: object) -> None:
    assert shown(sources(acl)) == expected


def test_an_unusable_entry_of_a_white_list_lets_nobody_in() -> None:
    acl = {"aclType": "White", "aclEntries": ["10.0.0.0/33", "office"]}
    gateway = read(http(aclConfig=acl))
    (found,) = gateway.entries
    assert found.policies == (ListenerSources(Sources(allowed=())),)
    effect = "nobody is let in by it"
    assert told(gateway) == [
        ("InvalidField", "aclConfig.aclEntries[0]", effect),
        ("InvalidField", "aclConfig.aclEntries[1]", effect),
    ]


@pytest.mark.parametrize(
    ("acl", "problem"),
    [
        pytest.param(
            {"aclType": "Black", "aclEntries": ["10.0.0.0/33"]},
            ("InvalidField", "aclConfig.aclEntries[0]", NOT_SERVED),
            id="black-entry",
        ),
        pytest.param(
            {"aclType": "Gray", "aclEntries": ["10.0.0.1"]},
            ("InvalidField", "aclConfig.aclType", NOT_SERVED),
            id="type",
        ),
        pytest.param(
            {"aclType": "White", "aclIds": ["acl-1a2b"]},
            ("NotSupported", "aclConfig.aclIds", NOT_SERVED),
            id="lists-of-the-cloud",
        ),
        pytest.param(
            {"aclType": "White", "aclId": "acl-1a2b"},
            ("NotSupported", "aclConfig.aclId", NOT_SERVED),
            id="a-list-of-the-cloud",
        ),
        pytest.param(
            {"aclType": "White", "aclRelations": [{"aclId": "acl-1a2b"}]},
            ("NotSupported", "aclConfig.aclRelations", NOT_SERVED),
            id="relations-to-lists-of-the-cloud",
        ),
        pytest.param(
            {"aclType": "White", "aclEntries": ["10.0.0.1"] * 1025},
            ("InvalidField", "aclConfig.aclEntries", NOT_SERVED),
            id="too-many",
        ),
    ],
)
def test_a_listener_that_cannot_keep_out_whom_it_should_is_not_served(
    acl: dict[str, object], problem: tuple[str, str, str]
) -> None:
    gateway = read(http(aclConfig=acl), https())
    assert [str(each.at) for each in gateway.entries] == ["443/HTTPS"]
    assert told(gateway) == [problem]


# -- certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificates", "named"),
    [
        pytest.param([], [], id="none"),
        pytest.param(
            [{"CertificateId": "edge/a"}, {"certificateId": "edge/b"}],
            ["edge/a", "edge/b"],
            id="the-first-is-the-default",
        ),
        pytest.param(
            [{"CertificateId": "edge/a"}, {"CertificateId": "edge/b", "IsDefault": True}],
            ["edge/b", "edge/a"],
            id="default",
        ),
    ],
)
def test_certificates_of_a_listener(certificates: list[object], named: list[str]) -> None:
    found = entry(https(certificates=certificates)).certificates
    assert [f"{each.secret.namespace}/{each.secret.name}" for each in found] == named


def test_a_certificate_of_the_cloud_is_reported() -> None:
    gateway = read(https(certificates=[{"CertificateId": "7564-cn-hangzhou"}]))
    assert told(gateway) == [("InvalidField", "certificates[0].CertificateId", "it is not used")]
    assert [str(each.at) for each in gateway.entries] == ["443/HTTPS"]


def test_another_default_behind_the_first_one_is_reported() -> None:
    first = https(certificates=[{"CertificateId": "edge/a"}])
    second = https(port=8443, certificates=[{"CertificateId": "edge/b"}])
    gateway = read(first, second)
    (problem,) = gateway.problems
    assert (problem.reason, problem.value) == ("Overruled", "edge/b")
    assert problem.key == "spec.listeners[1].certificates[0].CertificateId"
    assert problem.effect == "it is shown for its own names only"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"caEnabled": "maybe"}, ("InvalidField", "caEnabled"), id="no-boolean"),
        pytest.param({"caEnabled": True}, ("InvalidField", "caCertificates"), id="no-authority"),
        pytest.param(
            {"caEnabled": True, "protocol": "QUIC", "caCertificates": [{"CertificateId": "a/b"}]},
            ("NotSupported", "caEnabled"),
            id="quic",
        ),
        pytest.param(
            {"caEnabled": True, "protocol": "HTTP", "caCertificates": [{"CertificateId": "a/b"}]},
            ("NotSupported", "caEnabled"),
            id="http",
        ),
    ],
)
def test_a_listener_that_cannot_check_clients_is_not_served(
    fields: dict[str, object], problem: tuple[str, str]
) -> None:
    gateway = read(https(**fields))
    assert gateway.entries == ()
    assert told(gateway) == [(*problem, NOT_SERVED)]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"caCertificates": [{"CertificateId": "edge/ca"}]}, id="usable"),
        pytest.param({}, id="unusable"),
    ],
)
def test_nobody_gets_around_client_certificates_by_quic(fields: dict[str, object]) -> None:
    quic = https(protocol="QUIC")
    gateway = read(https(caEnabled=True, **fields), quic, https(port=8443, protocol="QUIC"))
    assert "443/QUIC" not in [str(each.at) for each in gateway.entries]
    assert "8443/QUIC" in [str(each.at) for each in gateway.entries]
    (problem,) = (p for p in gateway.problems if p.key == "spec.listeners[1]")
    assert (problem.reason, problem.effect) == ("NotSupported", NOT_SERVED)


@pytest.mark.parametrize("off", [None, False, "False", "0", "f", " false", ""])
def test_quic_stands_beside_a_listener_without_client_certificates(off: object) -> None:
    gateway = read(https(caEnabled=off), https(protocol="QUIC"))
    assert [str(each.at) for each in gateway.entries] == ["443/HTTPS", "443/QUIC"]
    assert gateway.problems == ()


@pytest.mark.parametrize("on", ["True", "1", " true", "maybe"])
def test_nobody_gets_around_client_certificates_however_they_are_asked_for(on: str) -> None:
    authority = {"caCertificates": [{"CertificateId": "edge/ca"}]}
    gateway = read(https(caEnabled=on, **authority), https(protocol="QUIC"))
    assert "443/QUIC" not in [str(each.at) for each in gateway.entries]


def test_http3_by_annotation_leaves_out_listeners_with_client_certificates() -> None:
    listener = https(caEnabled=True, caCertificates=[{"CertificateId": "edge/ca"}])
    gateway = read(listener, https(port=8443), annotations={HTTP3: "true"})
    found = [str(each.at) for each in gateway.entries]
    assert found == ["443/HTTPS", "8443/HTTPS", "8443/QUIC"]


def test_a_declared_listener_for_quic_stays_the_only_one_at_its_port() -> None:
    quic = https(protocol="QUIC", requestTimeout=5)
    gateway = read(https(), quic, annotations={HTTP3: "true"})
    assert [str(each.at) for each in gateway.entries] == ["443/HTTPS", "443/QUIC"]
    assert gateway.entries[1].settings.silence == seconds(5)


# -- resources -------------------------------------------------------------------------------------


def world(*objects: Builder[Any], listeners: list[dict[str, object]]) -> World:
    made = World()
    made.attach(HUB, "c1")
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    rule = rule.annotate({LISTEN: '[{"HTTP":80},{"HTTPS":443}]'})
    made.put(service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c1")
    made.put(alb_class().manifest, rule.manifest, *(each.manifest for each in objects))
    declare(made, listeners)
    return made


def declare(made: World, listeners: list[dict[str, object]]) -> None:
    made.put(alb_gateway(members=["c1"], listeners=listeners).manifest)


def changed(made: World, listeners: list[dict[str, object]]) -> set[str]:
    """Declare other listeners, and return the names of the resources that change."""
    before = made.versions()["alb/gw"]
    declare(made, listeners)
    after = made.versions()["alb/gw"]
    return {str(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.mark.parametrize(
    "field",
    [
        pytest.param({"idleTimeout": 30}, id="idle"),
        pytest.param({"requestTimeout": 30}, id="request"),
        pytest.param({"gzipEnabled": False}, id="gzip"),
        pytest.param({"http2Enabled": False}, id="http2"),
        pytest.param({"securityPolicyId": "tls_cipher_policy_1_1"}, id="policy"),
        pytest.param({"xForwardedForConfig": {"XForwardedForProtoEnabled": False}}, id="proto"),
        pytest.param(
            {"caEnabled": True, "caCertificates": [{"CertificateId": "edge/ca"}]}, id="ca"
        ),
        pytest.param({"quicConfig": {"quicUpgradeEnabled": True}}, id="quic"),
    ],
)
def test_a_setting_of_one_listener_changes_this_listener_alone(field: dict[str, object]) -> None:
    ca = of_bytes("ca", {"ca.crt": Authority.make("ours").certificate}).in_namespace("edge")
    made = world(ca, listeners=[http(), https()])
    names = changed(made, [http(), https(**field)])
    assert names == {str((TypeUrl.LISTENER, "https-443"))}
    assert changed(made, [http(), https()]) == names, "and back"


def test_a_changed_access_list_changes_no_listener() -> None:
    made = world(listeners=[http(), https()])
    acl = {"aclType": "White", "aclEntries": ["10.0.0.0/8"]}
    tables = {str((TypeUrl.SCOPED_ROUTE, name)) for name in ("https-443|web.test", "https-443|*")}
    assert changed(made, [http(), https(aclConfig=acl)]) == tables
    acl = {"aclType": "Black", "aclEntries": ["10.0.0.0/8"]}
    assert changed(made, [http(), https(aclConfig=acl)]) == tables
    assert changed(made, [http(), https()]) == tables


def certificate(name: str, authority: Authority, *names: str) -> Builder[Any]:
    pair = authority.issue(names[0], addresses=[], names=names)
    return secret(name, tls_data(pair)).in_namespace("edge")


def names(made: World) -> list[str]:
    return made.names(TypeUrl.SECRET, "alb/gw")


def test_certificates_of_a_listener_are_for_their_names_and_the_first_for_all_others() -> None:
    authority = Authority.make("ours")
    secrets = (
        certificate("a", authority, "a.test"),
        certificate("b", authority, "b.test", "*.b.test"),
    )
    named = [{"CertificateId": "edge/a"}, {"CertificateId": "edge/b"}]
    made = world(*secrets, listeners=[http(), https(certificates=named)])
    assert names(made) == ["*.b.test", "_default", "a.test", "b.test"]
    declare(made, [http(), https(certificates=named[:1])])
    assert names(made) == ["_default", "a.test"]
    declare(made, [http(), https()])
    assert names(made) == []


def origins(made: World, key: tuple[TypeUrl, str]) -> list[str]:
    """Return the Secrets that a resource is made from."""
    found = made.snapshots["alb/gw"][key].origins
    return [f"{each.namespace}/{each.name}" for each in found if isinstance(each, Ref)]


def test_the_secret_of_an_ingress_comes_before_a_certificate_of_a_listener() -> None:
    authority = Authority.make("ours")
    named = [{"CertificateId": "edge/a"}]
    made = world(certificate("a", authority, "web.test"), listeners=[https(certificates=named)])
    key = (TypeUrl.SECRET, "web.test")
    assert origins(made, key) == ["edge/a"]
    own = authority.issue("web.test", addresses=[], names=["web.test"])
    rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    rule = rule.tls("own", "web.test")
    made.put(secret("own", tls_data(own)).manifest, rule.manifest)
    assert origins(made, key) == ["default/own"]
    made.remove(secret("own").manifest, rule.manifest)
    assert origins(made, key) == ["edge/a"]


def test_a_missing_certificate_is_a_problem_of_the_gateway() -> None:
    named = [{"CertificateId": "edge/a"}]
    made = world(listeners=[http(), https(certificates=named)])
    problems = made.translator.tables.statuses.of_gateways.rows[GATEWAY].problems
    assert [(p.reason, p.key) for p in problems] == [
        ("MissingSecret", "spec.listeners[1].certificates[0].CertificateId")
    ]
    assert made.problems("web") == ["NoCertificate"], "the host cannot be asked by https"


def test_authorities_that_cannot_be_used_close_their_listener() -> None:
    named = {"caEnabled": True, "caCertificates": [{"CertificateId": "edge/ca"}]}
    made = world(listeners=[http(), https(**named)])
    problems = made.translator.tables.statuses.of_gateways.rows[GATEWAY].problems
    assert [(p.reason, p.effect) for p in problems] == [("InvalidSecret", NOT_SERVED)]
    assert made.names(TypeUrl.LISTENER, "alb/gw") == ["http-80"]
    assert opened(made) == ["80/HTTP"], "nobody waits for a port that stays closed"
    assert made.problems("web") == ["ListenerNotFound"]
    ca = of_bytes("ca", {"ca.crt": Authority.make("ours").certificate}).in_namespace("edge")
    made.put(ca.manifest)
    assert made.names(TypeUrl.LISTENER, "alb/gw") == ["http-80", "https-443"]
    assert opened(made) == ["80/HTTP", "443/HTTPS"]


def opened(made: World) -> list[str]:
    """Return the listeners in the gateway's status."""
    status = made.translator.tables.statuses.of_gateways.rows[GATEWAY]
    return [str(listener) for listener in status.listeners]


def test_the_status_shows_the_certificates_of_listeners() -> None:
    authority = Authority.make("ours")
    secrets = (certificate("a", authority, "a.test"), certificate("b", authority, "b.test"))
    named = [
        {"CertificateId": "edge/a"},
        {"CertificateId": "edge/b", "IsDefault": True},
        {"CertificateId": "edge/missing"},
    ]
    made = world(*secrets, listeners=[http(), https(certificates=named)])
    status = made.translator.tables.statuses.of_gateways.rows[GATEWAY]
    assert DIALECTS.status(GATEWAY, status)["loadBalancer"]["listeners"] == [
        {"portAndProtocol": "80/HTTP"},
        {
            "portAndProtocol": "443/HTTPS",
            "certificates": [
                {"certificateId": "edge/b", "isDefault": True},
                {"certificateId": "edge/a", "isDefault": False},
            ],
        },
    ]


def test_a_listener_for_quic_has_the_rules_of_the_one_for_https() -> None:
    authority = Authority.make("ours")
    named = [{"CertificateId": "edge/a"}]
    quic = https(protocol="QUIC", certificates=named)
    made = world(certificate("a", authority, "web.test"), listeners=[https(), quic])
    assert made.names(TypeUrl.LISTENER, "alb/gw") == ["https-443", "quic-443"]
    tables = made.names(TypeUrl.SCOPED_ROUTE, "alb/gw")
    assert {"https-443|web.test", "quic-443|web.test"} <= set(tables)
