"""While `spec.tls` has no effect, it is reported with its Secrets or hosts."""

import pytest

from tests.support.builders import IngressBuilder, ingress
from translators.dialects.mse.ingress import read_mse_ingress

WEB = ingress("web", host="web.test").path("/", to="web:80")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        pytest.param(WEB.tls("cert", "web.test"), "cert", id="secret"),
        pytest.param(WEB.tls("a").tls("b"), "a, b", id="secrets"),
        pytest.param(WEB.tls("", "web.test", "b.test"), "web.test, b.test", id="hosts-alone"),
        pytest.param(WEB.tls("cert").tls("", "b.test"), "cert, b.test", id="secret-and-hosts"),
        pytest.param(WEB.tls("cert").tls(""), "cert", id="empty-entry"),
    ],
)
def test_entries_go_by_their_secrets_or_their_hosts(declared: IngressBuilder, value: str) -> None:
    read = read_mse_ingress(declared.ref(), declared.model())

    (problem,) = read.problems
    assert (problem.reason, problem.key, problem.value) == ("NotSupported", "spec.tls", value)
