"""Which Secrets an Ingress needs; others are never kept."""

from fleet.models import Ingress
from fleet.ref import HUB, Ref


def secrets_of(ingress: Ingress) -> frozenset[Ref]:
    """The Secrets that `spec.tls` names, in the Ingress's own namespace."""
    namespace = ingress.metadata.namespace
    return frozenset(
        Ref(HUB, "Secret", namespace, tls.secret_name)
        for tls in ingress.spec.tls
        if tls.secret_name
    )
