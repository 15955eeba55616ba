"""What somebody probably meant who wrote a word that nobody knows."""

import difflib
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 100
"""Characters of a word that are looked at: comparing takes the square of them."""


def meant(word: str, words: Iterable[str], likeness: float = 0.7) -> str:
    """The one of `words` that is most like `word` in any letters, "" where none is."""
    known = {each.lower(): each for each in words}
    close = difflib.get_close_matches(word[:_LONGEST].lower(), known, n=1, cutoff=likeness)
    return known[close[0]] if close else ""
