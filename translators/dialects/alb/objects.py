"""AlbConfig, the object that declares an ALB gateway, with the fields that fleetgate reads."""

from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, Field

from fleet.models import AsWritten, GatewayObject, Item, Model


def _either(name: str) -> Any:  # noqa: ANN401 (of a default of pydantic's)
    """Declare an optional field whose name begins with a capital or not."""
    names = AliasChoices(name, name[0].lower() + name[1:])
    return Field(default=None, validation_alias=names)


class AlbAcl(Model):
    """The access list of a listener. An empty list lets every client in.

    The last three name lists of the cloud.
    """

    acl_type: AsWritten | None = None
    acl_entries: tuple[AsWritten, ...] = ()
    acl_ids: tuple[AsWritten, ...] = ()
    acl_id: AsWritten | None = None
    acl_relations: tuple[AsWritten, ...] = ()


class AlbCertificate(Item):
    """A certificate of a listener, or one of an authority: a Secret of the hub."""

    certificate_id: AsWritten | None = _either("CertificateId")
    is_default: AsWritten | None = _either("IsDefault")


class AlbForwarded(Model):
    """The headers beside X-Forwarded-For by which backends learn about a connection.

    `itself` is about X-Forwarded-For. Only the first three have an effect.
    """

    proto: AsWritten | None = Field(default=None, alias="XForwardedForProtoEnabled")
    port: AsWritten | None = Field(default=None, alias="XForwardedForSLBPortEnabled")
    client_port: AsWritten | None = Field(default=None, alias="XForwardedForClientSrcPortEnabled")
    itself: AsWritten | None = Field(default=None, alias="XForwardedForEnabled")
    host: AsWritten | None = Field(default=None, alias="XForwardedForHostEnabled")
    mode: AsWritten | None = Field(default=None, alias="XForwardedForProcessingMode")
    sources: AsWritten | None = Field(default=None, alias="XForwardedForClientSourceIpsEnabled")
    load_balancer: AsWritten | None = Field(default=None, alias="XForwardedForSLBIdEnabled")
    subject: AsWritten | None = Field(default=None, alias="XForwardedForClientCertSubjectDNEnabled")
    issuer: AsWritten | None = Field(default=None, alias="XForwardedForClientCertIssuerDNEnabled")
    fingerprint: AsWritten | None = Field(
        default=None, alias="XForwardedForClientCertFingerprintEnabled"
    )
    verified: AsWritten | None = Field(
        default=None, alias="XForwardedForClientCertClientVerifyEnabled"
    )


class AlbQuic(Model):
    """HTTP/3 beside a listener for HTTPS."""

    quic_upgrade_enabled: AsWritten | None = None
    quic_listener_id: AsWritten | None = None


class AlbListener(Item):
    """One listener. Its fields are read as written, so that a wrong value costs this entry only."""

    port: AsWritten | None = None
    protocol: AsWritten | None = None
    request_timeout: AsWritten | None = None
    idle_timeout: AsWritten | None = None
    gzip_enabled: AsWritten | None = None
    http2_enabled: AsWritten | None = Field(default=None, alias="http2Enabled")
    security_policy_id: AsWritten | None = None
    x_forwarded_for_config: AlbForwarded = AlbForwarded()
    ca_enabled: AsWritten | None = None
    ca_certificates: tuple[AlbCertificate, ...] = ()
    certificates: tuple[AlbCertificate, ...] = ()
    quic_config: AlbQuic = AlbQuic()
    acl_config: AlbAcl = AlbAcl()


class AlbSettings(Model):
    """`AlbConfig.spec.config`."""

    name: AsWritten | None = None
    id: AsWritten | None = None
    address_type: AsWritten | None = None


class AlbConfigSpec(Model):
    """`AlbConfig.spec`."""

    config: AlbSettings = AlbSettings()
    listeners: tuple[AlbListener, ...] = ()


class AlbConfig(GatewayObject):
    """`alibabacloud.com/v1` AlbConfig: one ALB gateway."""

    spec: AlbConfigSpec = AlbConfigSpec()

    @property
    def secret_names(self) -> Iterator[str]:
        """The certificates of listeners, and those of authorities."""
        for listener in self.spec.listeners:
            for certificate in (*listener.certificates, *listener.ca_certificates):
                yield str(certificate.certificate_id or "")
