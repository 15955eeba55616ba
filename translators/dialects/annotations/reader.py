"""The spellings of annotation keys, and the reader that parses their values.

A key that NGINX Ingress knows can be written under `nginx.ingress.kubernetes.io/`,
`mse.ingress.kubernetes.io/` and `higress.io/`, with the same meaning. A key of MSE's own exists
under the last two only. Keys of ALB stand under `alb.ingress.kubernetes.io/`, and those of canaries
also under `nginx.`. A dialect reads only its own prefixes. If an object has several spellings of a
key, the first one that parses wins. A value that does not parse costs that annotation only, and is
reported.
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
    """An annotation: its name without prefix, and its prefixes in the order of precedence.

    `meaning` is a phrase for the documentation.
    """

    name: str
    prefixes: tuple[str, ...]
    meaning: str = ""
    spellings: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the full names once, because they are looked up for every Ingress."""
        spellings = tuple(prefix + self.name for prefix in self.prefixes)
        object.__setattr__(self, "spellings", spellings)


def shared(name: str, meaning: str = "") -> Key:
    """Make a key of MSE's that NGINX Ingress knows too."""
    return Key(name, (NGINX, MSE, HIGRESS), meaning)


def own(name: str, meaning: str = "") -> Key:
    """Make a key of MSE's own."""
    return Key(name, (MSE, HIGRESS), meaning)


def everywhere(name: str, meaning: str = "") -> Key:
    """Make a key that NGINX Ingress, MSE and ALB know."""
    return Key(name, (NGINX, MSE, HIGRESS, ALB), meaning)


def alb(name: str, meaning: str = "") -> Key:
    """Make a key of ALB's own."""
    return Key(name, (ALB,), meaning)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The value of a key, and the annotation (`spelling`) and `text` that it was parsed from."""

    spelling: str
    text: str
    value: T


class Unusable(ValueError):
    """Raised for a value that cannot be used.

    `expected` completes the sentence "expected ...". `effect` replaces the usual effect in the
    problem; "" keeps it.
    """

    def __init__(self, expected: str, effect: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.effect = effect


class Reader:
    """Reads those annotations of one object that have these prefixes; collects their problems."""

    def __init__(self, at: Ref, annotations: Mapping[str, str], prefixes: tuple[str, ...]) -> None:
        self._at = at
        self._annotations = {k: v for k, v in annotations.items() if k.startswith(prefixes)}
        self.problems: list[Problem] = []

    @property
    def namespace(self) -> str:
        """The namespace of the object."""
        return self._at.namespace

    def read(
        self, key: Key, parse: Callable[[str], T], effect: str = "the annotation is ignored"
    ) -> T | None:
        """Parse the first usable spelling; None if the key is absent, empty or unusable.

        `effect` is the effect in the problems if no spelling is usable. An Unusable with an effect
        of its own overrides it.
        """
        found = self.find(key, parse, effect)
        return None if found is None else found.value

    def find(
        self, key: Key, parse: Callable[[str], T], effect: str = "the annotation is ignored"
    ) -> Found[T] | None:
        """Do the same as `read`, and return the value with its spelling and text."""
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
                problem = Problem(
                    self._at,
                    "InvalidAnnotation",
                    spelling,
                    text,
                    e.expected,
                    e.effect or effect,
                )
                unusable.append(problem)
            else:
                counts = f"{spelling} counts instead"
                self.problems += (replace(problem, effect=counts) for problem in unusable)
                return found
        self.problems += unusable
        return None

    def has(self, key: Key) -> bool:
        """Return whether some spelling has a text that is not empty, usable or not."""
        texts = self._annotations
        return bool(texts) and any(texts.get(spelling, "").strip() for spelling in key.spellings)

    def is_empty(self, key: Key) -> bool:
        """Return whether the key is present and all its spellings are empty."""
        texts = self._annotations
        return bool(texts) and not self.has(key) and any(s in texts for s in key.spellings)

    def written(self, key: Key) -> tuple[str, str]:
        """Return the first annotation of the key that is not empty, and its text.

        Both are "" if there is none.
        """
        texts = (
            (spelling, self._annotations.get(spelling, "").strip()) for spelling in key.spellings
        )
        return next((each for each in texts if each[1]), ("", ""))

    def note(self, found: Found[T], reason: str, expected: str, effect: str) -> None:
        """Report a value that parses, but that cannot take effect."""
        self.report(reason, found.spelling, found.text, expected, effect)

    def report(self, reason: str, spelling: str, text: str, expected: str, effect: str) -> None:
        """Report an annotation by its spelling and text."""
        self.problems.append(Problem(self._at, reason, spelling, text, expected, effect))
