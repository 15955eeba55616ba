"""A new authority takes over, and each side trusts the other at every moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from fleetgate.certificates.authority import Authority
from fleetgate.certificates.credential import Credential, client_credential, server_credential
from fleetgate.certificates.pair import BadPem, parse_certificates, parse_pair
from fleetgate.certificates.roots import Lifetimes, Roots, renewed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LIFETIMES = Lifetimes(authority=600 * DAY, leaf=90 * DAY)
DUE = 400
"""Days after which the authority is due."""

FIRST = renewed(Roots(()), NOW, LIFETIMES)
URI = "spiffe://fleetgate/gateway/mse/shop"


def after(days: int, roots: Roots = FIRST) -> Roots:
    """What is trusted if somebody looks each day."""
    for day in range(days + 1):
        roots = renewed(roots, NOW + day * DAY, LIFETIMES)
    return roots


def test_the_first_authority_signs_at_once() -> None:
    assert len(FIRST.authorities) == 1
    assert FIRST.signer(NOW, LIFETIMES) == FIRST.authorities[0]


def test_nothing_changes_while_it_is_young() -> None:
    assert renewed(FIRST, NOW + (DUE - 1) * DAY, LIFETIMES) is FIRST


@pytest.mark.parametrize(
    ("day", "trusted", "signs"),
    [
        pytest.param(DUE - 1, ["first"], "first", id="before"),
        pytest.param(DUE, ["first", "second"], "first", id="made"),
        pytest.param(DUE + 89, ["first", "second"], "first", id="getting-known"),
        pytest.param(DUE + 90, ["first", "second"], "second", id="signs"),
        pytest.param(DUE + 180, ["first", "second"], "second", id="old-leaves-are-about"),
        pytest.param(DUE + 182, ["second"], "second", id="old-one-gone"),
    ],
)
def test_a_successor_is_trusted_before_it_signs_and_its_predecessor_after(
    day: int, trusted: list[str], signs: str
) -> None:
    roots = after(day)
    called = {a.pair.certificate: "second" for a in roots.authorities}
    called |= {FIRST.authorities[0].pair.certificate: "first"}
    assert [called[a.pair.certificate] for a in roots.authorities] == trusted
    assert called[roots.signer(NOW + day * DAY, LIFETIMES).pair.certificate] == signs


def test_after_a_long_sleep_there_is_a_new_one() -> None:
    roots = renewed(FIRST, NOW + 10_000 * DAY, LIFETIMES)
    assert len(roots.authorities) == 1
    assert roots.authorities != FIRST.authorities


@dataclass
class Gateway:
    """Comes for a new certificate each `every` days, and keeps what it got until then."""

    phase: int
    every: int
    held: Credential | None = None

    def turn(self, day: int, roots: Roots) -> None:
        if self.held is None or day % self.every == self.phase:
            now = NOW + day * DAY
            self.held = client_credential(roots, URI, now, LIFETIMES, self.held)


def test_everybody_trusts_everybody_through_all_changes() -> None:
    """Also one who comes for the files as seldom as a certificate's renewal asks for."""
    gateways = [Gateway(phase, every=30) for phase in (0, 10, 20)]
    roots, server = FIRST, server_credential(FIRST, ["shop.svc"], NOW, LIFETIMES)
    signed = set()
    for day in range(0, 2000, 5):
        now = NOW + day * DAY
        roots = renewed(roots, now, LIFETIMES)
        server = server_credential(roots, ["shop.svc"], now, LIFETIMES, server)
        shown = parse_pair(server.pair)
        assert shown.not_valid_after_utc > now
        signed.add(shown.issuer)
        for gateway in gateways:
            gateway.turn(day, roots)
            assert gateway.held
            leaf = parse_pair(gateway.held.pair)
            assert leaf.not_valid_after_utc > now, day
            assert leaf.issuer in {ca.subject for ca in parse_certificates(server.trust)}, day
            assert shown.issuer in {ca.subject for ca in parse_certificates(gateway.held.trust)}
    assert len(signed) == 5


def test_authorities_come_back_from_their_pem_in_any_order() -> None:
    roots = after(DUE)
    oldest, newest = (authority.pair for authority in roots.authorities)
    again = Roots.parse(newest.certificate + oldest.certificate, oldest.key + newest.key)
    assert again == roots == Roots.parse(roots.bundle, roots.keys)


@pytest.mark.parametrize(
    ("bundle", "keys"),
    [
        pytest.param(b"", FIRST.keys, id="no-certificate"),
        pytest.param(FIRST.bundle, b"", id="no-key"),
        pytest.param(FIRST.bundle, FIRST.keys[:90] + b"\n-----END PRIVATE KEY-----", id="half-key"),
        pytest.param(FIRST.bundle, Authority.make(NOW, DAY).pair.key, id="key-of-another"),
    ],
)
def test_what_is_no_authority_is_refused_without_a_word_of_the_key(
    bundle: bytes, keys: bytes
) -> None:
    with pytest.raises(BadPem) as caught:
        Roots.parse(bundle, keys)
    assert "BEGIN" not in str(caught.value)
    assert caught.value.__cause__ is None or "BEGIN" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "value", [FIRST, FIRST.authorities[0], FIRST.authorities[0].pair], ids=["roots", "one", "pair"]
)
def test_keys_are_in_no_repr(value: object) -> None:
    key = FIRST.authorities[0].pair.key.splitlines()[1].decode()
    assert key not in repr(value)
    assert "PRIVATE KEY" not in repr(value)
