"""AlbConfig, the kind of object that declares an ALB gateway."""

from typing import Final

from fleet.fields import fields_of, object_of
from fleet.kinds import Kind
from translators.dialects.alb.objects import AlbConfig

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
            "caCertificates caEnabled certificates defaultActions description gzipEnabled "
            "http2Enabled idleTimeout logConfig port protocol quicConfig requestTimeout "
            "securityPolicyId xForwardedForConfig",
            "aclConfig",
            aclConfig=fields_of(
                "aclEntries aclId aclIds aclName aclRelations aclType", "aclEntries aclIds"
            ),
        ),
    )
)
"""All of them, with or without an effect here."""

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
