"""The annotations for the TLS of a host: versions, ciphers, client certificates, passthrough."""

from collections.abc import Mapping
from typing import Any

import pytest

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.translators.plans import MSE, NGINX
from translators.dialects.mse.ciphers import KNOWN
from translators.dialects.mse.features import read_features
from translators.model.policy import Policy
from translators.model.tls import TlsVersion
from translators.policies.client_certificates import ClientCertificates, Verify
from translators.policies.passthrough import Passthrough
from translators.policies.tls_versions import Ciphers, TlsVersions

AT = Ref(HUB, "Ingress", "shop", "web")
CA = Ref(HUB, "Secret", "shop", "ca")

V1_0, V1_1, V1_2, V1_3 = TlsVersion


def read(annotations: Mapping[str, str]) -> tuple[list[Policy], tuple[Problem, ...]]:
    wanted, problems = read_features(AT, annotations)
    return [declared.policy for declared in wanted.policies], problems


@pytest.mark.parametrize(
    ("low", "high", "expected", "reported"),
    [
        pytest.param("TLSv1.3", "", TlsVersions(V1_3, V1_3), [], id="minimum"),
        pytest.param("", "TLSv1.2", TlsVersions(V1_2, V1_2), [], id="maximum"),
        pytest.param("TLSv1.0", "TLSv1.1", TlsVersions(V1_0, V1_1), [], id="both"),
        pytest.param("", "TLSv1.0", TlsVersions(V1_0, V1_0), [], id="maximum-below-the-default"),
        pytest.param("TLSv1.3", "TLSv1.2", TlsVersions(V1_3, V1_3), ["max"], id="contradiction"),
        pytest.param("tls1.2", "", None, ["min"], id="another-spelling"),
        pytest.param("TLSv1.4", "TLSv1.3", TlsVersions(V1_2, V1_3), ["min"], id="unknown"),
        pytest.param("SSLv3", "", None, ["min"], id="ssl"),
        pytest.param("TLSv1.2\n", "", TlsVersions(V1_2, V1_3), [], id="blanks-around"),
        pytest.param("TLSv1.2\x00", "", None, ["min"], id="control-character"),
        pytest.param("%TLSv1.2", "", None, ["min"], id="percent"),
        pytest.param("T" * 5000, "", None, ["min"], id="huge"),
    ],
)
def test_versions(low: str, high: str, expected: Policy | None, reported: list[str]) -> None:
    keys = {"min": low, "max": high}
    annotations = {f"{MSE}tls-{end}-protocol-version": text for end, text in keys.items() if text}
    policies, problems = read(annotations)
    assert policies == ([expected] if expected else [])
    assert [problem.key for problem in problems] == [
        f"{MSE}tls-{end}-protocol-version" for end in reported
    ]


@pytest.mark.parametrize(
    ("text", "names", "reported"),
    [
        pytest.param(KNOWN[0], KNOWN[:1], "", id="one"),
        pytest.param(f"{KNOWN[1]}:{KNOWN[0]}", (KNOWN[1], KNOWN[0]), "", id="in-their-order"),
        pytest.param(f"{KNOWN[0]}: {KNOWN[0]}:", KNOWN[:1], "", id="repeated"),
        pytest.param(f"{KNOWN[0]}:!aNULL:!MD5:!3DES", KNOWN[:1], "", id="usual-exclusions"),
        pytest.param(f"{KNOWN[0]}:{KNOWN[1]}:!{KNOWN[1]}", KNOWN[:1], "", id="excluded"),
        pytest.param(f"{KNOWN[0]}:HIGH", KNOWN[:1], "HIGH", id="class"),
        pytest.param(f"{KNOWN[0]}:!SHA1", KNOWN[:1], "!SHA1", id="excluded-class"),
        pytest.param(f"{KNOWN[0]}:TLS_AES_128_GCM_SHA256", KNOWN[:1], "TLS_AES", id="tls-1.3"),
        pytest.param(f"{KNOWN[0]}:a:b:c:d:e", KNOWN[:1], "a, b, c and 2 more", id="many-unknown"),
        pytest.param("HIGH:!aNULL", None, "such as", id="none-is-known"),
        pytest.param(f"{KNOWN[0]}|{KNOWN[1]}", None, "such as", id="envoys-groups"),
        pytest.param(KNOWN[0].lower(), None, "such as", id="lower-case"),
        pytest.param(":" * 5000, None, "such as", id="huge"),
    ],
)
@pytest.mark.parametrize("key", ["ssl-cipher", "ssl-ciphers"])
def test_ciphers(key: str, text: str, names: tuple[str, ...] | None, reported: str) -> None:
    policies, problems = read({f"{NGINX}{key}": text})
    assert policies == ([Ciphers(names)] if names else [])
    assert len(problems) == bool(reported)
    assert all(reported in problem.expected for problem in problems)


