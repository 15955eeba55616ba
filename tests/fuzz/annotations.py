"""Random Ingresses with the annotations of the MSE dialect, each on a host of its own.

The annotations are those of the code's features, so a new one takes part by itself. The first
Ingresses are the same for each seed: they have each annotation, and each pair of features. Further
ones are random. A value is usable, a usable one with a slip, or a text that is meant to do harm.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any, Final, NamedTuple, TypeVar

from tests.fuzz.generator import NAMES, NUMBERS
from tests.fuzz.questions import Sent, certain, questions
from tests.fuzz.values import HARMFUL, PATHS, SLIPS, suited
from tests.support.annotations import example, examples
from tests.support.builders import IngressBuilder, ingress
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import Key
from translators.dialects.mse.features import FEATURES
from translators.dialects.mse.passthrough import FEATURE as PASSTHROUGH
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

T = TypeVar("T")
Json = Any  # a manifest, right or wrong

SECRETS: Final = (
    *("good", "rsa", "ed25519", "expired", "mismatched", "encrypted", "crowd"),
    *("broken", "empty", "missing", "other/good", "a/b/c", "", "%"),
)
"""Names of Secrets for `spec.tls`; the fleet has those of the first line, `broken` and `empty`."""

KINDS: Final = ("plain", "tls", "http2", "falter", "gone", "beside")
"""Kinds of Services. The fleet has POOL ones of each, so that each Ingress has Services alone."""

POOL: Final = 100

EXAMPLES: Final = tuple(
    value for feature in FEATURES for value in dict.fromkeys(examples(feature).values())
)

_TYPES: Final = ("Prefix", "Prefix", "Exact", "ImplementationSpecific", None)


@dataclass(frozen=True, slots=True)
class Declared:
    """Ingresses of one host, and the requests that reach its routes.

    `usable` are annotations that have no problem, by the name of their Ingress.
    """

    name: str
    manifests: tuple[Json, ...]
    sent: tuple[Sent, ...]
    usable: frozenset[tuple[str, str]] = frozenset()


class Fixed(NamedTuple):
    """Annotations that an Ingress has at every seed: of the main one, and of its canary."""

    main: Mapping[str, str]
    canary: Mapping[str, str] | None = None
    is_usable: bool = True
    kind: str = "plain"


def _singles() -> Iterator[Fixed]:
    for feature in FEATURES:
        for place in range(3):
            yield _together(feature, spelling=place)
    for key in (key for feature in FEATURES for key in feature.keys):
        spelling, value = example(key)
        yield Fixed({spelling: value}, {spelling: value}, is_usable=False)
    for row in MSE_UNSUPPORTED:
        yield Fixed({row.key.spellings[-1] + ("x" if row.family else ""): "true"}, is_usable=False)


def _pairs() -> Iterator[Fixed]:
    for pair in combinations(FEATURES, 2):
        yield _together(*pair)._replace(is_usable=False)


def _together(*features: Feature, spelling: int = 0) -> Fixed:
    """Put all annotations of features on an Ingress, or on a canary beside it."""
    main: dict[str, str] = {}
    canary: dict[str, str] | None = None
    for feature in features:
        made = dict(_spelt(key, spelling) for key in feature.keys)
        if feature is CANARY:
            canary = made
        else:
            main |= made
    return Fixed(main, canary, kind="tls" if PASSTHROUGH in features else "plain")


def _spelt(key: Key, spelling: int) -> tuple[str, str]:
    name, value = example(key)
    chosen = key.spellings[min(spelling, len(key.spellings) - 1)]
    return chosen + name.removeprefix(key.spellings[0]), value


SINGLES: Final = (*_singles(),)
"""What the first Ingresses have: each feature, each key alone, and each key without an effect."""

PAIRS: Final = (*_pairs(),)
"""What the next ones have: each two features together."""

FIXED: Final = SINGLES + PAIRS
"""So no annotation, and no pair of features, is left to chance."""


class Annotations:
    """Makes Ingresses from a seed. The number of an Ingress decides about all of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 (to be repeatable is the point)

    def make(self, number: int) -> Declared:
        """Make the Ingress of a number, and sometimes a canary beside it."""
        self._random = Random(f"{self._seed}/{number}")  # noqa: S311 (as above)
        return self._certain(number) if number < len(FIXED) else self._any(number)

    def _certain(self, number: int) -> Declared:
        """Make one of those that each seed has."""
        fixed, name = FIXED[number], f"n{number}"
        host, place = f"{name}.test", number % POOL
        main = _on(ingress(name), host, "/a", "Prefix", f"{fixed.kind}-{place}:80")
        main = main.annotate(_alone(fixed.main, name)).tls("good", host)
        made = [main.of_class("mse")]
        if fixed.canary is not None:
            canary = _on(ingress(f"{name}-canary"), host, "/a", "Prefix", f"beside-{place}:80")
            made.append(canary.annotate({**_CANARY, **fixed.canary}).of_class("mse"))
        given = [(name, key) for key in fixed.main]
        given += [(f"{name}-canary", key) for key in fixed.canary or ()]
        sent = (*questions(self._random, host, "/a", (), by_tls=True),)
        if fixed.is_usable:
            sent += (*certain(host),)
        manifests = tuple(each.manifest for each in made)
        return Declared(name, manifests, sent, frozenset(given if fixed.is_usable else ()))

    def _any(self, number: int) -> Declared:
        name, place = f"n{number}", number % POOL
        declared, asked = self._host(name)
        path = self._one_of(tuple(PATHS)) if self._chance(60) else "/"
        kind = self._one_of(_TYPES)
        annotations = self._annotations()
        to = self._one_of(KINDS) if self._chance(50) else "plain"
        main = _on(ingress(name), declared, path, kind, f"{to}-{place}:80")
        secured = self._chance(30)
        if secured:
            usable = SECRETS[:3] if self._chance(70) else SECRETS
            main = main.tls(self._one_of(usable), *([declared] if self._chance(80) else []))
        made = [main.annotate(_filled(annotations, name, place)).of_class("mse")]
        if self._chance(40):
            canary = _on(ingress(f"{name}-canary"), declared, path, kind, f"beside-{place}:80")
            own = {**_filled(self._annotations(), name, place), **_CANARY}
            made.append(canary.annotate(own).of_class("mse"))
        others = (f"alias.{name}.test", f"www.{asked}") if self._chance(20) else ()
        by_tls = secured or any(end in key for key in annotations for end in _BY_TLS)
        sent = questions(self._random, asked, PATHS[path], others, by_tls=by_tls)
        return Declared(name, tuple(each.manifest for each in made), tuple(sent))

    def _host(self, name: str) -> tuple[str, str]:
        """Return the host as it is declared, and as it is asked for."""
        if self._chance(10):
            return f"*.{name}.test", f"any.{name}.test"
        if self._chance(3):
            return "", "nobody.test"
        if self._chance(10):
            shared = f"shared-{self._random.randrange(5)}.test"
            return shared, shared
        return f"{name}.test", f"{name}.TEST" if self._chance(20) else f"{name}.test"

    def _annotations(self) -> dict[str, str]:
        chosen: dict[str, str] = {}
        features = FEATURES if self._chance(20) else _ORDINARY
        for _ in range(self._random.randint(1, 6)):
            chosen |= self._of_feature(self._one_of(features))
        if self._chance(5):
            row = self._one_of(MSE_UNSUPPORTED)
            chosen[self._one_of(row.key.spellings) + ("x" if row.family else "")] = self._harmful()
        return chosen

    def _of_feature(self, feature: Feature) -> dict[str, str]:
        """Choose annotations of a feature: all of them, or a few; mostly with usable values."""
        everything = self._chance(40)
        usable = self._chance(50)
        keys = [key for key in feature.keys if everything or self._chance(40)]
        return dict(self._annotation(key, usable=usable) for key in keys)

    def _annotation(self, key: Key, *, usable: bool) -> tuple[str, str]:
        spelling, value = example(key)
        if self._chance(50):
            value = self._one_of((value, *suited(key.name)))
        if self._chance(30):
            spelling = self._one_of(key.spellings) + spelling.removeprefix(key.spellings[0])
        if key.family and not usable and self._chance(30):
            spelling = self._one_of(key.spellings) + self._one_of(NAMES)
        return spelling, self._value(value, usable=usable)

    def _value(self, value: str, *, usable: bool) -> str:
        if usable or self._chance(40):
            return value
        if self._chance(50):
            return self._slipped(value)
        return self._one_of(EXAMPLES) if self._chance(30) else self._harmful()

    def _slipped(self, text: str) -> str:
        """Return a text with a slip in it."""
        place = self._random.randint(0, len(text))
        slip = self._one_of(SLIPS)
        number = str(self._one_of(NUMBERS))
        return self._one_of(
            (
                text[:place] + slip + text[place:],
                text[:place] + text[place + 1 :],
                text[:place] + text[place:].swapcase(),
                re.sub(r"[0-9]+", number, text, count=1),
                slip.join([text] * self._one_of((2, 2, 60))),
                slip.join((text, self._harmful())),
                self._harmful() + text,
            )
        )

    def _harmful(self) -> str:
        if self._chance(90):
            return self._one_of(HARMFUL)
        return "".join(chr(self._random.randrange(1, 0xD800)) for _ in range(8))

    def _one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


_ORDINARY: Final = tuple(each for each in FEATURES if each is not CANARY)
"""Most Ingresses are no canaries, since those have no rules of their own."""

_BY_TLS: Final = ("auth-tls-", "ssl-cipher", "protocol-version", "passthrough")
"""Parts of annotations that have an effect on TLS."""

_CANARY: Final[Mapping[str, str]] = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-by-header": "stage",
}


def _alone(annotations: Mapping[str, str], name: str) -> dict[str, str]:
    """Give an Ingress aliases of its own, as only one can have those of the example."""
    return {
        key: value.replace("alias.", f"alias.{name}.") if key.endswith("server-alias") else value
        for key, value in annotations.items()
    }


def _filled(annotations: Mapping[str, str], name: str, place: int) -> dict[str, str]:
    """Fill the names of an Ingress and of its Services in."""
    return {
        key: value.replace("{name}", name).replace("{number}", str(place))
        for key, value in annotations.items()
    }


def _on(made: IngressBuilder, host: str, path: str, kind: str | None, to: str) -> IngressBuilder:
    """Add the rule of a host: the path, and all others."""
    everything = made.host(host).path("/", to=to)
    return everything if path == "/" else everything.path(path, to=to, kind=kind)
