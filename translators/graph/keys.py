"""By what the rows of tables are known; a gateway by the Ref of its object."""

from typing import NamedTuple, TypeAlias

from fleet.ref import Ref
from translators.model.backends import Target
from translators.model.listeners import Entry, TableSet

TargetKey: TypeAlias = tuple[Ref, Target]
EntryKey: TypeAlias = tuple[Ref, Entry]
SetKey: TypeAlias = tuple[Ref, TableSet]


class HostKey(NamedTuple):
    """A host in one set of a gateway's route tables; "" is every host that no rule names."""

    gateway: Ref
    tables: TableSet
    host: str


class GuestKey(NamedTuple):
    """A namespace that has hosts below a wildcard."""

    wildcard: HostKey
    namespace: str


class ServiceKey(NamedTuple):
    """A Service of one member."""

    member: str
    namespace: str
    service: str


class ServiceOf(NamedTuple):
    """A Service as a gateway sees it, in all of its members."""

    gateway: Ref
    namespace: str
    service: str


class CertificateKey(NamedTuple):
    """A Secret that an Ingress of a gateway names as a certificate."""

    gateway: Ref
    secret: Ref
