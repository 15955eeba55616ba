"""Annotations of Higress that narrow the rules of an Ingress: by method, header or query.

A rule that cannot be narrowed as declared would take requests that are meant for others, so such an
annotation closes the paths of its Ingress.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader, Unusable, own
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.values import (
    field_name,
    pattern,
    printable,
    query_name,
)
from translators.model.bounds import MAX_CONDITION_TEXT, MAX_CONDITIONS, MAX_MATCHED
from translators.model.conditions import Condition, Text, Where, in_order
from translators.model.rules import Rule

METHOD: Final = own(
    "match-method",
    "methods of the requests that the rules take, by blank",
    default="all methods",
    example="GET POST",
)

_MOST_METHODS: Final = 16

_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}")

_PSEUDO: Final = frozenset({"authority", "method", "path", "scheme"})


def _header(text: str) -> str:
    name = field_name(text)
    if "_" in name:
        raise Unusable("a header name without _, because requests lose such headers at the gateway")
    return name


def _pseudo_header(text: str) -> str:
    if text not in _PSEUDO:
        raise Unusable(f"one of the pseudo headers {', '.join(sorted(_PSEUDO))}")
    return f":{text}"


def _exact(text: str) -> Text:
    return Text(_short(text))


def _prefix(text: str) -> Text:
    return Text(_short(text), prefix=True)


def _regex(text: str) -> Text:
    found = pattern(text)
    return Text(found.regex, regex=True, instructions=found.instructions)


def _short(text: str) -> str:
    if len(printable(text).encode()) > MAX_MATCHED:
        raise Unusable(f"one line of at most {MAX_MATCHED} bytes")
    return text


_PLACES: Final[Mapping[str, tuple[Where, Callable[[str], str], str, str]]] = {
    "header": (Where.HEADER, _header, "the header NAME", "stage gray"),
    "query": (Where.QUERY, query_name, "the query parameter NAME", "stage gray"),
    "pseudo-header": (
        Where.HEADER,
        _pseudo_header,
        "the pseudo header NAME, such as `authority`,",
        "method GET",
    ),
}

_WAYS: Final[Mapping[str, tuple[Callable[[str], Text], str]]] = {
    "exact": (_exact, "a text that equals"),
    "prefix": (_prefix, "a text that begins"),
    "regex": (_regex, "an RE2 pattern for the whole of"),
}

FAMILIES: Final[Mapping[Key, tuple[Where, Callable[[str], str], Callable[[str], Text]]]] = {
    own(
        f"{way}-match-{place}-",
        f"{what} {of} of the requests that the rules take",
        example=example,
        family=True,
    ): (where, name, value)
    for way, (value, what) in _WAYS.items()
    for place, (where, name, of, example) in _PLACES.items()
}


def read(reader: Reader, wanted: Wanted) -> None:
    """Narrow the rules, or close their paths."""
    effect = Without.narrowed(is_canary=wanted.split is not None)
    declared = [(METHOD, _methods), *_declared(reader)]
    conditions = []
    room = _Room()
    for key, parse in declared:
        condition = reader.read(key, room.within(parse), effect)
        if condition is not None:
            conditions.append(condition)
        elif reader.has(key):
            wanted.unusable.add(Without.NARROWED)
    if any(map(reader.is_unread, (METHOD, *FAMILIES))):
        wanted.unusable.add(Without.NARROWED)
    if conditions:
        narrowed = in_order(conditions)
        wanted.changes.append(lambda rule: _narrow(rule, narrowed))


@dataclass(slots=True)
class _Room:
    """The bytes that the values of all conditions of an Ingress have taken."""

    taken: int = 0

    def within(self, parse: Callable[[str], Condition]) -> Callable[[str], Condition]:
        """Make a parser of conditions that there is room for."""

        def parse_within(text: str) -> Condition:
            condition = parse(text)
            if self.taken + condition.size > MAX_CONDITION_TEXT:
                raise Unusable(
                    f"at most {MAX_CONDITION_TEXT} bytes in all conditions of an Ingress together"
                )
            self.taken += condition.size
            return condition

        return parse_within


def _declared(reader: Reader) -> Iterator[tuple[Key, Callable[[str], Condition]]]:
    """Yield the annotations of all families, each with its parser."""
    count = 0
    for family, (where, name, value) in FAMILIES.items():
        for key in reader.members(family):
            count += 1
            named = key.name.removeprefix(family.name)
            parse = _condition(where, name, named, value) if count < MAX_CONDITIONS else _too_many
            yield key, parse


def _condition(
    where: Where, name: Callable[[str], str], named: str, value: Callable[[str], Text]
) -> Callable[[str], Condition]:
    return lambda text: Condition(where, name(named), (value(text),))


def _too_many(_: str) -> Condition:
    raise Unusable(f"at most {MAX_CONDITIONS} conditions of an Ingress")


def _methods(text: str) -> Condition:
    words = sorted({word.upper() for word in text.replace(",", " ").split()})
    if not 0 < len(words) <= _MOST_METHODS or not all(map(_METHOD.fullmatch, words)):
        raise Unusable(f"up to {_MOST_METHODS} methods, such as GET POST")
    return Condition(Where.METHOD, "", tuple(map(Text, words)))


def _narrow(rule: Rule, conditions: tuple[Condition, ...]) -> Rule:
    return replace(rule, conditions=(*rule.conditions, *conditions))


FEATURE: Final = Feature("Conditions of rules", (METHOD, *FAMILIES), read)
