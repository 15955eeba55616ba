"""Secrets of SDS: certificates, which Envoys request by name."""

from fleet.ref import Ref
from translators.envoy.messages import DataSource, TlsCertificate, TlsSecret
from translators.envoy.names import client_certificate_name, secret_name
from translators.model.certificates import Certificate
from xds.resource import Resource
from xds.wire import encode


def build_secret(secret: Ref, certificate: Certificate) -> Resource:
    """Build the Secret of a certificate. Its name is made from the Kubernetes Secret's name."""
    return _build(secret_name(secret), secret, certificate)


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
