"""An authority signs for servers by name and for clients by URI, and for nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleetgate.certificates.authority import Authority
from fleetgate.certificates.pair import BadPem, Pair, due, parse_pair

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
URI = "spiffe://fleetgate/gateway/mse/shop"
AUTHORITY = Authority.make(NOW, 1000 * DAY)
CLIENT = AUTHORITY.client(URI, NOW, 90 * DAY)
SERVER = AUTHORITY.server(["shop.svc", "10.0.0.1", "fd00::1"], NOW, 90 * DAY)


def names(pair: Pair) -> list[str]:
    found = parse_pair(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [f"{type(name).__name__} {name.value}" for name in found.value]


def purposes(pair: Pair) -> list[x509.ObjectIdentifier]:
    return list(parse_pair(pair).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_client_is_its_uri_and_nothing_else() -> None:
    assert names(CLIENT) == [f"UniformResourceIdentifier {URI}"]
    assert not list(parse_pair(CLIENT).subject)


def test_a_server_has_names_and_addresses() -> None:
    assert names(SERVER) == ["DNSName shop.svc", "IPAddress 10.0.0.1", "IPAddress fd00::1"]


def test_a_client_cannot_serve_and_a_server_cannot_ask() -> None:
    assert purposes(CLIENT) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert purposes(SERVER) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("pair", [CLIENT, SERVER], ids=["client", "server"])
def test_leaves_are_signed_by_the_authority_and_sign_nothing(pair: Pair) -> None:
    certificate = parse_pair(pair)
    certificate.verify_directly_issued_by(AUTHORITY.certificate)
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_an_authority_signs_leaves_only() -> None:
    extensions = AUTHORITY.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert not usage.digital_signature


def test_authorities_are_told_apart_by_their_names() -> None:
    assert Authority.make(NOW, DAY).certificate.subject != AUTHORITY.certificate.subject


@pytest.mark.parametrize("pair", [AUTHORITY.pair, CLIENT], ids=["authority", "leaf"])
def test_keys_are_p256(pair: Pair) -> None:
    key = parse_pair(pair).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_leaf_does_not_outlive_its_authority() -> None:
    late = AUTHORITY.client(URI, NOW + 950 * DAY, 90 * DAY)
    assert parse_pair(late).not_valid_after_utc == NOW + 1000 * DAY


def test_certificates_begin_an_hour_early_for_clocks_that_are_behind() -> None:
    assert parse_pair(CLIENT).not_valid_before_utc == NOW - HOUR


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(timedelta(), False, id="new"),
        pytest.param(59 * DAY, False, id="before-two-thirds"),
        pytest.param(60 * DAY, True, id="after-two-thirds"),
        pytest.param(100 * DAY, True, id="expired"),
    ],
)
def test_a_certificate_is_due_after_two_thirds_of_its_life(
    after: timedelta, expected: bool
) -> None:
    assert due(parse_pair(CLIENT), NOW + after) is expected


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(Pair(b"", CLIENT.key), id="no-certificate"),
        pytest.param(Pair(b"-----BEGIN CERTIFICATE-----\nx\n", CLIENT.key), id="half-certificate"),
        pytest.param(Pair(CLIENT.certificate, b""), id="no-key"),
        pytest.param(Pair(CLIENT.certificate, CLIENT.key[:100]), id="half-a-key"),
        pytest.param(Pair(CLIENT.certificate, SERVER.key), id="key-of-another"),
    ],
)
def test_what_is_no_pair_is_refused(pair: Pair) -> None:
    with pytest.raises(BadPem):
        parse_pair(pair)


def test_an_authority_comes_back_from_its_pem() -> None:
    again = Authority.of(AUTHORITY.pair)
    assert again == AUTHORITY
    parse_pair(again.client(URI, NOW, DAY)).verify_directly_issued_by(AUTHORITY.certificate)
