"""Finds the Secrets that Ingresses and gateways reference. fleetgate keeps no other Secret."""

from typing import Final

from fleet.events import Deleted, Event, Upserted
from fleet.models import GatewayObject, Ingress
from fleet.parse import is_name
from fleet.ref import HUB, Ref

DEFAULT_CERTIFICATE: Final = "fleetgate.dev/default-certificate"
"""The annotation of a gateway's object that names a Secret, as NAMESPACE/NAME."""

_NAMING: Final = frozenset({"auth-secret", "auth-tls-secret", "proxy-ssl-secret"})
"""Annotations that name a Secret, alone or behind its namespace and a slash."""


def secret_named(text: str) -> Ref | None:
    """The Secret of the hub that NAMESPACE/NAME names; None for any other text."""
    namespace, _, name = text.strip().partition("/")
    return Ref(HUB, "Secret", namespace, name) if is_name(namespace) and is_name(name) else None


def secrets_of_gateway(gateway: GatewayObject) -> frozenset[Ref]:
    """The Secrets that the fields and an annotation of a gateway's object name."""
    default = gateway.metadata.annotations.get(DEFAULT_CERTIFICATE, "")
    return frozenset(filter(None, map(secret_named, (default, *gateway.secret_names))))


def secrets_of(ingress: Ingress) -> frozenset[Ref]:
    """The Secrets that `spec.tls` and annotations name, in the Ingress's own namespace."""
    namespace = ingress.metadata.namespace
    names = {tls.secret_name for tls in ingress.spec.tls}
    for key, text in ingress.metadata.annotations.items():
        if key.rpartition("/")[2] in _NAMING:
            of, slash, name = text.strip().rpartition("/")
            names |= {name} if is_name(name) and (not slash or of == namespace) else set()
    return frozenset(Ref(HUB, "Secret", namespace, name) for name in names if name)


class SecretUse:
    """The Secrets that Ingresses and gateways reference, kept up to date by events about these."""

    def __init__(self) -> None:
        self._of: dict[Ref, frozenset[Ref]] = {}
        self._users: dict[Ref, set[Ref]] = {}

    def __contains__(self, secret: Ref) -> bool:
        return secret in self._users

    def users(self, secret: Ref) -> list[Ref]:
        """The Ingresses and gateways that reference a Secret, sorted."""
        return sorted(self._users.get(secret, ()))

    def note(self, event: Event) -> frozenset[Ref]:
        """Take an event in, and give the Secrets that came into use or went out of use by it.

        A refused object keeps its last good version, which keeps its Secrets in use.
        """
        match event:
            case Upserted(ref, Ingress() as ingress):
                now = secrets_of(ingress)
            case Upserted(ref, GatewayObject() as gateway):
                now = secrets_of_gateway(gateway)
            case Deleted(ref) if ref in self._of:
                now = frozenset()
            case _:
                return frozenset()
        before = self._of.pop(ref, frozenset())
        if now:
            self._of[ref] = now
        turned = now - before - self._users.keys()
        for secret in now - before:
            self._users.setdefault(secret, set()).add(ref)
        for secret in before - now:
            users = self._users[secret]
            users.remove(ref)
            if not users:
                del self._users[secret]
                turned |= {secret}
        return turned
