"""Attachments: the gateways that serve an Ingress, found by its class or by their selectors."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fleet.models import Ingress, IngressClass
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.classes import NGINX_CLASS, class_of
from translators.dialects.dialect import Dialect, Dialects
from translators.model.gateways import Selector


@dataclass(frozen=True, slots=True)
class Attachment:
    """The gateways that serve an Ingress. They are all of one dialect.

    `problems` says why there are none, if that is a mistake of the Ingress or its class.
    """

    gateways: tuple[Ref, ...] = ()
    problems: tuple[Problem, ...] = ()


def gateway_of(ingress_class: IngressClass, dialects: Dialects) -> Ref | None:
    """Return the gateway that a class stands for; None for a class of another controller."""
    return dialects.of_class(ingress_class.spec.controller, ingress_class.spec.parameters)[1]


def without_class(ref: Ref, ingress: Ingress, gateway: Ref) -> Problem:
    """Report an Ingress whose class has been deleted; the class stood for `gateway`."""
    name, key = class_of(ingress)
    expected = f"an IngressClass that exists: {name}, which stood for {gateway}, is gone"
    return Problem(ref, "IngressClassNotFound", key, name, expected, "nothing serves it")


def attach(
    ref: Ref,
    ingress: Ingress,
    ingress_class: IngressClass | None,
    selectors: Iterable[Selector],
    dialects: Dialects,
) -> Attachment:
    """Find the gateways of an Ingress.

    A class that names a gateway takes precedence over the selectors of gateways. So does a class
    that a dialect claims: if it names no usable gateway, nothing serves the Ingress.
    """
    name, key = class_of(ingress)
    if ingress_class is not None:
        spec = ingress_class.spec
        dialect, gateway = dialects.of_class(spec.controller, spec.parameters)
        if dialect is not None:
            return _bound(ref, gateway, selectors, (key, name), dialect)
    taken = [selector for selector in selectors if _selects(selector, name)]
    kinds = [dialect.kind.name for dialect in dialects]
    first = min((kinds.index(selector.gateway.kind) for selector in taken), default=0)
    of_first = [selector for selector in taken if selector.gateway.kind == kinds[first]]
    return Attachment(_watching(of_first, ref.namespace))


def _bound(
    ref: Ref,
    gateway: Ref | None,
    selectors: Iterable[Selector],
    named: tuple[str, str],
    dialect: Dialect[Any],
) -> Attachment:
    """Attach an Ingress to the gateway of its class; `named` is the key and name of the class."""
    taken = [s for s in selectors if s.gateway == gateway]
    if taken:
        return Attachment(_watching(taken, ref.namespace))
    if gateway is None:
        kind = dialect.kind
        article = "an" if kind.name[0] in "AEIOU" else "a"
        meant = f"{article} {kind.name} of {kind.group}"
        expected = f"an IngressClass whose spec.parameters name {meant}"
    else:
        meant = f"{gateway.kind} {gateway.name}"
        expected = f"an IngressClass whose spec.parameters name a gateway that exists, not {meant}"
    problem = Problem(ref, "GatewayNotFound", *named, expected, "nothing serves it")
    return Attachment(problems=(problem,))


def _watching(selectors: list[Selector], namespace: str) -> tuple[Ref, ...]:
    return tuple(s.gateway for s in selectors if s.namespace in {"", namespace})


def _selects(selector: Selector, class_name: str) -> bool:
    if selector.ingress_class == NGINX_CLASS:
        return class_name in {"", NGINX_CLASS}
    return selector.ingress_class is not None and selector.ingress_class in {"", class_name}
