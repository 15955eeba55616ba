"""What an API server would have made of the objects of a directory when it took them in.

An Ingress without a class gets the class that is marked as the default one. An API server does that
when the Ingress is made, and never again; a directory has no such moment, so it holds at all times.
"""

from collections.abc import Iterable
from typing import Final

from fleet.models import Ingress, IngressClass

CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
IS_DEFAULT: Final = "ingressclass.kubernetes.io/is-default-class"


def default_class(classes: Iterable[IngressClass]) -> str:
    """The name of the default class, "" where none is marked; of several it is the newest one."""
    marked = [each for each in classes if each.metadata.annotations.get(IS_DEFAULT) == "true"]
    newest = sorted(marked, key=_by_age_then_name)
    return newest[0].metadata.name if newest else ""


def _by_age_then_name(ingress_class: IngressClass) -> tuple[float, str]:
    created = ingress_class.metadata.creation_timestamp
    return -created.timestamp() if created else 0.0, ingress_class.metadata.name


def is_without_class(ingress: Ingress) -> bool:
    """Whether neither its spec nor its annotation names a class."""
    annotated = CLASS_ANNOTATION in ingress.metadata.annotations
    return ingress.spec.ingress_class_name is None and not annotated


def with_class(ingress: Ingress, name: str) -> Ingress:
    """The Ingress with the default class, if it has none of its own."""
    if not name or not is_without_class(ingress):
        return ingress
    spec = ingress.spec.model_copy(update={"ingress_class_name": name})
    return ingress.model_copy(update={"spec": spec})
