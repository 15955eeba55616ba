"""The value of Dialect for ALB, assembled from the modules of this package."""

from typing import Final

from translators.dialects.alb.features import FEATURES, VOCABULARY
from translators.dialects.alb.gateway import read_alb_gateway
from translators.dialects.alb.ingress import read_alb_ingress
from translators.dialects.alb.kind import ALB_CONFIG
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.alb.shape import INSTANCE_REPLICAS, INSTANCE_SPEC, alb_shape
from translators.dialects.alb.status import alb_columns, alb_status
from translators.dialects.dialect import Dialect

ALB: Final[Dialect[AlbConfig]] = Dialect(
    flavour="alb",
    kind=ALB_CONFIG,
    controller="ingress.k8s.alibabacloud/alb",
    features=FEATURES,
    vocabulary=VOCABULARY,
    read_gateway=read_alb_gateway,
    read_ingress=read_alb_ingress,
    status=alb_status,
    columns=alb_columns,
    shape=alb_shape,
    claims_classes=True,
    annotations=(INSTANCE_REPLICAS, INSTANCE_SPEC),
)
