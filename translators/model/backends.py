"""Services as backends, and which of their Pods are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """The Pods of a Service that are asked first; without a usable one the others take over.

    `member` is "" for Pods of every member. `labels` are Pod labels that must all hold.
    `base` means the Pods that carry no canary label (`translators.dialects.mse.subset`).
    """

    member: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    base: bool = False

    @property
    def needs_labels(self) -> bool:
        """Whether Pods must be known, not only their member."""
        return self.base or bool(self.labels)


class ServicePort(NamedTuple):
    """A Service's port as an Ingress names it: by number, or by name where the number is 0.

    A name has a letter, so that it never reads like a number.
    """

    number: int = 0
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(self.number)


class BackendProtocol(StrEnum):
    """What a backend speaks: HTTP/1.1 or HTTP/2, in clear or by TLS."""

    HTTP = "http"
    H2C = "h2c"
    HTTPS = "https"
    H2 = "h2"


class Backend(NamedTuple):
    """A Service port in every attached member, how its Pods are chosen, and what they speak.

    A tuple like Target and ServicePort, as they are in the keys of tables.
    """

    namespace: str
    service: str
    port: ServicePort
    subset: Subset | None = None
    protocol: BackendProtocol = BackendProtocol.HTTP

    @property
    def pool(self) -> tuple[str, str, ServicePort]:
        """The Service port alone: backends with one pool share their Pods."""
        return self.namespace, self.service, self.port


class Target(NamedTuple):
    """Backends by preference: the next serves while those before have no usable Pod."""

    backends: tuple[Backend, ...]


CANARY_LABEL: Final = "opensergo.io/canary"


def holds(subset: Subset, member: str, labels: Mapping[str, str]) -> bool:
    """Whether a Pod of the member with these labels belongs to the subset."""
    if subset.member and subset.member != member:
        return False
    if subset.base:
        if CANARY_LABEL in labels:
            return not labels[CANARY_LABEL]
        return not any(key.startswith(CANARY_LABEL) for key in labels)
    return all(labels.get(key) == value for key, value in subset.labels)
