"""An entry of `spec.tls` gives its Secret to the hosts of rules that it names."""

import pytest

from tests.support.builders import IngressBuilder, ingress
from translators.dialects.mse.ingress import read_mse_ingress
from translators.model.certificates import TlsEntry

WEB = ingress("web", host="web.test").path("/", to="web:80")
BOTH = WEB.host("shop.test").path("/", to="shop:80")
WILD = ingress("web", host="*.test").path("/", to="web:80")


def entries(declared: IngressBuilder) -> tuple[TlsEntry, ...]:
    return read_mse_ingress(declared.ref(), declared.model()).tls


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        pytest.param(WEB.tls("cert", "web.test"), [("cert", ["web.test"])], id="its-host"),
        pytest.param(WEB.tls("cert", "WEB.Test"), [("cert", ["web.test"])], id="capitals"),
        pytest.param(WEB.tls("cert", "*.test"), [("cert", ["web.test"])], id="covered"),
        pytest.param(WILD.tls("cert", "*.test"), [("cert", ["*.test"])], id="wildcard"),
        pytest.param(WILD.tls("cert", "web.test"), [("cert", [])], id="below-a-wildcard"),
        pytest.param(BOTH.tls("cert", "web.test"), [("cert", ["web.test"])], id="one-of-two"),
        pytest.param(
            BOTH.tls("a", "web.test").tls("b", "shop.test"),
            [("a", ["web.test"]), ("b", ["shop.test"])],
            id="two-secrets",
        ),
        pytest.param(
            BOTH.tls("cert"), [("cert", ["shop.test", "web.test", ""])], id="without-hosts"
        ),
        pytest.param(
            BOTH.tls("a", "web.test").tls("b"),
            [("a", ["web.test"]), ("b", ["shop.test", ""])],
            id="without-hosts-beside-another",
        ),
        pytest.param(WEB.tls("", "web.test"), [("", ["web.test"])], id="without-a-secret"),
        pytest.param(WEB, [], id="none"),
    ],
)
def test_an_entry_is_for_hosts_of_rules(
    declared: IngressBuilder, named: list[tuple[str, list[str]]]
) -> None:
    found = [(e.secret.name if e.secret else "", list(e.named)) for e in entries(declared)]
    assert found == named


ALIASED = WEB.annotate({"nginx.ingress.kubernetes.io/server-alias": "alias.test"})
WWW = WEB.annotate({"nginx.ingress.kubernetes.io/from-to-www-redirect": "true"})


@pytest.mark.parametrize(
    ("declared", "hosts", "further"),
    [
        pytest.param(
            ALIASED.tls("cert", "web.test", "alias.test"),
            ("web.test", "alias.test"),
            (),
            id="named-alias",
        ),
        pytest.param(
            WWW.tls("cert", "web.test", "www.web.test"),
            ("web.test", "www.web.test"),
            (),
            id="named-redirect",
        ),
        pytest.param(WWW.tls("cert", "www.web.test"), ("www.web.test",), (), id="redirect-alone"),
        pytest.param(
            ALIASED.tls("cert", "web.test"), ("web.test",), ("alias.test",), id="its-host-is-named"
        ),
        pytest.param(ALIASED.tls("cert"), ("web.test",), ("alias.test",), id="without-hosts"),
    ],
)
def test_an_entry_is_for_further_names_of_its_hosts_too(
    declared: IngressBuilder, hosts: tuple[str, ...], further: tuple[str, ...]
) -> None:
    (entry,) = entries(declared)
    assert (entry.hosts, entry.further, entry.idle) == (hosts, further, ())


def test_an_alias_with_an_entry_of_its_own_is_in_no_other_one() -> None:
    one, other = entries(ALIASED.tls("a", "web.test").tls("b", "alias.test"))
    assert (one.further, other.hosts) == ((), ("alias.test",))


def test_a_secret_is_in_the_namespace_of_its_ingress() -> None:
    (entry,) = entries(WEB.in_namespace("team").tls("cert", "web.test"))
    assert entry.secret is not None
    assert entry.secret.namespace == "team"


def test_hosts_without_a_rule_are_reported() -> None:
    declared = WEB.tls("cert", "web.test", "a.test", "b.test", "c.test", "d.test")
    (problem,) = read_mse_ingress(declared.ref(), declared.model()).problems
    assert (problem.reason, problem.key) == ("TlsHostWithoutRule", "spec.tls[0].hosts")
    assert problem.value == "a.test, b.test, c.test and 1 more"


def test_a_canary_has_no_certificates() -> None:
    declared = WEB.tls("cert", "web.test").annotate({"nginx.ingress.kubernetes.io/canary": "true"})
    read = read_mse_ingress(declared.ref(), declared.model())
    assert read.tls == ()
    assert [p.key for p in read.problems if p.reason == "CanaryTls"] == ["spec.tls"]
