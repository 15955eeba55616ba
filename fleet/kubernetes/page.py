"""Reads one page of a list, object by object.

The values of a JSON text take up to 25 times its size: a page of the permitted 64 MiB could take
1.6 GB. So only one object is decoded at a time, and an object that is too large is not decoded.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from fleet.kubernetes.bounds import size
from fleet.kubernetes.intake import TooMuch

T = TypeVar("T")
Json: TypeAlias = Any  # as an API server sends it

_FIRST_GUESS: Final = 4096
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The objects of a page and its position. `following` is the next page's token, or ""."""

    items: list[T]
    position: str
    following: str


def read_page(body: bytes, read: Callable[[Json], T], most: int) -> Page[T]:
    """Read a page whose objects have at most `most` characters each. O(body).

    Raises TooMuch for a larger object, and ValueError if the body is no list of objects.
    """
    walk = _Walk(body.decode("utf-8", "surrogatepass"), most)
    metadata: Json = None
    items: list[T] = []
    for key in walk.members():
        if key == "items" and walk.is_at("["):
            items += [_read_one(read, item) for item in walk.elements()]
        else:
            value = walk.value()
            metadata = value if key == "metadata" else metadata
    if not isinstance(metadata, dict) or "resourceVersion" not in metadata:
        raise ValueError("it has no position")
    return Page(items, str(metadata["resourceVersion"]), str(metadata.get("continue") or ""))


def _read_one(read: Callable[[Json], T], item: Json) -> T:
    try:
        return read(item)
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError("an item is no object of Kubernetes") from e


class _Walk:
    """Walks through a JSON text, value by value. Raises ValueError if the text is no JSON."""

    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self._most = most
        self._at = 0
        self._guess = _FIRST_GUESS

    def members(self) -> Iterator[Json]:
        """The keys of the next object. The caller takes each value before the next key."""
        for _ in self._entries("{", "}"):
            key = self.value()
            self._expect(":")
            yield key

    def elements(self) -> Iterator[Json]:
        """The elements of the next array, one at a time."""
        for _ in self._entries("[", "]"):
            yield self.value()

    def is_at(self, character: str) -> bool:
        """Whether this character comes next."""
        return self._next() == character

    def value(self) -> Json:
        """Decode the next value. Raises TooMuch if it has more characters than permitted."""
        taken = min(self._guess, self._most)
        while True:
            piece = self._text[self._at : self._at + taken]
            is_rest = self._at + taken >= len(self._text)
            try:
                value, end = _DECODER.raw_decode(piece)
            except RecursionError as e:
                raise ValueError("nested too deeply") from e
            except ValueError:
                if is_rest:
                    raise
            else:
                if end < len(piece) or is_rest:  # otherwise a number may continue
                    self._at += end
                    self._guess = max(_FIRST_GUESS, 2 * end)
                    return value
            if taken >= self._most:
                raise TooMuch(f"it sends an object of more than {size(self._most)}")
            taken = min(8 * taken, self._most)

    def _entries(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each entry between two brackets; the caller then consumes the entry."""
        self._expect(opening)
        if self._next() == closing:
            self._at += 1
            return
        while True:
            self._next()
            yield
            if self._next() == closing:
                self._at += 1
                return
            self._expect(",")

    def _next(self) -> str:
        """Skip blanks, and give the next character, "" at the end."""
        blanks = _BLANKS.match(self._text, self._at)
        self._at = blanks.end() if blanks else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"{character} is missing")
        self._at += 1
        self._next()
