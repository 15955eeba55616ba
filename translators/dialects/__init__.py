"""Dialects: the ways in which users declare gateways and annotate Ingresses."""

from typing import Final

from translators.dialects.alb.dialect import ALB
from translators.dialects.dialect import Dialects
from translators.dialects.mse.dialect import MSE

DIALECTS: Final = Dialects((MSE, ALB))
"""All dialects. If gateways of several dialects select an Ingress, it is of the first of them."""
