"""A certificate authority, which signs certificates of the xDS server and of gateways."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleetgate.certificates.pair import SKEW, BadPem, Pair, parse_pair


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with its key. All keys are of the curve P-256."""

    pair: Pair
    certificate: x509.Certificate = field(compare=False)
    _key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    @classmethod
    def make(cls, now: datetime, life: timedelta) -> "Authority":
        """Make an authority whose certificate is signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        # The name has the serial number, so that authorities that are trusted together differ.
        serial = x509.random_serial_number()
        name = _name(f"fleetgate xDS {serial:x}"[:64])
        unsigned = (
            _builder(name, name, key, now, now + life, serial)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        return cls.of(_pair(unsigned.sign(key, hashes.SHA256()), key))

    @classmethod
    def of(cls, pair: Pair) -> "Authority":
        """Return the authority of a certificate and its key. Raises BadPem."""
        certificate = parse_pair(pair)
        key = load_pem_private_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise BadPem("the key of the authority is not one of an elliptic curve")
        return cls(pair, certificate, key)

    def server(
        self,
        names: Sequence[str],
        now: datetime,
        life: timedelta,
    ) -> Pair:
        """Sign a certificate for a server with these DNS names and IP addresses."""
        alternatives = [_server_name(name) for name in names]
        return self._leaf(alternatives, ExtendedKeyUsageOID.SERVER_AUTH, now, life)

    def client(self, uri: str, now: datetime, life: timedelta) -> Pair:
        """Sign a certificate for a client whose only name is this URI."""
        alternatives = [x509.UniformResourceIdentifier(uri)]
        return self._leaf(alternatives, ExtendedKeyUsageOID.CLIENT_AUTH, now, life)

    def _leaf(
        self,
        alternatives: Sequence[x509.GeneralName],
        purpose: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        end = min(now + life, self.certificate.not_valid_after_utc)
        serial = x509.random_serial_number()
        unsigned = (
            _builder(x509.Name([]), self.certificate.subject, key, now, end, serial)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            # The subject is empty, so that a certificate has one place for names. Then RFC 5280,
            # section 4.1.2.6, asks that this extension is critical.
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        return _pair(unsigned.sign(self._key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    end: datetime,
    serial: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - SKEW)
        .not_valid_after(end)
    )


def _server_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
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


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
