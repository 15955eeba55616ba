"""Secrets of SDS: certificates, which Envoys request by name."""

from fleet.ref import Ref
from translators.envoy.messages import DataSource, TlsCertificate, TlsSecret
from translators.envoy.names import secret_name
from translators.model.certificates import Certificate
from xds.resource import Resource
from xds.wire import encode


def build_secret(secret: Ref, certificate: Certificate) -> Resource:
    """Build the Secret of a certificate. Its name is made from the Kubernetes Secret's name."""
    name = secret_name(secret)
    message = TlsSecret(
        name=name,
        tls_certificate=TlsCertificate(
            certificate_chain=DataSource(inline_bytes=certificate.chain),
            private_key=DataSource(inline_bytes=certificate.key),
        ),
    )
    return Resource.of(name, encode(message), origins=(secret,))
