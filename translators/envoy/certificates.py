"""Certificates for Envoy: Secrets of SDS, which Envoys ask for by name."""

from fleet.ref import Ref
from translators.envoy.messages import DataSource, TlsCertificate, TlsSecret
from translators.envoy.names import secret_name
from translators.model.certificates import Certificate
from xds.resource import Resource
from xds.wire import encode


def build_secret(secret: Ref, certificate: Certificate) -> Resource:
    """The Secret of a certificate, under the name of the Secret that it comes from."""
    name = secret_name(secret)
    message = TlsSecret(
        name=name,
        tls_certificate=TlsCertificate(
            certificate_chain=DataSource(inline_bytes=certificate.chain),
            private_key=DataSource(inline_bytes=certificate.key),
        ),
    )
    return Resource.of(name, encode(message), origins=(secret,))
