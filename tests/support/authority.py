"""A certificate authority for the API servers of tests."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_LIFE: Final = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Authority:
    """Signs certificates that clients with this authority's `certificate` (PEM) trust."""

    certificate: bytes
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls, name: str, *, above: int = 0) -> "Authority":
        """Make a new authority, which may stand above so many levels of others."""
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = _authority(_name(name), _name(name), key.public_key(), above)
        return cls(unsigned.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), key)

    def intermediate(self, name: str) -> "Authority":
        """Make an authority that this one has signed. It may stand above as many others."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.load_pem_x509_certificate(self.certificate)
        unsigned = _authority(_name(name), own.subject, key.public_key(), 9)
        signed = unsigned.sign(self._key, hashes.SHA256())
        return Authority(signed.public_bytes(Encoding.PEM), key)

    def revoke(self, *revoked: Pair) -> bytes:
        """Make a revocation list of certificates that this authority has signed, PEM."""
        now = datetime.now(UTC)
        own = x509.load_pem_x509_certificate(self.certificate)
        made = x509.CertificateRevocationListBuilder().issuer_name(own.subject)
        made = made.last_update(now - timedelta(minutes=5)).next_update(now + _LIFE)
        for pair in revoked:
            number = x509.load_pem_x509_certificate(pair.certificate).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now)
            made = made.add_revoked_certificate(entry.build())
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(
        self,
        name: str,
        *,
        addresses: Sequence[str],
        names: Sequence[str],
        ends: timedelta = _LIFE,
    ) -> Pair:
        """Issue a certificate for a server at these IP addresses and DNS names."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.load_pem_x509_certificate(self.certificate)
        alternatives: list[x509.GeneralName] = [
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            *(x509.DNSName(dns) for dns in names),
        ]
        unsigned = (
            _certificate(_name(name), own.subject, key.public_key(), ends)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        signed = unsigned.sign(self._key, hashes.SHA256())
        return Pair(signed.public_bytes(Encoding.PEM), _pem(key))

    @staticmethod
    def key_for_tokens() -> bytes:
        """Make a key for service account tokens, PEM."""
        return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _authority(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, above: int
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=above)
    return (
        _certificate(subject, issuer, key)
        .add_extension(constraints, critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    ends: timedelta = _LIFE,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + ends)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
