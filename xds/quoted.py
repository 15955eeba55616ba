"""Texts of clients, in a form that fits a line of a log or a table."""

from typing import Final

MOST: Final = 120
"""Characters that are shown of a text, unless said otherwise."""

MESSAGE: Final = 1000
"""Characters that are shown of an explanation, such as that of a NACK."""


def cut(text: str, most: int = MOST) -> str:
    """The text, or its beginning with a mark that there is more."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def quoted(text: str, most: int = MOST) -> str:
    """One word as it is; any other text cut, in quotes, with escapes for what is not printable."""
    is_word = text.isprintable() and not any(c in " '\"=" for c in text[:most])
    return text if is_word and len(text) <= most else repr(cut(text, most))


def printable(text: str) -> str:
    """The text with escapes for what is not printable."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
