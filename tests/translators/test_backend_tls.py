"""The annotations `proxy-ssl-*`: TLS towards backends, with certificates on both sides."""

from base64 import b64encode
from typing import Any

import pytest

from fleet.ref import HUB, Ref
from tests.support.authority import Authority
from tests.support.translation import World
from tests.translators.plans import NGINX
from tests.translators.wishes import NO_NUMBERS, cluster_of, serving, told, wishes
from translators.model.tls import TlsVersion
from translators.policies.backend_tls import BackendTls
from xds.resource import TypeUrl

SECRET, NAME, SERVER_NAME, VERIFY, DEPTH, PROTOCOLS, CIPHERS = (
    f"{NGINX}proxy-ssl-{name}"
    for name in (
        *("secret", "name", "server-name", "verify", "verify-depth", "protocols", "ciphers"),
    )
)
HTTPS = {f"{NGINX}backend-protocol": "HTTPS"}
REF = Ref(HUB, "Secret", "default", "client")
CLUSTER = "default/shop/80+https"
AUTHORITY = Authority.make("backends")
PAIR = AUTHORITY.issue("client", addresses=[], names=["client"])


@pytest.mark.parametrize(
    ("annotations", "policy"),
    [
        pytest.param({SECRET: "client"}, BackendTls(REF), id="secret"),
        pytest.param({SECRET: "default/client"}, BackendTls(REF), id="secret-with-namespace"),
        pytest.param(
            {NAME: "a.test", SERVER_NAME: "on"},
            BackendTls(name="a.test", sends_name=True),
            id="names",
        ),
        pytest.param(
            {VERIFY: "on", DEPTH: "2"}, BackendTls(verifies=True, depth=2), id="verification"
        ),
        pytest.param(
            {PROTOCOLS: "TLSv1.3 TLSv1.2 SSLv3"},
            BackendTls(versions=(TlsVersion.V1_2, TlsVersion.V1_3)),
            id="versions",
        ),
        pytest.param(
            {CIPHERS: "AES128-SHA:!aNULL"}, BackendTls(ciphers=("AES128-SHA",)), id="ciphers"
        ),
    ],
)
def test_settings_are_read(annotations: dict[str, str], policy: BackendTls) -> None:
    assert wishes(annotations) == (policy,)
    assert told(annotations) == []


def test_ciphers_that_are_left_out_are_told() -> None:
    annotations = {CIPHERS: "HIGH:AES128-SHA:AES256-SHA:!AES256-SHA"}
    assert wishes(annotations) == (BackendTls(ciphers=("AES128-SHA",)),)
    assert told(annotations) == [("InvalidAnnotation", CIPHERS)]


@pytest.mark.parametrize("annotations", [{VERIFY: "off"}, {SERVER_NAME: "off"}])
def test_what_holds_anyway_is_no_wish(annotations: dict[str, str]) -> None:
    assert wishes(annotations) == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((SECRET, value) for value in ("other/client", "A", "a/b/c", "a b", "c\x00", "a" * 300)),
        *((NAME, value) for value in ("a b", "*.a.test", "a;b", "%", "a" * 300, "a\x00")),
        *((key, value) for key in (SERVER_NAME, VERIFY) for value in ("true", "ON", "1")),
        *((DEPTH, value) for value in (*NO_NUMBERS, "101")),
        *((PROTOCOLS, value) for value in ("SSLv3", "TLSv2", "TLSv1.2,TLSv1.3", "1.2")),
        *((CIPHERS, value) for value in ("DEFAULT", "!aNULL", "%", "x\x00")),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_changes_nothing(key: str, value: str) -> None:
    assert wishes({key: value}) == ()
    assert told({key: value}) == [("InvalidAnnotation", key)]


def secret(**data: bytes) -> dict[str, Any]:
    encoded = {key.replace("_", "."): b64encode(value).decode() for key, value in data.items()}
    metadata = {"name": "client", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}


WHOLE = secret(tls_crt=PAIR.certificate, tls_key=PAIR.key, ca_crt=AUTHORITY.certificate)
VERIFYING = {**HTTPS, SECRET: "client", VERIFY: "on", NAME: "pod.test", SERVER_NAME: "on"}


