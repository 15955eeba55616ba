"""How annotation values are read: booleans, numbers, names, regexes. Each raises `Unusable`."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import re2

from translators.annotations.reader import Unusable

_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_DURATION: Final = re.compile(r"([0-9]{1,8})(ms|s)")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_PARAMETER: Final = re.compile(r"[\x21\x22\x24\x25\x27-\x3c\x3e-\x7e]{1,4096}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]{1,4096}")
_MAX_QUERY_VALUE: Final = 4096
_MAX_PROGRAM: Final = 10_000
"""Instructions of a compiled regex. Envoy's own limit is 100 unless the bootstrap says otherwise;
ours says 32768, which leaves room for what translation puts around a user's pattern."""


def boolean(text: str) -> bool:
    """Go's `strconv.ParseBool`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Unusable("true or false")


def integer(low: int, high: int) -> Callable[[str], int]:
    """A decimal integer without unit, within the bounds."""

    def parse(text: str) -> int:
        if _INTEGER.fullmatch(text) and low <= (number := int(text)) <= high:
            return number
        raise Unusable(f"an integer from {low} to {high}")

    return parse


def duration(low: timedelta, high: timedelta, examples: str) -> Callable[[str], timedelta]:
    """A whole number with its unit, ms or s, within the bounds."""

    def parse(text: str) -> timedelta:
        if found := _DURATION.fullmatch(text):
            value = timedelta(milliseconds=int(found[1]) * (1 if found[2] == "ms" else 1000))
            if low <= value <= high:
                return value
        raise Unusable(f"a time from {_span(low)} to {_span(high)}, such as {examples}")

    return parse


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def header_name(text: str) -> str:
    """A token of RFC 9110 section 5.6.2, in lower case, as Envoy keeps header names.

    Listeners drop headers with underscores there: backends may take them for "-".
    """
    if not _TOKEN.fullmatch(text):
        raise Unusable("a header name (letters, digits, - and the like)")
    if "_" in text:
        raise Unusable(
            "a header name without _",
            "requests lose such headers at the gateway, so nothing would match it",
        )
    return text.lower()


def cookie_name(text: str) -> str:
    """A token; cookie names are compared with case."""
    if _TOKEN.fullmatch(text):
        return text
    raise Unusable("a cookie name (letters, digits, - and the like)")


def query_name(text: str) -> str:
    """The name of a query parameter, which is compared as requests spell it."""
    if _PARAMETER.fullmatch(text):
        return text
    raise Unusable("a parameter's name as requests spell it, percent-encoded (such as a%20b)")


def query_value(text: str) -> str:
    """One line that still makes a regex for Envoy where each byte has two spellings."""
    if len(printable(text).encode()) > _MAX_QUERY_VALUE:
        raise Unusable(f"one line of at most {_MAX_QUERY_VALUE} bytes")
    return text


def printable(text: str) -> str:
    """One line without control characters, of at most 4096 characters."""
    if _PRINTABLE.fullmatch(text):
        return text
    raise Unusable("one line of at most 4096 characters")


def regex(text: str) -> str:
    """A pattern that RE2, Envoy's engine, accepts."""
    printable(text)
    # In a group too, as translation puts it: an open \Q would quote the group's end.
    if error := regex_error(text) or regex_error(f"(?:{text})"):
        raise Unusable(f"a regular expression of RE2's syntax: {error}")
    return text


def regex_error(pattern: str) -> str | None:
    """Why Envoy would refuse the pattern, or None. Costs a compilation.

    Envoy matches bytes: a character beyond ASCII is two to four of them, and `\\x{100}` is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        size = re2.compile(pattern.encode(), options).programsize
    except re2.error as e:
        return e.args[0].decode(errors="replace") if e.args else "not accepted"
    return None if size <= _MAX_PROGRAM else f"too large ({size} instructions)"


def lines(text: str) -> tuple[str, ...]:
    """The lines that are not blank, trimmed."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
