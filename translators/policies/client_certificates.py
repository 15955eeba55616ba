"""Client certificates: who may ask a host, by a certificate of given authorities."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from fleet.ref import Ref
from translators.envoy import client_certificates
from translators.envoy.client_certificates import CERTIFICATE, ISSUER, SUBJECT, VERIFIED
from translators.envoy.filters import CLIENTS
from translators.envoy.header_edits import overwritten, put, remove
from translators.envoy.messages import (
    ForwardClientCertDetails,
    SetCurrentClientCertDetails,
)
from translators.envoy.parts import ChainParts, HostParts, RouteParts
from translators.model.authorities import BUNDLE
from translators.model.policy import Scope
from translators.model.tls import ClientTrust
from translators.policies.policy import ChainPolicy, EnvoyPolicy


class Verify(StrEnum):
    """What a client has to show, in the words of NGINX Ingress."""

    ON = "on"
    """A certificate of the host's authorities."""
    OPTIONAL = "optional"
    """The same, or none."""
    OPTIONAL_NO_CA = "optional_no_ca"
    """Anything. The backend learns the result of the check."""


@dataclass(frozen=True, slots=True)
class ClientCertificates(ChainPolicy):
    """The check of client certificates on a host.

    `secret` has the authorities; None stands for one that cannot be read, so that no certificate
    is good. `intermediates` bounds the certificates between that of the client and an authority.
    `subject` is a pattern for the certificate's subject. A client without a good certificate is
    sent to the `error_page`, if there is one. `passes_on` says that the backend gets the
    certificate.
    """

    without: ClassVar[str] = "no certificate is good: requests that need one are answered with 421"
    without_host: ClassVar[str] = "its paths are answered with 503"

    secret: Ref | None
    verify: Verify = Verify.ON
    intermediates: int = 1
    subject: str = ""
    error_page: str = ""
    passes_on: bool = False

    @property
    def authorities(self) -> Iterator[Ref]:
        """The Secret with the authorities."""
        if self.secret is not None:
            yield self.secret

    def host(self, parts: HostParts) -> None:
        """Let only requests with a good certificate through, and tell the backend about it."""
        if not parts.host:
            return  # rules without a host are closed, as they have no chain
        check = client_certificates.check(
            parts.host,
            required=self.verify is Verify.ON,
            verified=self.verify is Verify.OPTIONAL,
            subject=self.subject,
        )
        parts.configure(CLIENTS, check)
        names = (VERIFIED, SUBJECT, ISSUER, CERTIFICATE)
        parts.virtual_host.add("request_headers_to_remove", *names)
        told = client_certificates.told(certificate=self.passes_on)
        parts.virtual_host.add("request_headers_to_add", *(overwritten(*each) for each in told))

    def chain(self, parts: ChainParts) -> None:
        """Ask for a certificate, and store the host for the check of requests."""
        if self.secret is None:
            return  # a problem of the annotation says why
        reading = parts.authorities(self.secret)
        if reading.authorities is None:
            expected = f"a Secret with CA certificates under {BUNDLE}, but {reading.fault}"
            parts.lacking(self, expected)
            return
        depth = self.intermediates + 1  # Envoy counts the authority too
        parts.tls = replace(parts.tls, clients=ClientTrust(reading.authorities, depth))
        parts.alone = True
        parts.network.append(client_certificates.name_host(parts.host))
        parts.filters[CLIENTS] = client_certificates.refuse_others()
        if self.subject:
            parts.early += [remove(SUBJECT), put(SUBJECT, "%DOWNSTREAM_PEER_SUBJECT%")]
        if self.error_page:
            parts.answers.append(client_certificates.error_page(self.error_page))
        if self.passes_on:
            details = SetCurrentClientCertDetails(subject=True, cert=True, dns=True, uri=True)
            parts.manager.put("forward_client_cert_details", ForwardClientCertDetails.SANITIZE_SET)
            parts.manager.put("set_current_client_cert_details", details)


@dataclass(frozen=True, slots=True)
class Unchecked(EnvoyPolicy):
    """Serves a route without a client certificate, on a host that asks for one."""

    scope: ClassVar[Scope] = Scope.ROUTE

    def route(self, parts: RouteParts) -> None:
        """Switch the check off."""
        parts.configure(CLIENTS, client_certificates.unchecked())
