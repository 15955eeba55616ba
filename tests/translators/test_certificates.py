"""Secrets are read as certificates, and what Envoy would reject is found before."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.authority import Pair
from tests.support.builders import secret
from tests.support.certificates import NOW, certificate, pem, text, tls_data
from translators.merge.certificates import read_certificate
from translators.model.certificates import Certificate, Reading, Validity

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
GOOD = certificate("web.test", key=EC)
LARGE = b"#" * 70_000 + b"\n"


def read(data: Mapping[str, str]) -> Reading:
    return read_certificate(secret("cert", data).model())


def good(pair: Pair) -> Certificate:
    found = read(tls_data(pair)).certificate
    assert found is not None
    return found


def damaged() -> Pair:
    """Make an RSA pair in whose key one number does not fit the others."""
    numbers = RSA.private_numbers()
    broken = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d ^ 4, numbers.dmp1, numbers.dmq1, numbers.iqmp,
        numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)  # fmt: skip
    return Pair(certificate("web.test", key=RSA).certificate, pem(broken))


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(certificate("web.test", key=RSA), id="rsa"),
        pytest.param(GOOD, id="p-256"),
        pytest.param(
            certificate("web.test", key=ec.generate_private_key(ec.SECP384R1())), id="p-384"
        ),
        pytest.param(
            certificate("web.test", key=ec.generate_private_key(ec.SECP521R1())), id="p-521"
        ),
        pytest.param(Pair(GOOD.certificate * 3, GOOD.key), id="chain"),
        pytest.param(Pair(b"a comment\n" + GOOD.certificate, GOOD.key), id="comment"),
    ],
)
def test_a_certificate_with_its_key_is_usable(pair: Pair) -> None:
    read = good(pair)
    assert read.chain == pair.certificate.removeprefix(b"a comment\n")
    assert (read.key, read.names) == (pair.key, ("web.test",))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param({}, "it has no tls.crt", id="empty"),
        pytest.param({"tls.crt": text(GOOD.certificate)}, "it has no tls.key", id="no-key"),
        pytest.param({"tls.crt": "", "tls.key": ""}, "it has no tls.crt", id="empty-values"),
        pytest.param({"tls.crt": "?", "tls.key": "?"}, "its tls.crt is no base64", id="no-base64"),
        pytest.param(
            tls_data(Pair(b"hello", GOOD.key)), "its tls.crt is no certificate in PEM", id="no-pem"
        ),
        pytest.param(
            tls_data(Pair(GOOD.key, GOOD.key)),
            "its tls.crt is no certificate in PEM",
            id="key-as-certificate",
        ),
        pytest.param(
            tls_data(Pair(GOOD.certificate[:-100], GOOD.key)),
            "its tls.crt is no certificate in PEM",
            id="cut",
        ),
        pytest.param(
            tls_data(Pair(GOOD.certificate + GOOD.certificate[:-100], GOOD.key)),
            "its tls.crt has a certificate that is cut",
            id="cut-chain",
        ),
        pytest.param(
            tls_data(Pair(GOOD.certificate, GOOD.certificate)),
            "its tls.key is no private key in PEM without a password",
            id="certificate-as-key",
        ),
        pytest.param(
            tls_data(Pair(GOOD.certificate, pem(EC, "password"))),
            "its tls.key is no private key in PEM without a password",
            id="password",
        ),
        pytest.param(
            tls_data(Pair(GOOD.certificate, certificate("web.test").key)),
            "its tls.key is not the key of its tls.crt",
            id="another-key",
        ),
        pytest.param(tls_data(damaged()), "its tls.key is damaged", id="damaged"),
        pytest.param(
            tls_data(certificate("web.test", key=rsa.generate_private_key(65537, 1024))),  # noqa: S505 (refused)
            "its tls.key has 1024 bits: RSA keys have 2048 to 8192",
            id="short-rsa",
        ),
        pytest.param(
            tls_data(certificate("web.test", key=ed25519.Ed25519PrivateKey.generate())),
            "its tls.key is of another kind than RSA and ECDSA on P-256, P-384, P-521",
            id="ed25519",
        ),
        pytest.param(
            tls_data(certificate("web.test", key=ec.generate_private_key(ec.SECP256K1()))),
            "its tls.key is of another kind than RSA and ECDSA on P-256, P-384, P-521",
            id="another-curve",
        ),
        pytest.param(
            tls_data(Pair(LARGE + GOOD.certificate, GOOD.key)),
            "its tls.crt is larger than 64 KiB",
            id="huge",
        ),
    ],
)
def test_anything_else_is_a_fault(data: Mapping[str, str], fault: str) -> None:
    assert read(data) == Reading(None, fault)


def test_neither_its_text_nor_its_faults_show_a_key() -> None:
    shown = repr(good(GOOD)) + repr(read({**tls_data(GOOD), "tls.crt": "?"}))
    lines = [line for line in GOOD.key.decode().splitlines() if "-" not in line]
    assert not any(line in shown for line in lines)


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("web.test", True),
        ("a.wild.test", True),
        ("*.wild.test", True),
        ("a.b.wild.test", False),
        ("wild.test", False),
        ("shop.test", False),
        ("*.test", False),
    ],
)
def test_a_certificate_is_for_its_names_and_below_its_wildcards(host: str, covered: bool) -> None:
    assert good(certificate("Web.test", "*.Wild.test")).covers(host) == covered


def test_a_certificate_without_dns_names_is_for_no_host() -> None:
    assert not good(certificate()).covers("nobody")


BEGIN, HOUR = NOW - timedelta(days=30), timedelta(hours=1)


@pytest.mark.parametrize(
    ("now", "validity"),
    [
        pytest.param(NOW - timedelta(days=31), Validity.EARLY, id="before-its-begin"),
        pytest.param(BEGIN - HOUR, Validity.EARLY, id="an-hour-before-its-begin"),
        pytest.param(BEGIN - HOUR / 2, Validity.VALID, id="in-the-hour-of-its-begin"),
        pytest.param(NOW, Validity.VALID, id="valid"),
        pytest.param(NOW + timedelta(days=46), Validity.ENDING, id="14-days-before-its-end"),
        pytest.param(NOW + timedelta(days=60), Validity.ENDED, id="its-end"),
    ],
)
def test_the_period_of_a_certificate(now: object, validity: Validity) -> None:
    assert good(GOOD).validity(now) is validity  # type: ignore[arg-type]  # a parametrized time
