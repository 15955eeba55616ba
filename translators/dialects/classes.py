"""The class of an Ingress."""

from typing import Final

from fleet.admission import CLASS_ANNOTATION
from fleet.models import Ingress

NGINX_CLASS: Final = "nginx"


def class_of(ingress: Ingress) -> tuple[str, str]:
    """The class that an Ingress names ("" for none) and the key that says so.

    The old annotation beats `spec.ingressClassName`.
    """
    annotated = ingress.metadata.annotations.get(CLASS_ANNOTATION, "").strip()
    if annotated:
        return annotated, f"metadata.annotations[{CLASS_ANNOTATION}]"
    return ingress.spec.ingress_class_name or "", "spec.ingressClassName"


def effective_class(ingress: Ingress) -> str:
    """The class that an Ingress counts as: without one it is as good as nginx's."""
    name, _ = class_of(ingress)
    return name or NGINX_CLASS
