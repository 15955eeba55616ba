"""Where objects of the hub live in its API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.ref import HUB, Ref


@dataclass(frozen=True, slots=True)
class Place:
    """A kind's apiVersion and plural; whether it has namespaces, and a status of our making."""

    api_version: str
    plural: str
    namespaced: bool
    status: bool

    @property
    def collection(self) -> str:
        """The path of all objects, of all namespaces."""
        return f"{self._root}/{self.plural}"

    def object(self, ref: Ref) -> str:
        """The path of one object."""
        within = f"/namespaces/{ref.namespace}" if self.namespaced else ""
        return f"{self._root}{within}/{self.plural}/{ref.name}"

    @property
    def _root(self) -> str:
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"


PLACES: Final[Mapping[str, Place]] = {
    "AlbConfig": Place("alibabacloud.com/v1", "albconfigs", namespaced=False, status=True),
    "Ingress": Place("networking.k8s.io/v1", "ingresses", namespaced=True, status=True),
    "IngressClass": Place("networking.k8s.io/v1", "ingressclasses", namespaced=False, status=False),
    "MseIngressConfig": Place(
        "mse.alibabacloud.com/v1alpha1", "mseingressconfigs", namespaced=False, status=True
    ),
    "Secret": Place("v1", "secrets", namespaced=True, status=False),
}
"""The kinds of the hub that something can be said about."""


def place_of(ref: Ref) -> Place | None:
    """Where an object lives; None for members' objects, which nothing is written to."""
    return PLACES.get(ref.kind) if ref.origin == HUB else None
