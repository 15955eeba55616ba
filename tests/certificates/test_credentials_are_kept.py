"""A certificate is made anew only when there is a reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from fleetgate.certificates.credential import Credential, client_credential, server_credential
from fleetgate.certificates.pair import Pair, parse_pair
from fleetgate.certificates.roots import Lifetimes, Roots, renewed
from tests.certificates.damaged import DAMAGES, Damage, damaged

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
L = Lifetimes()
ROOTS = renewed(Roots(()), NOW, L)
OTHER = renewed(Roots(()), NOW, L)
URI = "spiffe://fleetgate/gateway/mse/shop"
HELD = client_credential(ROOTS, URI, NOW, L)


def test_a_good_one_is_the_same_object_again() -> None:
    assert client_credential(ROOTS, URI, NOW + 59 * DAY, L, HELD) is HELD


def test_a_good_one_read_from_files_is_good_too() -> None:
    read = Credential.of_files(HELD.files)
    assert read == HELD
    assert client_credential(ROOTS, URI, NOW, L, read) is read


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key", "ca.crt"])
def test_files_without_one_of_them_are_none(missing: str) -> None:
    files = {name: content for name, content in HELD.files.items() if name != missing}
    assert Credential.of_files(files) is None


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: client_credential(ROOTS, URI, NOW + 60 * DAY, L, HELD), id="due"),
        pytest.param(lambda: client_credential(ROOTS, f"{URI}2", NOW, L, HELD), id="other-gateway"),
        pytest.param(lambda: client_credential(OTHER, URI, NOW, L, HELD), id="other-authority"),
        pytest.param(
            lambda: client_credential(
                ROOTS, URI, NOW, L, Credential(Pair(b"?", HELD.pair.key), HELD.trust)
            ),
            id="broken",
        ),
        pytest.param(
            lambda: client_credential(
                ROOTS, URI, NOW, L, Credential(Pair(HELD.pair.certificate, OTHER.keys), HELD.trust)
            ),
            id="key-of-another",
        ),
    ],
)
def test_there_is_a_new_one_for_a_reason(make: Callable[[], Credential]) -> None:
    new = make()
    assert new.pair != HELD.pair
    parse_pair(new.pair)


@pytest.mark.parametrize("damage", [pytest.param(damage, id=damage.what) for damage in DAMAGES])
def test_what_cannot_be_read_is_not_kept(damage: Damage) -> None:
    """The library reads most of a certificate only when it is asked for a part."""
    broken = Pair(damaged(HELD.pair.certificate, damage), HELD.pair.key)
    new = client_credential(ROOTS, URI, NOW, L, Credential(broken, HELD.trust))
    assert new.pair != broken
    parse_pair(new.pair)


def test_a_new_authority_changes_the_trust_and_leaves_the_certificate() -> None:
    both = Roots((*ROOTS.authorities, *OTHER.authorities))
    found = client_credential(both, URI, NOW, L, HELD)
    assert found == Credential(HELD.pair, both.bundle)


@pytest.mark.parametrize(
    ("names", "same"),
    [
        pytest.param(["shop.svc", "FD00::0001"], True, id="the-same-in-other-letters"),
        pytest.param(["fd00::1", "shop.svc"], True, id="other-order"),
        pytest.param(["shop.svc"], False, id="fewer"),
        pytest.param(["shop.svc", "fd00::2"], False, id="others"),
    ],
)
def test_a_server_is_its_names(names: list[str], same: bool) -> None:
    held = server_credential(ROOTS, ["shop.svc", "fd00::1"], NOW, L)
    assert (server_credential(ROOTS, names, NOW, L, held) is held) is same


def test_its_end_is_known() -> None:
    assert HELD.expires == NOW + 90 * DAY


def test_keys_are_in_no_repr() -> None:
    assert "PRIVATE KEY" not in repr(HELD)