def served(annotations: dict[str, str], *secrets: dict[str, Any]) -> World:
    world = serving(annotations)
    world.put(*secrets)
    return world


def tls_of(world: World) -> Any:  # noqa: ANN401 (JSON)
    return cluster_of(world, CLUSTER)["transport_socket"]["typed_config"]


def test_a_backend_sees_the_certificate_and_shows_one_of_the_authorities() -> None:
    world = served(VERIFYING, WHOLE)
    tls = tls_of(world)
    (certificate,) = tls["common_tls_context"]["tls_certificate_sds_secret_configs"]
    assert certificate["name"] == "client/default/client"
    assert (TypeUrl.SECRET, "client/default/client") in world.snapshots["mse/gw"]
    check = tls["common_tls_context"]["validation_context"]
    assert check["match_typed_subject_alt_names"] == [
        {"san_type": "DNS", "matcher": {"exact": "pod.test"}}
    ]
    assert check["trusted_ca"]["inline_bytes"]
    assert tls["sni"] == "pod.test"
    assert world.problems("shop") == []


def test_a_secret_that_is_absent_is_not_named_and_nobody_is_trusted() -> None:
    """A Cluster with a Secret that does not come would take the place of one that works."""
    world = served(VERIFYING)
    common = tls_of(world)["common_tls_context"]
    assert "tls_certificate_sds_secret_configs" not in common
    assert common["validation_context"] == {"verify_certificate_hash": ["0" * 64]}
    assert world.problems("shop") == ["SecretNotFound"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(secret(tls_crt=PAIR.certificate), id="no-key"),
        pytest.param(secret(tls_crt=b"x", tls_key=PAIR.key, ca_crt=b"y"), id="no-pem"),
        pytest.param(secret(), id="empty"),
    ],
)
def test_a_secret_without_anything_usable_counts_as_absent(broken: dict[str, Any]) -> None:
    world = served({**HTTPS, SECRET: "client"}, broken)
    assert "tls_certificate_sds_secret_configs" not in tls_of(world)["common_tls_context"]
    assert world.problems("shop") == ["SecretNotFound"]


def test_a_secret_that_comes_later_is_used_and_one_that_goes_is_not() -> None:
    world = served(VERIFYING)
    world.put(WHOLE)
    assert "trusted_ca" in tls_of(world)["common_tls_context"]["validation_context"]
    world.remove(WHOLE)
    assert (TypeUrl.SECRET, "client/default/client") not in world.snapshots["mse/gw"]
    assert "trusted_ca" not in tls_of(world)["common_tls_context"]["validation_context"]


def test_a_new_certificate_is_a_change_of_its_secret_alone() -> None:
    world = served(VERIFYING, WHOLE)
    before = world.versions()["mse/gw"]
    other = AUTHORITY.issue("client", addresses=[], names=["client"])
    world.put(secret(tls_crt=other.certificate, tls_key=other.key, ca_crt=AUTHORITY.certificate))
    after = world.versions()["mse/gw"]
    changed = {key for key in after if after[key] != before[key]}
    assert (TypeUrl.SECRET, "client/default/client") in changed
    assert {type_url for type_url, _ in changed} == {TypeUrl.SECRET}


def test_without_a_name_the_host_of_the_request_is_sent() -> None:
    (options,) = cluster_of(served({**HTTPS, SERVER_NAME: "on"}), CLUSTER)[
        "typed_extension_protocol_options"
    ].values()
    assert options["upstream_http_protocol_options"] == {"auto_sni": True}


def test_versions_ciphers_and_depth_reach_the_cluster() -> None:
    annotations = {**VERIFYING, PROTOCOLS: "TLSv1.2", CIPHERS: "AES128-SHA", DEPTH: "3"}
    common = tls_of(served(annotations, WHOLE))["common_tls_context"]
    assert common["tls_params"] == {
        "tls_minimum_protocol_version": "TLSv1_2",
        "tls_maximum_protocol_version": "TLSv1_2",
        "cipher_suites": ["AES128-SHA"],
    }
    assert common["validation_context"]["max_verify_depth"] == 3


def test_a_backend_in_clear_text_has_no_tls() -> None:
    assert "transport_socket" not in cluster_of(served({SECRET: "client", VERIFY: "on"}, WHOLE))
