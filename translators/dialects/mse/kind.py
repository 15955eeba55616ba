"""MseIngressConfig as a Kind: API version, fields, and the annotation that attaches members."""

from typing import Final

from fleet.fields import Fields, fields_of, object_of
from fleet.kinds import Kind
from translators.dialects.mse.objects import MseIngressConfig

_FIELDS: Final = object_of(
    "",
    "spec",
    spec=fields_of(
        "id name override",
        "global ingress",
        common=fields_of(
            "pay securityGroupType",
            instance=fields_of("replicas spec"),
            network=fields_of("privateSLBSpec publicSLBSpec vSwitches", "privateSLBSpec"),
        ),
        **{
            "global": fields_of(
                "tls",
                "ipAccessControl",
                ipAccessControl=fields_of("blacklist whitelist", "blacklist whitelist"),
            )
        },
        monitor=fields_of("logging tracing"),
        ingress=fields_of(
            "",
            "local",
            local=Fields(
                {"ingressClass": None, "watchNamespace": None},
                frozenset({"watchNamespace"}),
                strict=True,
            ),
        ),
    ),
)
"""All fields that a MseIngressConfig may have, with or without an effect in fleetgate."""

MSE_INGRESS_CONFIG: Final = Kind(
    MseIngressConfig,
    "mse.alibabacloud.com/v1alpha1",
    _FIELDS,
    on_hub=True,
    complete=True,
    namespaced=False,
    attaches="mse.alibabacloud.com/remote-clusters",
    has_status=True,
)
