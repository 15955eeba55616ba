"""One answer to a list, read object by object.

JSON takes up to 25 times its size as values: a page of the permitted 64 MiB could take 1.6 GB. So
only one object is a value at a time, and one that is too large is found before it is.
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
    """The objects of a page, its position, and the token of the next page, "" for none."""

    items: list[T]
    position: str
    following: str


def read_page(body: bytes, read: Callable[[Json], T], most: int) -> Page[T]:
    """Read a page whose values have at most so many characters. O(body).

    Raises TooMuch, and ValueError where it is no list of objects.
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
    """Walks through a text of JSON; a mistake in it is a ValueError."""

    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self._most = most
        self._at = 0
        self._guess = _FIRST_GUESS

    def members(self) -> Iterator[Json]:
        """The keys of the object here; the caller takes each value before the next key."""
        for _ in self._entries("{", "}"):
            key = self.value()
            self._expect(":")
            yield key

    def elements(self) -> Iterator[Json]:
        """The elements of the array here, one at a time."""
        for _ in self._entries("[", "]"):
            yield self.value()

    def is_at(self, character: str) -> bool:
        """Whether this character comes next."""
        return self._next() == character

    def value(self) -> Json:
        """The value here."""
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
                if end < len(piece) or is_rest:  # else a number may go on
                    self._at += end
                    self._guess = max(_FIRST_GUESS, 2 * end)
                    return value
            if taken >= self._most:
                raise TooMuch(f"it sends an object of more than {size(self._most)}")
            taken = min(8 * taken, self._most)

    def _entries(self, opening: str, closing: str) -> Iterator[None]:
        """Come by each entry between two brackets."""
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
        """The next character that is no blank, "" at the end."""
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"{character} is missing")
        self._at += 1
        self._next()
