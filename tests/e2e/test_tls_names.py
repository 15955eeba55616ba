"""A client may write anything as the server's name: it gets its own refusal, and nobody else does.

Envoy asks for a certificate by the name as it came, so these names reach fleetgate.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.secured import Secured, secured
from tests.e2e.standing import Standing, standing
from tests.support.handshakes import ALERT, CLOSED, answer_to


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("tls"))) as site:
        site.run(site.value.declare_host("web.test"))
        yield site


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"*", id="wildcard-of-the-protocol"),
        pytest.param(b"\xff\xfe", id="no-utf-8"),
        pytest.param(b"xdstp://web.test", id="xdstp"),
        pytest.param(b"xdstp:", id="xdstp-without-a-path"),
        pytest.param(b"xdstp://a/b/c?d=%", id="xdstp-with-a-bad-escape"),
        pytest.param(b"a\nb\x1b[0m", id="control-characters"),
        pytest.param(b"a/b", id="slash"),
        pytest.param(b"x" * 255, id="longest"),
        pytest.param(b".", id="dot"),
        pytest.param(b"_default", id="name-of-the-default"),
        pytest.param("ü.test".encode(), id="utf-8"),
    ],
)
def test_an_odd_name_is_refused_and_others_are_served(site: Standing[Secured], name: bytes) -> None:
    served = site.value
    kind = site.run(answer_to(served.https, name))
    fresh = f"n{name.hex()[:40]}.web.test"
    site.run(served.declare_host(fresh))
    assert site.run(served.handshake(fresh)).name == fresh
    assert kind in {CLOSED, ALERT}
