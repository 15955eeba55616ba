"""Annotations of ours that nobody reads: what was probably meant.

Whoever reads an object's annotations does so through `Asked`, which notes the keys that are looked
up. So a key that is read is known, and there is no list of keys to forget one in.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from fleet.spelling import meant

OWN: Final = "fleetgate.dev/"
"""The prefix of keys that nobody else has."""

_FAMILY: Final = frozenset(
    {
        "alb.ingress.kubernetes.io",
        "fleetgate.dev",
        "mse.alibabacloud.com",
        "mse.ingress.kubernetes.io",
    }
)
"""Prefixes that are taken for one another."""

ALIKE: Final = 0.85
"""How much two keys have in common that are taken for one another, from 0 to 1."""


class Asked(Mapping[str, str]):
    """An object's annotations, with the keys that somebody has looked up."""

    def __init__(self, annotations: Mapping[str, str], keys: Iterable[str] = ()) -> None:
        self._annotations = annotations
        self.keys_asked = set(keys)

    def __getitem__(self, key: str) -> str:
        """Look a key up, whether there is one or not."""
        self.keys_asked.add(key)
        return self._annotations[key]

    def __iter__(self) -> Iterator[str]:
        """The keys that there are."""
        return iter(self._annotations)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._annotations)

    def unread(self, at: Ref) -> Iterator[Problem]:
        """The keys that nobody has looked up and that were probably for us; ask this last.

        A key under our own prefix is for nobody else. One under another prefix is told where it is
        like one that is read, in all of it or in what follows the prefix.
        """
        return misspelt(at, self._annotations, self.keys_asked)


def misspelt(at: Ref, annotations: Mapping[str, str], known: Iterable[str]) -> Iterator[Problem]:
    """The problems of annotations of an object that reads the `known` keys."""
    read = sorted(known)
    own = ", ".join(each for each in read if each.startswith(OWN))
    for key, value in annotations.items():
        if key in read:
            continue
        probably = meant(key, read, ALIKE) or _by_name(key, read)
        expected = probably or (f"one of {own}" if own else f"no {OWN} annotation, it has none")
        if probably or key.startswith(OWN):
            yield Problem(at, "UnknownAnnotation", key, value, expected, "it has no effect")


def _by_name(key: str, known: Iterable[str]) -> str:
    """The known key whose name is like this one's, if the prefix is one of the family."""
    prefix, _, name = key.partition("/")
    if prefix not in _FAMILY:
        return ""
    by_name = {each.rpartition("/")[2]: each for each in known}
    return by_name.get(meant(name, by_name, ALIKE), "")
