"""Secrets of SDS: certificates, which Envoys ask for by the name that a client names (SNI).

A gateway declares a Secret for each host with a certificate, one for each wildcard, and one for all
other hosts. A client may name any text. `stand_in` finds the Secret whose bytes answer a name that
is not declared:

    SHOP.example.com.   shop.example.com    the same host in other words
    a.example.com       *.example.com       the wildcard that covers it
    anything            _default            the certificate of all other hosts
"""

from collections.abc import Container, Iterator
from typing import Final

from fleet.ref import Ref
from translators.envoy.messages import DataSource, TlsCertificate, TlsSecret
from translators.envoy.names import certificate_name, client_certificate_name
from translators.model.certificates import Certificate
from translators.model.hosts import wildcard_over
from xds.resource import Resource
from xds.wire import encode

OTHERS: Final = certificate_name("")


def build_secret(host: str, certificate: Certificate, secret: Ref) -> Resource:
    """Build the Secret of a host. `secret` is the Secret of Kubernetes that it is made from."""
    return _build(certificate_name(host), secret, certificate)


def build_client_certificate(secret: Ref, certificate: Certificate) -> Resource:
    """Build the Secret of a certificate that backends see."""
    return _build(client_certificate_name(secret), secret, certificate)


def _build(name: str, secret: Ref, certificate: Certificate) -> Resource:
    message = TlsSecret(
        name=name,
        tls_certificate=TlsCertificate(
            certificate_chain=DataSource(inline_bytes=certificate.chain),
            private_key=DataSource(inline_bytes=certificate.key),
        ),
    )
    return Resource.of(name, encode(message), origins=(secret,))


def stand_in(name: str, declared: Container[str]) -> str | None:
    """Return the declared name whose certificate answers for a name that is not declared."""
    return next((each for each in _candidates(name) if each in declared), None)


def renamed(secret: Resource, name: str) -> Resource:
    """Return a Secret under another name. Envoy takes a Secret only under the name it asked for."""
    rest = secret.body.removeprefix(encode(TlsSecret(name=secret.name)))
    return Resource.of(name, encode(TlsSecret(name=name)) + rest, origins=secret.origins)


def _candidates(name: str) -> Iterator[str]:
    host = name.lower().removesuffix(".")
    yield host
    yield wildcard_over(host)
    yield OTHERS
