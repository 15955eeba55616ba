"""TLS towards a Service: the certificate that it sees, and the check of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from fleet.ref import Ref
from translators.envoy.config_source import over_ads
from translators.envoy.messages import (
    CertificateValidationContext,
    DataSource,
    SdsSecretConfig,
    StringMatcher,
    SubjectAltNameMatcher,
    SubjectAltNameType,
    UpstreamOptions,
)
from translators.envoy.names import client_certificate_name
from translators.envoy.parts import ClusterParts
from translators.envoy.tls import VERSIONS
from translators.model.policy import Scope
from translators.model.tls import TlsVersion
from translators.policies.policy import EnvoyPolicy

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls

_OF_NOBODY: Final = "0" * 64
"""The digest of a certificate that does not exist."""


@dataclass(frozen=True, slots=True)
class BackendTls(EnvoyPolicy):
    """TLS settings of a Service, for backends that are asked by HTTPS or GRPCS.

    `secret` has the certificate that backends see, and the authorities of theirs. `verifies` checks
    the certificate of a backend; without authorities no backend passes then. `name` is the one that
    the certificate must have, if any. `sends_name` sends it in the handshake (SNI), or the Host of
    the request without a name. `versions` are the lowest and the highest one. `depth` bounds the
    certificates between that of the backend and its authority.
    """

    scope: ClassVar[Scope] = Scope.SERVICE
    secret: Ref | None = None
    name: str = ""
    sends_name: bool = False
    verifies: bool = False
    depth: int | None = None
    versions: tuple[TlsVersion, TlsVersion] | None = None
    ciphers: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Ref, ...]:
        """The Secret, if one is named."""
        return (self.secret,) if self.secret else ()

    def cluster(self, parts: ClusterParts) -> None:
        """Set the TLS of the Cluster.

        A Cluster that names a Secret which does not come would take the place of one that works.
        So it names only a certificate that there is.
        """
        held = parts.credentials.get(self.secret) if self.secret else None
        if self.secret and held and held.certificate:
            certificate = SdsSecretConfig(
                name=client_certificate_name(self.secret), sds_config=over_ads()
            )
            parts.tls_common.add("tls_certificate_sds_secret_configs", certificate)
        if self.verifies:
            check = self._check(held.authorities if held else b"")
            parts.tls_common.put("validation_context", check)
        if self.sends_name and self.name:
            parts.tls.put("sni", self.name)
        elif self.sends_name:
            parts.http_options.put("upstream_http_protocol_options", UpstreamOptions(auto_sni=True))
        if self.versions:
            low, high = self.versions
            parts.tls_params.put("tls_minimum_protocol_version", VERSIONS[low])
            parts.tls_params.put("tls_maximum_protocol_version", VERSIONS[high])
        if self.ciphers:
            parts.tls_params.put("cipher_suites", [*self.ciphers])

    def _check(self, authorities: bytes) -> tls.CertificateValidationContext:
        if not authorities:
            return CertificateValidationContext(verify_certificate_hash=[_OF_NOBODY])
        names = (
            [
                SubjectAltNameMatcher(
                    san_type=SubjectAltNameType.DNS, matcher=StringMatcher(exact=self.name)
                )
            ]
            if self.name
            else []
        )
        return CertificateValidationContext(
            trusted_ca=DataSource(inline_bytes=authorities),
            match_typed_subject_alt_names=names,
            max_verify_depth=self.depth,
        )
