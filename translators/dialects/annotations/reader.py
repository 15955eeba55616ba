"""Reading annotation values: the spellings of a key, and one problem for each value that is wrong.

`nginx.ingress.kubernetes.io/` and `mse.ingress.kubernetes.io/` mean the same for the keys that
NGINX Ingress knows, MSE's own exist only under `mse.`; `higress.io/` is a third spelling of both.
ALB's keys stand under `alb.ingress.kubernetes.io/`, those of canaries also under `nginx.`; neither
dialect sees the spellings of the other. Where several spellings are present, the first one that
parses wins. A value that does not parse switches off that annotation alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from fleet.problem import Problem
from fleet.ref import Ref

T = TypeVar("T")

NGINX: Final = "nginx.ingress.kubernetes.io/"
MSE: Final = "mse.ingress.kubernetes.io/"
HIGRESS: Final = "higress.io/"
ALB: Final = "alb.ingress.kubernetes.io/"
FLEETGATE: Final = "fleetgate.dev/"


@dataclass(frozen=True, slots=True)
class Key:
    """An annotation: its name without prefix, the prefixes in the order in which they are read.

    `meaning` is a phrase for the documentation.
    """

    name: str
    prefixes: tuple[str, ...]
    meaning: str = ""
    spellings: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Note the full names: they are looked up for every Ingress."""
        spellings = tuple(prefix + self.name for prefix in self.prefixes)
        object.__setattr__(self, "spellings", spellings)


def shared(name: str, meaning: str = "") -> Key:
    """A key that NGINX Ingress knows too."""
    return Key(name, (NGINX, MSE, HIGRESS), meaning)


def own(name: str, meaning: str = "") -> Key:
    """A key of MSE's own."""
    return Key(name, (MSE, HIGRESS), meaning)


def everywhere(name: str, meaning: str = "") -> Key:
    """A key that NGINX Ingress and both dialects know."""
    return Key(name, (NGINX, MSE, HIGRESS, ALB), meaning)


def alb(name: str, meaning: str = "") -> Key:
    """A key of ALB's own."""
    return Key(name, (ALB,), meaning)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The value that counts for a key, and the annotation that says so."""

    spelling: str
    text: str
    value: T


class Unusable(ValueError):
    """A value that cannot be used; the text completes the sentence "expected ..."."""

    def __init__(self, expected: str, effect: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.effect = effect


class Reader:
    """The annotations of one object that have these prefixes; collects problems on the way."""

    def __init__(self, at: Ref, annotations: Mapping[str, str], prefixes: tuple[str, ...]) -> None:
        self._at = at
        self._annotations = {k: v for k, v in annotations.items() if k.startswith(prefixes)}
        self.problems: list[Problem] = []

    def read(
        self, key: Key, parse: Callable[[str], T], effect: str = "the annotation is ignored"
    ) -> T | None:
        """Parse the first spelling that can be; None where the key is absent, empty or unusable.

        `effect` says what follows where no spelling is usable, unless the parser knows better.
        """
        found = self.find(key, parse, effect)
        return None if found is None else found.value

    def find(
        self, key: Key, parse: Callable[[str], T], effect: str = "the annotation is ignored"
    ) -> Found[T] | None:
        """As `read`, with the spelling that counts."""
        if not self._annotations:
            return None
        unusable: list[Problem] = []
        for spelling in key.spellings:
            text = self._annotations.get(spelling, "").strip()
            if not text:
                continue
            try:
                found = Found(spelling, text, parse(text))
            except Unusable as e:
                said = e.effect or effect
                unusable.append(
                    Problem(self._at, "InvalidAnnotation", spelling, text, e.expected, said)
                )
            else:
                counts = f"{spelling} counts instead"
                self.problems += (replace(problem, effect=counts) for problem in unusable)
                return found
        self.problems += unusable
        return None

    def has(self, key: Key) -> bool:
        """Whether some spelling is there with a text, usable or not."""
        found = self._annotations
        return bool(found) and any(found.get(spelling, "").strip() for spelling in key.spellings)

    def is_empty(self, key: Key) -> bool:
        """Whether the key is there, and says nothing."""
        found = self._annotations
        return bool(found) and not self.has(key) and any(s in found for s in key.spellings)

    def note(self, found: Found[T], reason: str, expected: str, effect: str) -> None:
        """Report a value that parses but cannot take effect."""
        self.problems.append(
            Problem(self._at, reason, found.spelling, found.text, expected, effect)
        )
