"""Finds the known word that a misspelt word was probably meant to be."""

import difflib
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 100
"""Characters of a word that are compared. The time of a comparison grows with their square."""


def meant(word: str, words: Iterable[str], likeness: float = 0.7) -> str:
    """The one of `words` that resembles `word` most, whatever the case; "" if none does enough.

    `likeness` is from 0 to 1.
    """
    known = {candidate.lower(): candidate for candidate in words}
    close = difflib.get_close_matches(word[:_LONGEST].lower(), known, n=1, cutoff=likeness)
    return known[close[0]] if close else ""
