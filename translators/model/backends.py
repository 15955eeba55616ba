"""Backends: ports of Services, and subsets of the Pods behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from fleet.ref import Ref

CANARY_LABEL: Final = "opensergo.io/canary"
"""A Pod with this label, or with a label whose key starts so, is a canary.

An empty value of this very label marks a Pod that is no canary."""


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """A part of a Service's Pods. Requests go to the other Pods only while none of it is usable.

    `member` limits the subset to the Pods of one member; "" allows every member. A Pod must have
    all of `labels`. `base` limits it to Pods without a canary label
    (`translators.dialects.mse.subset`).
    """

    member: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    base: bool = False

    @property
    def needs_labels(self) -> bool:
        """Whether the labels of a Pod decide if it belongs to the subset."""
        return self.base or bool(self.labels)


class ServicePort(NamedTuple):
    """A Service's port as an Ingress names it: by number, or by name where the number is 0.

    Without number and name it is the Service's first port. A port name contains a letter, so the
    text of a port is never ambiguous.
    """

    number: int = 0
    name: str = ""

    def __str__(self) -> str:
        return self.name or (str(self.number) if self.number else "first port")


class BackendProtocol(StrEnum):
    """The protocol of a backend: HTTP/1.1 or HTTP/2, in clear text or over TLS.

    `AUTH` and `AUTH_TLS` are HTTP/1.1 to a service that is asked whether a request is allowed.
    """

    HTTP = "http"
    H2C = "h2c"
    HTTPS = "https"
    H2 = "h2"
    AUTH = "auth"
    AUTH_TLS = "auth-tls"


class Backend(NamedTuple):
    """A Service port in all attached members, the subset of its Pods, and their protocol.

    Without a protocol, the Service's port says what its Pods speak; that is HTTP by default. The
    Ingress `weighted_by` gives weights to the members (`translators.model.member_weights`).

    Backend, Target and ServicePort are tuples because they are parts of table keys, which are
    hashed and compared often.
    """

    namespace: str
    service: str
    port: ServicePort
    subset: Subset | None = None
    protocol: BackendProtocol | None = None
    weighted_by: Ref | None = None

    @property
    def pool(self) -> tuple[str, str, ServicePort, Ref | None]:
        """The Service port, without subset and protocol, and what its members' weights are.

        Backends with the same pool share Pods.
        """
        return self.namespace, self.service, self.port, self.weighted_by


class Outside(NamedTuple):
    """A host outside of the fleet that is asked whether a request is allowed."""

    host: str
    port: int
    tls: bool


class Target(NamedTuple):
    """Backends in order of preference. One is used while those before it have no usable Pod."""

    backends: tuple[Backend, ...]


def holds(subset: Subset, member: str, labels: Mapping[str, str]) -> bool:
    """Return whether a Pod of the member with these labels belongs to the subset."""
    if subset.member and subset.member != member:
        return False
    if subset.base:
        if CANARY_LABEL in labels:
            return not labels[CANARY_LABEL]
        return not any(key.startswith(CANARY_LABEL) for key in labels)
    return all(labels.get(key) == value for key, value in subset.labels)
