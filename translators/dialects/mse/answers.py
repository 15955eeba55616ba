"""The annotations `proxy-redirect-*` and `proxy-cookie-*`: changes in the answers of backends."""

import re
from typing import Final

from translators.dialects.annotations.feature import rule_feature, with_policy
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import NGINX_VARIABLE
from translators.policies.answers import AnswerChanges, Swap

FROM: Final = shared(
    "proxy-redirect-from",
    "the begin of URLs in the headers Location and Refresh of answers, which `proxy-redirect-to` "
    "replaces; `off` changes nothing",
    default="`off`",
    differs="no `default`, no patterns and no variables",
    example="http://web.internal/",
)

TO: Final = shared(
    "proxy-redirect-to",
    "the text that replaces the one of `proxy-redirect-from`",
    differs="no variables",
    example="/",
)

DOMAIN: Final = shared(
    "proxy-cookie-domain",
    "`off`, or two domains by blank: the second replaces the first in cookies",
    default="`off`",
    differs="one pair; no patterns and no variables",
    example="web.internal web.test",
)

PATH: Final = shared(
    "proxy-cookie-path",
    "`off`, or two paths by blank: the second replaces the first where paths of cookies begin so",
    default="`off`",
    differs="one pair; no patterns and no variables",
    example="/internal /shop",
)

_WORD: Final = re.compile(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e]{1,1024}")
"""Printable ASCII without comma and semicolon, which end a cookie or an attribute."""

_VARIABLE: Final = re.compile(rf"{NGINX_VARIABLE.pattern}|\$[0-9]")
"""A variable, or a group of a pattern."""

_OFF: Final = "off"


def word(text: str) -> str:
    """Read a text to compare with or to put in."""
    if text == "default" or text.startswith("~") or _VARIABLE.search(text):
        raise Unusable("a text, and no pattern or variable of NGINX")
    if not _WORD.fullmatch(text):
        raise Unusable("a text without blank, comma and semicolon")
    return text


def swap(text: str) -> Swap | None:
    """Read a text and the one that takes its place; None for `off`."""
    if text == _OFF:
        return None
    words = text.split()
    if len(words) != 2:
        raise Unusable("off, or two words: what is there, and what replaces it")
    return word(words[0]), word(words[1])


def parse(reader: Reader) -> AnswerChanges | None:
    """Read all changes; None if there are none."""
    changes = AnswerChanges(
        _url(reader), reader.read(DOMAIN, swap) or None, reader.read(PATH, swap) or None
    )
    return None if changes == AnswerChanges() else changes


def _url(reader: Reader) -> Swap | None:
    found = reader.find(FROM, word)
    to = reader.read(TO, word)
    if found is None or found.value == _OFF:
        return None
    if to is None and not reader.has(TO):
        reader.note(found, "InvalidAnnotation", "proxy-redirect-to beside it", "no URL is changed")
    return None if to is None else (found.value, to)


FEATURE: Final = rule_feature("Changes in answers", (FROM, TO, DOMAIN, PATH), parse, with_policy)
