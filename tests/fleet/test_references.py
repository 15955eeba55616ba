"""A Secret is in use while the good version of some Ingress references it."""

import pytest

from fleet.events import Deleted, Refused, Upserted
from fleet.ref import HUB, Ref
from fleet.references import (
    DEFAULT_CERTIFICATE,
    SecretUse,
    secrets_of,
    secrets_of_gateway,
)
from tests.support.builders import IngressBuilder, alb_gateway, ingress, service

ONE, TWO = ingress("one"), ingress("two")


def cert(name: str, namespace: str = "default") -> Ref:
    return Ref(HUB, "Secret", namespace, name)


def put(thing: IngressBuilder) -> Upserted:
    return Upserted(thing.ref(), thing.model())


def test_an_ingress_references_its_tls_secrets_in_its_own_namespace() -> None:
    shop = ingress("shop").in_namespace("team").tls("a", "x").tls("b", "y").tls("", "z")
    assert secrets_of(shop.model()) == {cert("a", "team"), cert("b", "team")}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("ca", {"ca"}, id="name"),
        pytest.param(" default/ca ", {"ca"}, id="its-own-namespace"),
        pytest.param("other/ca", set(), id="another-namespace"),
        pytest.param("", set(), id="empty"),
        pytest.param("default/", set(), id="no-name"),
        pytest.param("a/b/c", set(), id="too-many-parts"),
        pytest.param("x\ny", set(), id="newline"),
    ],
)
@pytest.mark.parametrize("prefix", ["nginx.ingress.kubernetes.io", "higress.io"])
@pytest.mark.parametrize("key", ["auth-secret", "auth-tls-secret", "proxy-ssl-secret"])
def test_an_ingress_references_secrets_by_annotations(
    key: str, prefix: str, text: str, named: set[str]
) -> None:
    shop = ingress("shop").annotate({f"{prefix}/{key}": text})
    assert secrets_of(shop.model()) == {cert(name) for name in named}


def test_the_first_user_makes_a_secret_needed_and_the_last_one_frees_it() -> None:
    use = SecretUse()
    assert use.note(put(ONE.tls("a"))) == {cert("a")}
    assert use.note(put(TWO.tls("a").tls("b"))) == {cert("b")}
    assert cert("a") in use
    assert use.note(Deleted(ONE.ref())) == set()
    assert use.note(put(TWO.tls("c"))) == {cert("a"), cert("b"), cert("c")}
    assert [cert(name) in use for name in "abc"] == [False, False, True]


def test_a_gateway_references_the_certificates_of_its_listeners() -> None:
    named = [{"CertificateId": "edge/a"}, {"certificateId": "edge/b"}, {"CertificateId": "7564-cn"}]
    listener = {"port": 443, "protocol": "HTTPS", "certificates": named}
    trusting = {**listener, "caCertificates": [{"CertificateId": "edge/ca"}]}
    gateway = alb_gateway(listeners=[trusting]).annotate({DEFAULT_CERTIFICATE: "edge/default"})
    wanted = {cert(name, "edge") for name in ("a", "b", "ca", "default")}
    assert secrets_of_gateway(gateway.model()) == wanted
    use = SecretUse()
    assert use.note(Upserted(gateway.ref(), gateway.model())) == wanted
    assert use.note(Deleted(gateway.ref())) == wanted


def test_a_refused_ingress_keeps_its_secrets() -> None:
    use = SecretUse()
    use.note(put(ONE.tls("a")))
    assert use.note(Refused(ONE.ref(), ())) == set()
    assert cert("a") in use


def test_other_objects_need_no_secret() -> None:
    use = SecretUse()
    assert use.note(Upserted(service("a").ref("m"), service("a").model())) == set()
    assert use.note(Deleted(service("a").ref("m"))) == set()