@pytest.mark.parametrize(
    ("text", "is_on", "is_reported"),
    [
        pytest.param("true", True, False, id="true"),
        pytest.param("false", False, False, id="false"),
        pytest.param("yes", False, True, id="nearly"),
    ],
)
def test_passthrough(text: str, *, is_on: bool, is_reported: bool) -> None:
    policies, problems = read({f"{NGINX}ssl-passthrough": text})
    assert policies == ([Passthrough()] if is_on else [])
    assert bool(problems) is is_reported


def of_clients(asked: Mapping[str, str]) -> dict[str, str]:
    return {f"{NGINX}auth-tls-{key}": text for key, text in asked.items()}


SECRET = {"secret": "shop/ca"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, {}, id="secret"),
        pytest.param({"secret": "ca"}, {}, id="secret-without-its-namespace"),
        pytest.param({"verify-client": "on"}, {}, id="on"),
        pytest.param({"verify-client": "optional"}, {"verify": Verify.OPTIONAL}, id="optional"),
        pytest.param(
            {"verify-client": "optional_no_ca"}, {"verify": Verify.OPTIONAL_NO_CA}, id="no-ca"
        ),
        pytest.param({"verify-depth": "3"}, {"intermediates": 3}, id="depth"),
        pytest.param({"verify-depth": "0"}, {"intermediates": 0}, id="depth-of-0"),
        pytest.param(
            {"match-cn": "CN=(a|b)"}, {"subject": r"(?:|.*[^\\],)(?:CN=(a|b))(?:.*)"}, id="name"
        ),
        pytest.param(
            {"error-page": "https://a.test/x?y"}, {"error_page": "https://a.test/x?y"}, id="page"
        ),
        pytest.param({"pass-certificate-to-upstream": "true"}, {"passes_on": True}, id="pass"),
    ],
)
def test_client_certificates(asked: Mapping[str, str], expected: Mapping[str, Any]) -> None:
    assert read(of_clients({**SECRET, **asked})) == ([ClientCertificates(CA, **expected)], ())


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        pytest.param({"verify-client": "treu"}, "verify-client", id="verify-client"),
        pytest.param({"verify-depth": "-1"}, "verify-depth", id="depth-below-0"),
        pytest.param({"verify-depth": "11"}, "verify-depth", id="depth-too-large"),
        pytest.param({"verify-depth": "1s"}, "verify-depth", id="depth-with-a-unit"),
        pytest.param({"error-page": "/local"}, "error-page", id="page-without-a-host"),
        pytest.param({"error-page": "https://"}, "error-page", id="page-without-anything"),
        pytest.param({"error-page": "https://[x"}, "error-page", id="page-with-a-bad-host"),
        pytest.param({"error-page": "javascript://a/"}, "error-page", id="page-by-another-scheme"),
        pytest.param({"error-page": "https://a/\r\nb: c"}, "error-page", id="page-of-two-lines"),
        pytest.param({"error-page": "https://a/" + "x" * 5000}, "error-page", id="page-huge"),
        pytest.param(
            {"pass-certificate-to-upstream": "treu"}, "pass-certificate-to-upstream", id="pass"
        ),
    ],
)
def test_the_default_stands_in_for_an_unusable_value(
    asked: Mapping[str, str], reported: str
) -> None:
    policies, problems = read(of_clients({**SECRET, **asked}))
    assert policies == [ClientCertificates(CA)]
    assert [problem.key for problem in problems] == [f"{NGINX}auth-tls-{reported}"]


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        pytest.param({"secret": "other/ca"}, "secret", id="secret-of-another-namespace"),
        pytest.param({"secret": "shop/"}, "secret", id="secret-without-a-name"),
        pytest.param({"secret": "/ca"}, "secret", id="secret-with-an-empty-namespace"),
        pytest.param({"secret": "a/b/c"}, "secret", id="secret-of-three-parts"),
        pytest.param({"secret": "shop/CA"}, "secret", id="secret-in-capitals"),
        pytest.param({"secret": "x" * 300}, "secret", id="secret-huge"),
        pytest.param({**SECRET, "match-cn": "alice"}, "match-cn", id="name-without-cn"),
        pytest.param({**SECRET, "match-cn": "CN=("}, "match-cn", id="name-that-is-no-pattern"),
        pytest.param({**SECRET, "match-cn": "CN=)("}, "match-cn", id="name-that-leaves-its-group"),
        pytest.param({**SECRET, "match-cn": "CN=a{999}"}, "match-cn", id="name-too-costly"),
        pytest.param({**SECRET, "match-cn": "CN=a\x01"}, "match-cn", id="name-control-character"),
    ],
)
@pytest.mark.parametrize("verify", ["on", "optional"])
def test_what_keeps_clients_out_closes_if_it_cannot_be_read(
    asked: Mapping[str, str], reported: str, verify: str
) -> None:
    """Nobody has a certificate of an authority that is not known."""
    policies, problems = read(of_clients({"verify-client": verify, **asked}))
    (policy,) = policies
    assert isinstance(policy, ClientCertificates)
    assert (policy.secret, policy.verify) == (None, Verify.ON)
    (problem,) = problems
    assert problem.key == f"{NGINX}auth-tls-{reported}"
    assert problem.effect == "no certificate is good: requests of its hosts are refused"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"verify-client": "off", **SECRET}, id="with-a-secret"),
        pytest.param({"verify-client": "off", "secret": "/"}, id="with-a-bad-secret"),
        pytest.param({"verify-client": "off", "match-cn": "x"}, id="without-a-secret"),
    ],
)
def test_off_asks_for_nothing(asked: Mapping[str, str]) -> None:
    assert read(of_clients(asked)) == ([], ())


@pytest.mark.parametrize(
    ("asked", "closes"),
    [
        pytest.param({"verify-client": "on"}, True, id="on"),
        pytest.param({"verify-client": "treu"}, True, id="unreadable"),
        pytest.param({"match-cn": "CN=a"}, True, id="name"),
        pytest.param({"verify-depth": "2"}, False, id="depth"),
        pytest.param({"error-page": "https://a.test"}, False, id="page"),
    ],
)
def test_annotations_without_a_secret_are_reported(
    asked: Mapping[str, str], *, closes: bool
) -> None:
    wanted, problems = read_features(AT, of_clients(asked))
    assert not wanted.policies
    assert bool(wanted.changes) is closes
    assert problems[-1].reason == "NoAuthorities"


def test_a_canary_has_the_access_rules_of_its_main() -> None:
    canary = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "10"}
    canary |= {**of_clients({"secret": "bad/", "match-cn": "("})}
    policies, problems = read(canary)
    assert policies == []
    assert {problem.reason for problem in problems} == {"CanaryAccessRule"}
