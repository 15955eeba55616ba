"""The ways in which gateways and Ingresses are declared."""

from typing import Final

from translators.dialects.alb.dialect import ALB
from translators.dialects.dialect import Dialects
from translators.dialects.mse.dialect import MSE

DIALECTS: Final = Dialects((MSE, ALB))
"""All dialects. Where an Ingress could be of several, the first one that takes it counts."""
