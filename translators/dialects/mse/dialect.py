"""The value of Dialect for MSE, assembled from the modules of this package."""

from typing import Final

from translators.dialects.dialect import Dialect
from translators.dialects.mse.features import FEATURES, VOCABULARY
from translators.dialects.mse.gateway import read_mse_gateway
from translators.dialects.mse.hints import literal_paths
from translators.dialects.mse.ingress import read_mse_ingress
from translators.dialects.mse.kind import MSE_INGRESS_CONFIG
from translators.dialects.mse.objects import MseIngressConfig
from translators.dialects.mse.shape import mse_shape
from translators.dialects.mse.status import mse_status

MSE: Final[Dialect[MseIngressConfig]] = Dialect(
    flavour="mse",
    kind=MSE_INGRESS_CONFIG,
    controller="mse.alibabacloud.com/ingress",
    features=FEATURES,
    vocabulary=VOCABULARY,
    read_gateway=read_mse_gateway,
    read_ingress=read_mse_ingress,
    status=mse_status,
    shape=mse_shape,
    hints=literal_paths,
    class_field="spec.ingress.local.ingressClass",
)
