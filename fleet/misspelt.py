"""Finds annotations that are meant for fleetgate and that no code reads, such as misspelt ones.

All annotations of an object are read through `Asked`, which notes every key that is looked up. So
the known keys need no list, which could lack one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from fleet.spelling import meant

OWN: Final = "fleetgate.dev/"
"""The prefix of keys that no other project uses."""

_FAMILY: Final = frozenset(
    {
        "alb.ingress.kubernetes.io",
        "fleetgate.dev",
        "mse.alibabacloud.com",
        "mse.ingress.kubernetes.io",
    }
)
"""Prefixes that users mix up."""

ALIKE: Final = 0.85
"""The likeness, from 0 to 1, from which on one key is taken for a misspelling of another."""


class Asked(Mapping[str, str]):
    """An object's annotations. `keys_asked` are the keys that were looked up so far."""

    def __init__(self, annotations: Mapping[str, str], keys: Iterable[str] = ()) -> None:
        self._annotations = annotations
        self.keys_asked = set(keys)

    def __getitem__(self, key: str) -> str:
        """The value of a key, which is noted as known even if the object does not have it."""
        self.keys_asked.add(key)
        return self._annotations[key]

    def __iter__(self) -> Iterator[str]:
        """The keys that the object has."""
        return iter(self._annotations)

    def __len__(self) -> int:
        """How many keys the object has."""
        return len(self._annotations)

    def unread(self, at: Ref) -> Iterator[Problem]:
        """A problem for each key that was not looked up and is probably meant for fleetgate.

        Call it after all annotations have been read. A key with the prefix `fleetgate.dev/` is
        always reported. Any other key is reported if it resembles a known one, as a whole or after
        its prefix.
        """
        return misspelt(at, self._annotations, self.keys_asked)


def misspelt(at: Ref, annotations: Mapping[str, str], known: Iterable[str]) -> Iterator[Problem]:
    """A problem for each annotation that is none of the `known` keys and is meant for fleetgate."""
    read = sorted(known)
    own = ", ".join(key for key in read if key.startswith(OWN))
    for key, value in annotations.items():
        if key in read:
            continue
        probably = meant(key, read, ALIKE) or _by_name(key, read)
        expected = probably or (f"one of {own}" if own else f"no {OWN} annotation, it has none")
        if probably or key.startswith(OWN):
            yield Problem(at, "UnknownAnnotation", key, value, expected, "it has no effect")


def _by_name(key: str, known: Iterable[str]) -> str:
    """The known key whose part after the prefix resembles this one's; "" for a foreign prefix."""
    prefix, _, name = key.partition("/")
    if prefix not in _FAMILY:
        return ""
    by_name = {known_key.rpartition("/")[2]: known_key for known_key in known}
    return by_name.get(meant(name, by_name, ALIKE), "")
