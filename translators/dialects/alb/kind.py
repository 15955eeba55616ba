"""AlbConfig as a Kind: its API version, its fields, and the annotation that attaches members."""

from typing import Final

from fleet.fields import fields_of, object_of
from fleet.kinds import Kind
from translators.dialects.alb.objects import AlbConfig

_CERTIFICATE: Final = fields_of("CertificateId IsDefault certificateId isDefault")

_FORWARDED: Final = fields_of(
    "XForwardedForClientCertClientVerifyAlias XForwardedForClientCertClientVerifyEnabled "
    "XForwardedForClientCertFingerprintAlias XForwardedForClientCertFingerprintEnabled "
    "XForwardedForClientCertIssuerDNAlias XForwardedForClientCertIssuerDNEnabled "
    "XForwardedForClientCertSubjectDNAlias XForwardedForClientCertSubjectDNEnabled "
    "XForwardedForClientSourceIpsEnabled XForwardedForClientSourceIpsTrusted "
    "XForwardedForClientSrcPortEnabled XForwardedForEnabled XForwardedForHostEnabled "
    "XForwardedForProcessingMode XForwardedForProtoEnabled XForwardedForSLBIdEnabled "
    "XForwardedForSLBPortEnabled"
)

_FIELDS: Final = object_of(
    spec=fields_of(
        "",
        config=fields_of(
            "accessLogConfig addressAllocatedMode addressIpVersion addressType billingConfig "
            "deletionProtectionEnabled edition forceOverride id ipv6AddressType "
            "listenerForceOverride modificationProtectionConfig name resourceGroupId "
            "securityGroupIds tags zoneMappings",
            "addressType",
        ),
        listeners=fields_of(
            "caEnabled defaultActions description gzipEnabled http2Enabled idleTimeout logConfig "
            "port protocol requestTimeout securityPolicyId",
            "aclConfig caEnabled",
            caCertificates=_CERTIFICATE,
            certificates=_CERTIFICATE,
            quicConfig=fields_of("quicListenerId quicUpgradeEnabled"),
            xForwardedForConfig=_FORWARDED,
            aclConfig=fields_of(
                "aclEntries aclId aclIds aclName aclRelations aclType",
                "aclEntries aclId aclIds aclRelations",
            ),
        ),
    )
)
"""All fields that an AlbConfig may have, with or without an effect in fleetgate."""

ALB_CONFIG: Final = Kind(
    AlbConfig,
    "alibabacloud.com/v1",
    _FIELDS,
    on_hub=True,
    complete=True,
    namespaced=False,
    attaches="alb.ingress.kubernetes.io/remote-clusters",
    has_status=True,
)
