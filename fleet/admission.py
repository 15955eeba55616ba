"""The default class of Ingresses, for fleets whose manifests no API server has admitted.

An API server gives the default class to an Ingress without a class, once, when the Ingress is made.
A directory of manifests has no such moment, so there the default class applies at all times.
"""

from collections.abc import Iterable
from typing import Final

from fleet.models import Ingress, IngressClass

CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
IS_DEFAULT: Final = "ingressclass.kubernetes.io/is-default-class"


def default_class(classes: Iterable[IngressClass]) -> str:
    """The name of the newest class that is marked as the default; "" if no class is marked."""
    marked = [
        ingress_class
        for ingress_class in classes
        if ingress_class.metadata.annotations.get(IS_DEFAULT) == "true"
    ]
    newest = sorted(marked, key=_by_age_then_name)
    return newest[0].metadata.name if newest else ""


def _by_age_then_name(ingress_class: IngressClass) -> tuple[float, str]:
    created = ingress_class.metadata.creation_timestamp
    return -created.timestamp() if created else 0.0, ingress_class.metadata.name


def is_without_class(ingress: Ingress) -> bool:
    """Whether neither the Ingress's spec nor its annotation names a class."""
    annotated = CLASS_ANNOTATION in ingress.metadata.annotations
    return ingress.spec.ingress_class_name is None and not annotated


def with_class(ingress: Ingress, name: str) -> Ingress:
    """The Ingress with the class `name`, unless it names a class or `name` is empty."""
    if not name or not is_without_class(ingress):
        return ingress
    spec = ingress.spec.model_copy(update={"ingress_class_name": name})
    return ingress.model_copy(update={"spec": spec})
