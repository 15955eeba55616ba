"""Decides which members are read, and whether their Pods are, by the objects of the hub.

A member is read only if a gateway is attached to it. Pods are read only if an Ingress selects them
by label, since they make up most of what an API server sends.
"""

from collections import Counter
from typing import Final

from fleet.events import Deleted, Event, Upserted
from fleet.kinds import Kinds
from fleet.models import FleetObject, Ingress
from fleet.ref import Ref

_SUBSET: Final = "service-subset"
_SUBSET_LABELS: Final = "subset-labels"
_MEMBER_LABEL: Final = "topology.istio.io/cluster"
"""A key that Ingresses use like a label. It selects a member, so no Pods are needed for it."""


def asks_for_labels(ingress: FleetObject) -> bool:
    """Whether an Ingress may select Pods by their labels; True if in doubt."""
    if not isinstance(ingress, Ingress):
        return False
    by_name: dict[str, list[str]] = {_SUBSET: [], _SUBSET_LABELS: []}
    for key, text in ingress.metadata.annotations.items():
        if (name := key.rpartition("/")[2]) in by_name:
            by_name[name].append(text)
    written = [_pairs(text) for text in by_name[_SUBSET_LABELS]]
    if any(pair[0] != _MEMBER_LABEL for pairs in written for pair in pairs):
        return True
    # Without usable labels, the annotation with the subset's name selects Pods by a label too.
    return bool(by_name[_SUBSET]) and not any(list(map(len, pairs)) == [2] for pairs in written)


def _pairs(text: str) -> list[list[str]]:
    """The words of each line that is not blank. A proper line has two, a key and its value."""
    return [line.split() for line in text.splitlines() if line.strip()]


class Needs:
    """The needs of all objects of the hub, kept up to date by the events about them."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._members_of: dict[Ref, frozenset[str]] = {}
        self._attached: Counter[str] = Counter()
        self._asking: set[Ref] = set()

    @property
    def members(self) -> frozenset[str]:
        """The members that some gateway is attached to."""
        return frozenset(self._attached)

    @property
    def labels(self) -> bool:
        """Whether labels of Pods are asked for."""
        return bool(self._asking)

    def note(self, event: Event) -> None:
        """Take an event in. A refused object keeps the needs of its last good version."""
        match event:
            case Upserted(ref, value):
                self._attach(ref, frozenset(self._kinds.attached(value)))
                (self._asking.add if asks_for_labels(value) else self._asking.discard)(ref)
            case Deleted(ref):
                self._attach(ref, frozenset())
                self._asking.discard(ref)

    def _attach(self, ref: Ref, now: frozenset[str]) -> None:
        before = self._members_of.pop(ref, frozenset())
        if now:
            self._members_of[ref] = now
        self._attached.update(now - before)
        self._attached.subtract(before - now)
        self._attached = +self._attached
