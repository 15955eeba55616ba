"""The class of an Ingress."""

from typing import Final

from fleet.admission import CLASS_ANNOTATION
from fleet.models import Ingress

NGINX_CLASS: Final = "nginx"


def class_of(ingress: Ingress) -> tuple[str, str]:
    """Return the class that an Ingress names ("" for none), and the key that names it.

    The old annotation takes precedence over `spec.ingressClassName`.
    """
    annotated = ingress.metadata.annotations.get(CLASS_ANNOTATION, "").strip()
    if annotated:
        return annotated, f"metadata.annotations[{CLASS_ANNOTATION}]"
    return ingress.spec.ingress_class_name or "", "spec.ingressClassName"


def effective_class(ingress: Ingress) -> str:
    """Return the class of an Ingress. An Ingress without one counts as of class nginx."""
    name, _ = class_of(ingress)
    return name or NGINX_CLASS
