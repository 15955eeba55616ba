"""Finds the Secrets that Ingresses reference. fleetgate keeps no other Secret."""

from typing import Final

from fleet.events import Deleted, Event, Upserted
from fleet.models import Ingress
from fleet.parse import is_name
from fleet.ref import HUB, Ref

_PASSWORDS: Final = "auth-secret"


def secrets_of(ingress: Ingress) -> frozenset[Ref]:
    """The Secrets that `spec.tls` names, in the Ingress's own namespace."""
    namespace = ingress.metadata.namespace
    return frozenset(
        Ref(HUB, "Secret", namespace, tls.secret_name)
        for tls in ingress.spec.tls
        if tls.secret_name
    )


def password_secrets_of(ingress: Ingress) -> frozenset[Ref]:
    """The Secrets that `auth-secret` names under any prefix, in the Ingress's own namespace."""
    namespace = ingress.metadata.namespace
    named = (
        text.strip().removeprefix(f"{namespace}/")
        for key, text in ingress.metadata.annotations.items()
        if key.rpartition("/")[2] == _PASSWORDS
    )
    return frozenset(Ref(HUB, "Secret", namespace, name) for name in named if is_name(name))


class SecretUse:
    """The Secrets that Ingresses reference, kept up to date by the events about Ingresses."""

    def __init__(self) -> None:
        self._of: dict[Ref, frozenset[Ref]] = {}
        self._users: dict[Ref, set[Ref]] = {}

    def __contains__(self, secret: Ref) -> bool:
        return secret in self._users

    def users(self, secret: Ref) -> list[Ref]:
        """The Ingresses that reference a Secret, sorted."""
        return sorted(self._users.get(secret, ()))

    def note(self, event: Event) -> frozenset[Ref]:
        """Take an event in, and give the Secrets that came into use or went out of use by it.

        A refused Ingress keeps its last good version, which keeps its Secrets in use.
        """
        match event:
            case Upserted(ref, Ingress() as ingress):
                now = secrets_of(ingress) | password_secrets_of(ingress)
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
