"""Keys of table rows. A gateway's key is the Ref of its object."""

from typing import NamedTuple, TypeAlias

from fleet.ref import Ref
from translators.model.backends import Outside, Target
from translators.model.listeners import ListenerPort, TableSet

TargetKey: TypeAlias = tuple[Ref, Target]
OutsideKey: TypeAlias = tuple[Ref, Outside]
ListenerKey: TypeAlias = tuple[Ref, ListenerPort]
SetKey: TypeAlias = tuple[Ref, TableSet]


class HostKey(NamedTuple):
    """A host in one set of a gateway's route tables; "" stands for all hosts that no rule names."""

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
    """A Service in all members of a gateway together."""

    gateway: Ref
    namespace: str
    service: str


class CredentialsKey(NamedTuple):
    """A Secret whose credentials a gateway needs towards backends."""

    gateway: Ref
    secret: Ref


class CertificateKey(NamedTuple):
    """A host of a gateway that has a certificate; "" stands for all other hosts."""

    gateway: Ref
    host: str
