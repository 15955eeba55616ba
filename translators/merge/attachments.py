"""Which gateways take an Ingress."""

from dataclasses import dataclass
from typing import Final

from fleet.models import Ingress, IngressClass, IngressClassParameters
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.dialects.classes import NGINX_CLASS, class_of
from translators.model.gateways import Dialect, Selector

MSE_CONTROLLER: Final = "mse.alibabacloud.com/ingress"


ALB_CONTROLLER: Final = "ingress.k8s.alibabacloud/alb"


_MSE: Final = ("mse.alibabacloud.com", "MseIngressConfig")


_ALB: Final = ("alibabacloud.com", "AlbConfig")


@dataclass(frozen=True, slots=True)
class Attachment:
    """The gateways that serve an Ingress, and why it has none where that is a mistake.

    `dialect` is that of all of them.
    """

    gateways: tuple[Ref, ...] = ()
    problems: tuple[Problem, ...] = ()
    dialect: Dialect = Dialect.MSE


def gateway_of(ingress_class: IngressClass) -> Ref | None:
    """The gateway that a class stands for; None for a class that is somebody else's."""
    meant = _meant(ingress_class.spec.parameters)
    kinds = {MSE_CONTROLLER: _MSE[1], ALB_CONTROLLER: _ALB[1]}
    return meant if meant and kinds.get(ingress_class.spec.controller) == meant.kind else None


def without_class(ref: Ref, ingress: Ingress, gateway: Ref) -> Problem:
    """The problem of an Ingress whose class is gone, which stood for a gateway."""
    name, key = class_of(ingress)
    expected = f"an IngressClass that exists: {name}, which stood for {gateway}, is gone"
    return Problem(ref, "IngressClassNotFound", key, name, expected, "nothing serves it")


def attach(
    ref: Ref,
    ingress: Ingress,
    ingress_class: IngressClass | None,
    selectors: tuple[Selector, ...],
) -> Attachment:
    """Find the gateways of an Ingress. A class with parameters beats the gateways' selectors.

    So does a class of ALB's controller without any: its Ingresses are ALB's, whatever is missing.
    """
    name, key = class_of(ingress)
    controller = ingress_class.spec.controller if ingress_class else ""
    parameters = ingress_class.spec.parameters if ingress_class else None
    meant = _meant(parameters)
    if controller == ALB_CONTROLLER:
        gateway = meant if meant and meant.kind == _ALB[1] else None
        return _bound(ref, gateway, selectors, (key, name), Dialect.ALB)
    if controller == MSE_CONTROLLER and meant and meant.kind == _MSE[1]:
        return _bound(ref, meant, selectors, (key, name), Dialect.MSE)
    taken = [s for s in selectors if _selects(s, name)]
    return Attachment(_watching(taken, ref.namespace))


def _meant(parameters: IngressClassParameters | None) -> Ref | None:
    """The gateway that a class names, whether there is one or not."""
    if parameters is None or (parameters.api_group, parameters.kind) not in {_MSE, _ALB}:
        return None
    return Ref(HUB, parameters.kind, "", parameters.name)


def _bound(
    ref: Ref,
    gateway: Ref | None,
    selectors: tuple[Selector, ...],
    named: tuple[str, str],
    dialect: Dialect,
) -> Attachment:
    """The attachment of an Ingress whose class names its gateway; `named` says where and how."""
    taken = [s for s in selectors if s.gateway == gateway]
    if taken:
        return Attachment(_watching(taken, ref.namespace), (), dialect)
    if gateway is None:
        expected = "an IngressClass whose spec.parameters name an AlbConfig of alibabacloud.com"
    else:
        meant = f"{gateway.kind} {gateway.name}"
        expected = f"an IngressClass whose spec.parameters name a gateway that exists, not {meant}"
    problem = Problem(ref, "GatewayNotFound", *named, expected, "nothing serves it")
    return Attachment((), (problem,), dialect)


def _watching(selectors: list[Selector], namespace: str) -> tuple[Ref, ...]:
    return tuple(s.gateway for s in selectors if s.namespace in {"", namespace})


def _selects(selector: Selector, class_name: str) -> bool:
    if selector.ingress_class == NGINX_CLASS:
        return class_name in {"", NGINX_CLASS}
    return selector.ingress_class is not None and selector.ingress_class in {"", class_name}
