"""Reads the Secrets on the hub that name members."""

from collections.abc import Callable, Iterable
from typing import Final

from fleet.kinds import SECRET
from fleet.kubernetes.collection import Collection, Json, list_all
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.members import (
    ARGO_LABEL,
    ISTIO_LABEL,
    OWN_LABEL,
    Claims,
    MemberSecret,
    member_secret,
    read_claims,
)
from fleet.kubernetes.watch import Change, ChangeType
from fleet.problem import Problem
from fleet.ref import HUB, Ref

_SECRET: Final = SECRET


def collections(home: str, trusted: Iterable[str]) -> tuple[Collection, ...]:
    """The collections that have these Secrets: one for each shape, since selectors know no "or".

    Secrets of fleetgate's own shape count in the namespace `home` only, those of Istio's and Argo
    CD's shapes there and in the trusted namespaces.
    """
    return (
        Collection(_SECRET, home, label_selector=OWN_LABEL),
        *(
            Collection(_SECRET, namespace, label_selector=selector)
            for namespace in dict.fromkeys((home, *trusted))
            for selector in (f"{ISTIO_LABEL}=true", f"{ARGO_LABEL}=cluster")
        ),
    )


class MemberSecrets:
    """The Secrets of one shape in one namespace, with their claims.

    `problems` has a problem while RBAC does not permit to read them. `on_change` is called after
    every change.
    """

    def __init__(self, collection: Collection, on_change: Callable[[], None]) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._collection = collection
        self._on_change = on_change
        self._held: dict[Ref, tuple[MemberSecret, Claims]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is no such Secret."""
        return not self._held

    @property
    def claims(self) -> Iterable[tuple[MemberSecret, Claims]]:
        """The Secrets, each with its claims."""
        return self._held.values()

    async def load(self, server: ApiServer) -> str:
        """Read all Secrets, and give the position for a watch. Raises Refusal and Unreached."""
        listing = await list_all(server, self._collection, _read)
        there = {secret.ref: secret for secret in listing.items}
        for ref in self._held.keys() - there.keys():
            del self._held[ref]
        for secret in there.values():
            self._hold(secret)
        self._on_change()
        return listing.position

    def deny(self, why: str) -> float:
        """Note why RBAC does not permit to read these Secrets, "" if it does.

        Secrets that were read before stay in force. Gives the seconds until the next attempt.
        """
        at = Ref(HUB, "Namespace", "", self._collection.namespace)
        expected = f"Secrets that name members, or another --member-namespace: {why}"
        effect = "no Secret there names a member that is not known yet"
        problem = Problem(at, "SecretsUnreadable", "", "", expected, effect)
        self.problems = (problem,) if why else ()
        self._on_change()
        return 0

    def change(self, change: Change) -> None:
        """Take in a change of one Secret."""
        secret = _read(change.value)
        if change.type is ChangeType.DELETED:
            self._held.pop(secret.ref, None)
        else:
            self._hold(secret)
        self._on_change()

    def _hold(self, secret: MemberSecret) -> None:
        _, before = self._held.get(secret.ref, (secret, Claims()))
        self._held[secret.ref] = secret, read_claims(secret).after(before)


def _read(value: Json) -> MemberSecret:
    metadata = value["metadata"]
    ref = Ref(HUB, "Secret", str(metadata.get("namespace")), str(metadata.get("name")))
    return member_secret(ref, value)
