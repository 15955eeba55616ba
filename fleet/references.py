"""Which Secrets are needed: only what some Ingress references is ever kept."""

from collections import Counter

from fleet.events import Deleted, Event, Upserted
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


class SecretUse:
    """The Secrets that Ingresses reference, kept up to date by what is said about Ingresses."""

    def __init__(self) -> None:
        self._of: dict[Ref, frozenset[Ref]] = {}
        self._users: Counter[Ref] = Counter()

    def __contains__(self, secret: Ref) -> bool:
        return secret in self._users

    def note(self, event: Event) -> frozenset[Ref]:
        """Take an event in; the Secrets that are needed now and were not, or the other way round.

        An Ingress that is refused keeps its last good version, and that one its Secrets.
        """
        match event:
            case Upserted(ref, Ingress() as ingress):
                now = secrets_of(ingress)
            case Deleted(ref) if ref in self._of:
                now = frozenset()
            case _:
                return frozenset()
        before = self._of.pop(ref, frozenset())
        if now:
            self._of[ref] = now
        self._users.update(now - before)
        self._users.subtract(before - now)
        turned = {secret for secret in now - before if self._users[secret] == 1}
        for secret in before - now:
            if not self._users[secret]:
                del self._users[secret]
                turned.add(secret)
        return frozenset(turned)
