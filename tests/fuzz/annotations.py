"""Random Ingresses with the annotations of the MSE dialect, each on a host of its own.

The annotations are those of the code's features, so a new one takes part by itself. A value is the
annotation's example, the example with a slip, or a text that is meant to do harm.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from fleetgate.demo.http import Question
from tests.fuzz.generator import NAMES, NUMBERS, REGEXES, TEXTS
from tests.support.annotations import example, examples
from tests.support.builders import IngressBuilder, ingress
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import Key
from translators.dialects.mse.features import FEATURES
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

T = TypeVar("T")
Json = Any  # a manifest, right or wrong

SECRETS: Final = ("good", "broken", "empty", "missing", "other/good", "a/b/c", "", "%")
"""Names of Secrets; the fleet has the first three."""

EXAMPLES: Final = tuple(
    value for feature in FEATURES for value in dict.fromkeys(examples(feature).values())
)

HARMFUL: Final = (
    *TEXTS,
    *NAMES,
    *REGEXES,
    *(str(number) for number in NUMBERS),
    *("1.5", "0x10", "1e3", "+5", "-0", "00", "1s", "1m", "1k", "1g", "1_000", "\u0661", "inf"),
    *("0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.1/8", "::1/129", "fe80::1%1/64", "10.0.0.0/-1"),
    *(
        "http://",
        "https://",
        "http:///x",
        "http://a b/",
        "http://[::1]:80/",
        "http://u:p@h/",
        "//h",
    ),
    *("http://h:0/", "http://h:99999/", "http://%zz/", "http://h/%", "http://h/\\1", "ftp://h/"),
    *("http://h/?a=%REQ(x)%", "http://h/#f", "http://h/$1", "HTTP://H/", "http://" + "a" * 300),
    *("http://web.default.svc:80/", "http://web.default.svc.cluster.local/", "http://127.0.0.1:1"),
    *("/$1", "/$9", "/$10", "/$0", "/\\1", "/\\9", "/$", "/a b", "/?x", "/#x", "/$1$2$1", "$1"),
    *(
        "x-a 1\nx-b 2",
        "x-a",
        "x-a \x01",
        ":path /",
        "host h",
        "x a\nx b",
        "x-a %",
        "content-length 5",
    ),
    *("transfer-encoding chunked", "x-a '", 'x-a "', "'x a' b", "x-a  ", "connection close"),
    *("200,404", "99", "600", "404,,", "404;405", "100", "304", "204", "599"),
    *("TLSv1.0", "TLSv1.3", "SSLv3", "TLSv1.2 TLSv1.3", "ALL:!aNULL", "AES128-SHA", "HIGH"),
    *("off", "on", "error timeout", "http_503", "http_999", "non_idempotent", "error,off", "http_"),
    *(
        "$request_uri",
        "$host",
        "$remote_addr",
        "$http_x",
        "$arg_x",
        "$http_",
        "$cookie_x",
        "${host}",
    ),
    *("https://*.a.test", "https://*", "*,https://a.test", "https://a.test:x", "null", "*.a.test"),
    *("GET", "GET,POST", "GET POST", "get", "G E T", "M" * 200, "CONNECT", "*"),
)
"""Values that suit few annotations, or none."""

_SLIPS: Final = (
    "",
    " ",
    ",",
    ", ",
    "\n",
    ";",
    "%",
    "$1",
    "\\",
    '"',
    "'",
    "\x01",
    "ä",
    "-",
    "/",
    "*",
)
_PATHS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("/", "/a", "/a/"), "/a"),
    "/something(/|$)(.*)": "/something/x",
    "/([a-z]+)/x.*": "/something/x",
    "/a.b": "/a.b",
    "/ä": "/%C3%A4",
    "/%2f": "/%2F",
    "/(": "/",
}
"""Paths as they are declared, each with one that requests ask for."""

_KINDS: Final = ("Prefix", "Prefix", "Exact", "ImplementationSpecific", None)


@dataclass(frozen=True, slots=True)
class Declared:
    """Ingresses of one host, and the requests that reach its routes."""

    name: str
    manifests: tuple[Json, ...]
    questions: tuple[Question, ...]
    keys: frozenset[str]
    """The spellings that the main Ingress has."""


class Annotations:
    """Makes Ingresses from a seed. The number of an Ingress decides about all of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 (to be repeatable is the point)

    def make(self, number: int) -> Declared:
        """Make the Ingress of a number, and sometimes a canary beside it."""
        self._random = Random(f"{self._seed}/{number}")  # noqa: S311 (as above)
        name = f"n{number}"
        declared, asked = self._host(name)
        path = self._one_of(tuple(_PATHS)) if self._chance(60) else "/"
        kind = self._one_of(_KINDS)
        annotations = self._annotations()
        main = _on(ingress(name), declared, path, kind, "web:80").annotate(annotations)
        if self._chance(30):
            main = main.tls(self._one_of(SECRETS), *([declared] if self._chance(80) else []))
        made = [main.of_class("mse")]
        if self._chance(25):
            canary = _on(ingress(f"{name}-canary"), declared, path, kind, "api:80")
            own = {**self._annotations(), **_CANARY}
            made.append(canary.annotate(own).of_class("mse"))
        return Declared(
            name,
            tuple(each.manifest for each in made),
            tuple(self._questions(asked, _PATHS[path])),
            frozenset(annotations),
        )

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

    def _questions(self, host: str, path: str) -> list[Question]:
        headers = {
            "origin": "https://a.test",
            "cookie": "stage=gray; INGRESSCOOKIE=abc",
            "stage": self._one_of(("gray", "always", "never")),
            "authorization": "Basic YTpi",
        }
        preflight = {**headers, "access-control-request-method": "PUT"}
        return [
            Question(path, host),
            Question(f"{path}?stage=gray&x=1", host, headers),
            self._one_of(
                (
                    Question(path, host, headers, "POST", b"x" * self._one_of((1, 5000))),
                    Question(path, host, preflight, "OPTIONS"),
                    Question(
                        f"{path}/b/c", host, {"upgrade": "websocket", "connection": "upgrade"}
                    ),
                    Question("/", host, {**headers, "x-forwarded-proto": "https"}),
                )
            ),
        ]

    def _annotations(self) -> dict[str, str]:
        chosen: dict[str, str] = {}
        features = FEATURES if self._chance(20) else _ORDINARY
        for _ in range(self._random.randint(1, 4)):
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
        slip = self._one_of(_SLIPS)
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

_CANARY: Final[Mapping[str, str]] = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-by-header": "stage",
}


def _on(made: IngressBuilder, host: str, path: str, kind: str | None, to: str) -> IngressBuilder:
    """Add the rule of a host: the path, and all others."""
    everything = made.host(host).path("/", to=to)
    return everything if path == "/" else everything.path(path, to=to, kind=kind)
