"""The annotations `canary-*`: a second backend for some requests of another Ingress's rules.

Envoy decides about each request by header and query rules first, then by cookie rules, then by
weights. A canary's route copies everything from the main rule but its backend.

    header/query of each canary, oldest first ─▶ cookies of each, oldest first ─▶ weights ─▶ main
"""

from dataclasses import dataclass
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader, everywhere, own
from translators.dialects.annotations.values import (
    boolean,
    cookie_name,
    header_name,
    integer,
    pattern,
    printable,
    query_name,
    query_value,
)
from translators.model.canaries import Pick, Split, Weight
from translators.model.conditions import Condition, Text, Where

ENABLED: Final = everywhere(
    "canary",
    "`true`: add to the rules of another Ingress instead of making own ones",
    default="`false`",
    differs="any number of canaries for a path",
    example="true",
)

WEIGHT: Final = everywhere(
    "canary-weight",
    "share of the requests that no other canary rule decides",
    default="0",
    example="10",
)

TOTAL: Final = everywhere(
    "canary-weight-total",
    "what the weights are shares of",
    default="100",
    example="1000",
)

DEFAULT_TOTAL: Final = 100

_COUNT: Final = integer(0, 10**18 - 1)

_NEVER: Final = "no request goes to the canary by it"


@dataclass(frozen=True, slots=True)
class _By:
    """The keys of one kind of canary rule: by header, by query parameter or by cookie."""

    where: Where
    name: Key
    value: Key
    pattern: Key | None = None


HEADER: Final = _By(
    Where.HEADER,
    everywhere(
        "canary-by-header",
        "a header: `always` goes to the canary, `never` to the main for sure",
        example="stage",
    ),
    everywhere(
        "canary-by-header-value",
        "the header's value that goes to the canary",
        default="`always` and `never`",
        example="gray",
    ),
    everywhere(
        "canary-by-header-pattern",
        "RE2 pattern to be found in the header's value",
        default="`always` and `never`",
        differs="RE2 instead of PCRE, of a bounded size",
        example="gray.*",
    ),
)

QUERY: Final = _By(
    Where.QUERY,
    own("canary-by-query", "as the header, for a query parameter", example="stage"),
    own(
        "canary-by-query-value",
        "the parameter's value that goes to the canary",
        default="`always` and `never`",
        example="gray",
    ),
    own(
        "canary-by-query-pattern",
        "RE2 pattern to be found in the parameter's value",
        default="`always` and `never`",
        example="gray.*",
    ),
)

COOKIE: Final = _By(
    Where.COOKIE,
    everywhere("canary-by-cookie", "as the header, for a cookie", example="stage"),
    own(
        "canary-by-cookie-value",
        "the cookie's value that goes to the canary",
        default="`always` and `never`",
        example="gray",
    ),
)

KEYS: Final = (
    ENABLED,
    WEIGHT,
    TOTAL,
    *(k for by in (HEADER, QUERY, COOKIE) for k in (by.name, by.value, by.pattern) if k),
)


def parse(reader: Reader) -> Split | None:
    """Read the split of a canary; None for an ordinary Ingress.

    An Ingress whose `canary` is "false", absent or unusable is an ordinary one.
    """
    enabled = reader.find(ENABLED, boolean, "it counts as absent: this is an ordinary Ingress")
    if enabled is None or not enabled.value:
        return None
    split = Split(
        (*_picks(reader, HEADER), *_picks(reader, QUERY)), _picks(reader, COOKIE), _weight(reader)
    )
    if split == Split():
        reader.note(
            enabled,
            "CanaryWithoutRule",
            "a usable canary-by-header, -by-query, -by-cookie or canary-weight beside it",
            "no request goes to the canary",
        )
    return split


def _weight(reader: Reader) -> Weight | None:
    """Read the weight. An unusable total makes it unusable too: 1 of 1000 is not 1 of 100."""
    found = reader.find(WEIGHT, _COUNT, _NEVER)
    total = reader.read(TOTAL, _COUNT, "no request goes to the canary by its weight")
    if found is None or (total is None and reader.has(TOTAL)):
        return None
    return Weight(found.value, DEFAULT_TOTAL if total is None else total, found.spelling)


def _picks(reader: Reader, by: _By) -> tuple[Pick, ...]:
    """Read the rules of one kind. There is none if the value or pattern is unusable."""
    parse_name = {Where.HEADER: header_name, Where.COOKIE: cookie_name, Where.QUERY: query_name}
    name = reader.read(by.name, parse_name[by.where])
    if name is None:
        return ()
    parse_value = query_value if by.where is Where.QUERY else printable
    value = reader.read(by.value, parse_value, _NEVER)
    found = reader.read(by.pattern, _anywhere, _NEVER) if by.pattern else None
    if reader.has(by.value):
        return () if value is None else (_pick(by, name, Text(value), canary=True),)
    if by.pattern and reader.has(by.pattern):
        return () if found is None else (_pick(by, name, found, canary=True),)
    return (
        _pick(by, name, Text("always"), canary=True),
        _pick(by, name, Text("never"), canary=False),
    )


def _anywhere(text: str) -> Text:
    """Read a pattern that may match any part of a value."""
    found = pattern(text, ".*(?:{}).*")
    return Text(found.regex, regex=True, instructions=found.instructions)


def _pick(by: _By, name: str, text: Text, *, canary: bool) -> Pick:
    return Pick(Condition(by.where, name, (text,)), canary)


def read(reader: Reader, wanted: Wanted) -> None:
    """Make the Ingress a canary, if it is one."""
    wanted.split = parse(reader)


FEATURE: Final = Feature("Canary", KEYS, read)
