"""The annotations `request-header-control-*` and `response-header-control-*`.

They hold for the backends of their own Ingress: a canary has its own, and not those of its main.
"""

import re
from typing import Final

from translators.dialects.annotations.feature import rule_feature, with_policy_of_shares
from translators.dialects.annotations.header_names import editable_header
from translators.dialects.annotations.reader import Reader, Unusable, own
from translators.dialects.annotations.values import lines, printable
from translators.model.bounds import MAX_HEADER_LINES, MAX_HEADER_TEXT
from translators.policies.headers import HeaderControl, HeaderEdits

_SIDES: Final = {"request": "requests to the backends", "response": "answers of the backends"}

_ADD: Final = {
    side: own(
        f"{side}-header-control-add",
        f"lines of a header and a value to append to {of}",
        example="x-team shop",
    )
    for side, of in _SIDES.items()
}
_UPDATE: Final = {
    side: own(
        f"{side}-header-control-update",
        f"lines of a header and its new value in {of}",
        example="x-stage gray",
    )
    for side, of in _SIDES.items()
}
_REMOVE: Final = {
    side: own(
        f"{side}-header-control-remove",
        f"headers to remove from {of}, by comma, at first",
        example="x-debug, x-trace",
    )
    for side, of in _SIDES.items()
}

_EXPECTED: Final = "lines of a header, a blank and a value"

_QUOTED: Final = re.compile(r"(?P<quote>[\"'])(?P<text>.*)(?P=quote)")

_LINE: Final = re.compile(r"(?P<name>\S+)\s+(?P<value>\S.*)")


def parse(reader: Reader) -> HeaderControl | None:
    """Read all changes; None if there are none."""
    control = HeaderControl(*(_edits(reader, side) for side in _SIDES))
    return None if control == HeaderControl(HeaderEdits(), HeaderEdits()) else control


def _edits(reader: Reader, side: str) -> HeaderEdits:
    return HeaderEdits(
        remove=reader.items(_REMOVE[side], _names, editable_header, "names of headers by comma"),
        update=reader.items(_UPDATE[side], _lines, _line, _EXPECTED),
        add=reader.items(_ADD[side], _lines, _line, _EXPECTED),
    )


def _lines(text: str) -> tuple[str, ...]:
    if len(text) > MAX_HEADER_TEXT:
        raise Unusable(f"at most {MAX_HEADER_TEXT} characters")
    return lines(text, MAX_HEADER_LINES)


def _names(text: str) -> tuple[str, ...]:
    return _lines(text.replace(",", "\n"))


def _line(text: str) -> tuple[str, str]:
    found = _LINE.fullmatch(text)
    if not found:
        raise Unusable("a header, a blank and its value")
    value = _unquoted(found["value"])
    return editable_header(_unquoted(found["name"])), value and printable(value)


def _unquoted(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted["text"] if quoted else text


FEATURE: Final = rule_feature(
    "Header control",
    tuple(keys[side] for side in _SIDES for keys in (_ADD, _UPDATE, _REMOVE)),
    parse,
    with_policy_of_shares,
)
