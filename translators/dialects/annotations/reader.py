"""The spellings of annotation keys, and the reader that parses their values.

A key that NGINX Ingress knows can be written under `nginx.ingress.kubernetes.io/`,
`mse.ingress.kubernetes.io/` and `higress.io/`, with the same meaning. A key of MSE's own exists
under the last two only. Keys of ALB stand under `alb.ingress.kubernetes.io/`, and those of canaries
also under `nginx.`. A dialect reads only its own prefixes. If an object has several spellings of a
key, the first one that parses wins. A value that does not parse costs that annotation only, and is
reported.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, Protocol, TypeVar

from fleet.kinds import listed
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

    The other fields are for the documentation, and for tests that try every annotation. `meaning`
    is a phrase. `default` is what holds without the annotation, if that is not simply nothing.
    `differs` tells users of NGINX Ingress what is different; "" if the annotation does the same.
    `example` is a value that can be used; of a family, the rest of a name, a blank and a value.

    A key that `restricts` says who may ask: if its value is no text, the paths of its Ingress are
    closed. The key of a `family` is the begin of a name.
    """

    name: str
    prefixes: tuple[str, ...]
    meaning: str = ""
    default: str = ""
    differs: str = ""
    example: str = ""
    restricts: bool = False
    family: bool = False
    spellings: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the full names once, because they are looked up for every Ingress."""
        spellings = tuple(prefix + self.name for prefix in self.prefixes)
        object.__setattr__(self, "spellings", spellings)


def shared(
    name: str,
    meaning: str = "",
    *,
    default: str = "",
    differs: str = "",
    example: str = "",
    restricts: bool = False,
) -> Key:
    """Make a key of MSE's that NGINX Ingress knows too."""
    return Key(name, (NGINX, MSE, HIGRESS), meaning, default, differs, example, restricts)


def own(
    name: str,
    meaning: str = "",
    *,
    default: str = "",
    example: str = "",
    restricts: bool = False,
    family: bool = False,
) -> Key:
    """Make a key of MSE's own."""
    return Key(name, (MSE, HIGRESS), meaning, default, "", example, restricts, family)


def everywhere(
    name: str, meaning: str = "", *, default: str = "", differs: str = "", example: str = ""
) -> Key:
    """Make a key that NGINX Ingress, MSE and ALB know."""
    return Key(name, (NGINX, MSE, HIGRESS, ALB), meaning, default, differs, example)


def alb(
    name: str,
    meaning: str = "",
    *,
    default: str = "",
    differs: str = "",
    example: str = "",
    family: bool = False,
) -> Key:
    """Make a key of ALB's own. It `differs` from the key of NGINX Ingress with the same name."""
    return Key(name, (ALB,), meaning, default, differs, example, family=family)


class Spell(Protocol):
    """Makes the keys of a feature that several dialects have, such as `shared` or `alb`."""

    def __call__(
        self,
        name: str,
        meaning: str = "",
        *,
        default: str = "",
        differs: str = "",
        example: str = "",
    ) -> Key:
        """Make a key."""


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

    def __init__(
        self,
        at: Ref,
        annotations: Mapping[str, str],
        prefixes: tuple[str, ...],
        unread: Iterable[str] = (),
    ) -> None:
        self._at = at
        self._annotations = {k: v for k, v in annotations.items() if k.startswith(prefixes)}
        self._unread = tuple(key for key in unread if key.startswith(prefixes))
        self.problems: list[Problem] = []

    @property
    def namespace(self) -> str:
        """The namespace of the object."""
        return self._at.namespace

    @property
    def at(self) -> Ref:
        """The object."""
        return self._at

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

    def find_items(
        self, key: Key, parse: Callable[[str], T], most: int, effect: str, without: str
    ) -> Found[tuple[T, ...]] | None:
        """Parse a list with commas, item by item.

        An item that cannot be used is reported with `effect`, and so are the items behind the first
        `most` of them. A list without a usable item is unusable, with `without` as the effect.
        """
        bad: list[tuple[str, str]] = []

        def parse_all(text: str) -> tuple[T, ...]:
            bad.clear()
            good = []
            items = listed(text)
            for item in items[:most]:
                try:
                    good.append(parse(item))
                except Unusable as e:
                    bad.append((item, e.expected))
            if len(items) > most:
                bad.append((f"{len(items)} items", f"at most {most} items"))
            if not good:
                raise Unusable(bad[0][1] if bad else "at least one item")
            return tuple(dict.fromkeys(good))

        found = self.find(key, parse_all, without)
        if found is not None:
            for item, expected in bad:
                self.problems.append(
                    Problem(self._at, "InvalidAnnotation", found.spelling, item, expected, effect)
                )
        return found

    def items(
        self,
        key: Key,
        split: Callable[[str], tuple[str, ...]],
        parse: Callable[[str], T],
        expected: str,
    ) -> tuple[T, ...]:
        """Parse the items of a list. An item that cannot be used is left out and reported."""
        found = self.find(key, split)
        usable: list[T] = []
        wrong: dict[str, str] = {}
        for item in found.value if found else ():
            try:
                usable.append(parse(item))
            except Unusable as e:
                wrong[item] = e.expected
        if found and wrong:
            why = next(iter(wrong.values()))
            effect = f"left out: {'; '.join(wrong)}"
            self.note(found, "InvalidAnnotation", f"{expected} ({why})", effect)
        return tuple(usable)

    def spelling(self, key: Key) -> str:
        """Return the first spelling of a key that has a text; "" if there is none."""
        texts = self._annotations
        return next((s for s in key.spellings if texts.get(s, "").strip()), "")

    def has(self, key: Key) -> bool:
        """Return whether some spelling has a text that is not empty, usable or not."""
        texts = self._annotations
        return bool(texts) and any(texts.get(spelling, "").strip() for spelling in key.spellings)

    def members(self, family: Key) -> tuple[Key, ...]:
        """Return the keys of a family that the object has, sorted by name."""
        return _members(family, self._annotations)

    def unread_members(self, family: Key) -> tuple[Key, ...]:
        """Return the keys of a family whose value is no text, sorted by name."""
        return _members(family, self._unread)

    def is_unread(self, key: Key) -> bool:
        """Return whether some spelling of a key, or of one of its family, has a value of no text.

        This is a problem of the object already.
        """
        if key.family:
            return any(text.startswith(key.spellings) for text in self._unread)
        return not set(key.spellings).isdisjoint(self._unread)

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

    def as_written(self, key: Key, value: T) -> Found[T]:
        """Give a value to the annotation that `written` returns."""
        return Found(*self.written(key), value)

    def note(self, found: Found[T], reason: str, expected: str, effect: str) -> None:
        """Report a value that parses, but that cannot take effect."""
        self.report(reason, found.spelling, found.text, expected, effect)

    def report(self, reason: str, spelling: str, text: str, expected: str, effect: str) -> None:
        """Report an annotation by its spelling and text."""
        self.problems.append(Problem(self._at, reason, spelling, text, expected, effect))


def _members(family: Key, texts: Iterable[str]) -> tuple[Key, ...]:
    """Return the keys of a family among the names of annotations."""
    names = {
        family.name + text.removeprefix(spelling)
        for text in texts
        for spelling in family.spellings
        if text.startswith(spelling) and text != spelling
    }
    return tuple(Key(name, family.prefixes) for name in sorted(names))
