"""`canary-*`: an alternative backend for some requests of another Ingress's rules.

Per request: header and query rules, then cookie rules, then weights. The canary routes copy
everything from the main rule but its backend.

    header/query of each canary, oldest first ─▶ cookies of each, oldest first ─▶ weights ─▶ main
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Final

from fleet.problem import Problem
from translators.annotations.feature import Feature
from translators.annotations.reader import Key, Reader, everywhere, own
from translators.annotations.values import (
    boolean,
    cookie_name,
    header_name,
    integer,
    pattern,
    printable,
    query_name,
    query_value,
)
from translators.model import (
    Alternative,
    BackendProtocol,
    Condition,
    Forward,
    Pick,
    Rule,
    Share,
    Target,
    Text,
    Weight,
    Where,
)
from translators.weights import fitted

ENABLED: Final = everywhere(
    "canary", "`true`: add to the rules of another Ingress instead of making own ones"
)
WEIGHT: Final = everywhere(
    "canary-weight", "share of the requests that no other canary rule decides"
)
TOTAL: Final = everywhere("canary-weight-total", "what the weights are shares of, 100 by default")

DEFAULT_TOTAL: Final = 100

_COUNT: Final = integer(0, 10**18 - 1)
_NEVER: Final = "no request goes to the canary by it"


@dataclass(frozen=True, slots=True)
class _By:
    """The keys of one kind of rule: by header, by query parameter or by cookie."""

    where: Where
    name: Key
    value: Key
    pattern: Key | None = None


HEADER: Final = _By(
    Where.HEADER,
    everywhere(
        "canary-by-header",
        "a header: `always` goes to the canary, `never` to the main for sure",
    ),
    everywhere("canary-by-header-value", "the header's value that goes to the canary"),
    everywhere("canary-by-header-pattern", "RE2 pattern to be found in the header's value"),
)
QUERY: Final = _By(
    Where.QUERY,
    own("canary-by-query", "as the header, for a query parameter"),
    own("canary-by-query-value", "the parameter's value that goes to the canary"),
    own("canary-by-query-pattern", "RE2 pattern to be found in the parameter's value"),
)
COOKIE: Final = _By(
    Where.COOKIE,
    everywhere("canary-by-cookie", "as the header, for a cookie"),
    own("canary-by-cookie-value", "the cookie's value that goes to the canary"),
)

KEYS: Final = (
    ENABLED,
    WEIGHT,
    TOTAL,
    *(k for by in (HEADER, QUERY, COOKIE) for k in (by.name, by.value, by.pattern) if k),
)


def parse(reader: Reader) -> Alternative | None:
    """Read the canary; `canary: "false"` and none that is usable are an ordinary Ingress."""
    enabled = reader.find(ENABLED, boolean, "it counts as absent: this is an ordinary Ingress")
    if enabled is None or not enabled.value:
        return None
    alternative = Alternative(
        (*_picks(reader, HEADER), *_picks(reader, QUERY)), _picks(reader, COOKIE), _weight(reader)
    )
    if alternative == Alternative():
        reader.note(
            enabled,
            "CanaryWithoutRule",
            "a usable canary-by-header, -by-query, -by-cookie or canary-weight beside it",
            "no request goes to the canary",
        )
    return alternative


def _weight(reader: Reader) -> Weight | None:
    """The weight; none without a usable total, since 1 meant of 1000 is not 1 of 100."""
    found = reader.find(WEIGHT, _COUNT, _NEVER)
    total = reader.read(TOTAL, _COUNT, "no request goes to the canary by its weight")
    if found is None or (total is None and reader.has(TOTAL)):
        return None
    return Weight(found.value, DEFAULT_TOTAL if total is None else total, found.spelling)


def _picks(reader: Reader, by: _By) -> tuple[Pick, ...]:
    """The rules of one kind. A value or pattern that is unusable never matches."""
    parse_name = {Where.HEADER: header_name, Where.COOKIE: cookie_name, Where.QUERY: query_name}
    name = reader.read(by.name, parse_name[by.where])
    if name is None:
        return ()
    if reader.has(by.value):
        parse_value = query_value if by.where is Where.QUERY else printable
        value = reader.read(by.value, parse_value, _NEVER)
        return () if value is None else (_pick(by, name, Text(value), canary=True),)
    if by.pattern and reader.has(by.pattern):
        found = reader.read(by.pattern, _anywhere, _NEVER)
        return () if found is None else (_pick(by, name, found, canary=True),)
    return (
        _pick(by, name, Text("always"), canary=True),
        _pick(by, name, Text("never"), canary=False),
    )


def _anywhere(text: str) -> Text:
    """A pattern that is to be found somewhere in a value."""
    found = pattern(text, ".*(?:{}).*")
    return Text(found.regex, regex=True, instructions=found.instructions)


def _pick(by: _By, name: str, text: Text, *, canary: bool) -> Pick:
    return Pick(Condition(by.where, name, (text,)), canary)


def _apply(rule: Rule, alternative: Alternative) -> Rule:
    return replace(rule, alternative=alternative)


@dataclass(frozen=True, slots=True)
class _Canary:
    """A canary rule, and what it sends to its backend and to the main's behind it."""

    rule: Rule
    alternative: Alternative
    forward: Forward


def relate(main: Rule, canaries: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules that serve the main rule's path, in the order in which they are asked.

    `canaries` are rules with an alternative and the main's host and path, oldest first.
    """
    action = main.action
    if not canaries or not isinstance(action, Forward):
        return (main,)
    related = [
        _Canary(rule, rule.alternative, _with_fallback(rule.action, action))
        for rule in canaries
        if rule.alternative is not None and isinstance(rule.action, Forward)
    ]
    picks = [(c, pick) for c in related for pick in c.alternative.by_request]
    picks += [(c, pick) for c in related for pick in c.alternative.by_cookie]
    sure = [
        replace(
            main,
            origin=c.rule.origin if pick.canary else main.origin,
            at=c.rule.at if pick.canary else main.at,
            conditions=(*main.conditions, pick.condition),
            action=c.forward if pick.canary else action,
        )
        for c, pick in picks
    ]
    return (*sure, replace(main, action=_weighted(action, related)))


def excessive(canaries: Sequence[Rule]) -> Iterator[Problem]:
    """The problems of weights above the total, for canaries as `relate` takes them."""
    weights = [(c, c.alternative.weight) for c in canaries if c.alternative]
    weighted = [(rule, weight) for rule, weight in weights if weight]
    for rule, weight in weighted:
        oldest, first = weighted[0]
        if weight.value > first.total:
            whose = "" if rule.origin == oldest.origin else f" of {oldest.origin}"
            yield Problem(
                rule.origin,
                "WeightAboveTotal",
                weight.key,
                str(weight.value),
                f"at most {first.total}, the total{whose}",
                f"it counts as {first.total}",
            )


def _with_fallback(canary: Forward, main: Forward) -> Forward:
    """The canary's targets, each followed by the main's: without a usable Pod the main serves.

    A subset of the main's own Service needs no such help, it falls back to the whole Service. What
    does not say what it speaks speaks as the main does.
    """
    protocol = main.shares[0].target.backends[0].protocol
    canary = canary.each(
        lambda b: b._replace(protocol=protocol) if b.protocol is BackendProtocol.HTTP else b
    )
    by_weight = sorted(main.shares, key=lambda share: -share.weight)
    mains = [backend for share in by_weight for backend in share.target.backends]
    shares = []
    for share in canary.shares:
        pools = {backend.pool for backend in share.target.backends}
        others = tuple(backend for backend in mains if backend.pool not in pools)
        shares.append(Share(Target((*share.target.backends, *others)), share.weight))
    return Forward(tuple(shares))


def _weighted(main: Forward, canaries: Sequence[_Canary]) -> Forward:
    """Main and canaries by weight.

    The total is that of the oldest canary with a weight, or the sum where the sum exceeds it; no
    weight counts as more than the total of the oldest. The main gets the rest.
    """
    weighted = [(c.forward, c.alternative.weight) for c in canaries if c.alternative.weight]
    total = weighted[0][1].total if weighted else 0
    counted = [(forward, min(weight.value, total)) for forward, weight in weighted]
    taken = sum(weight for _, weight in counted)
    if not taken:
        return main
    parts = [(main, max(total - taken, 0)), *counted]
    return _mix([(forward, weight) for forward, weight in parts if weight])


def _mix(parts: Sequence[tuple[Forward, int]]) -> Forward:
    """One Forward of weighted ones.

    The integers stay as they are where each has one share and their sum fits.
    """
    sums = [sum(share.weight for share in forward.shares) for forward, _ in parts]
    common = lcm(*sums)
    mixed = [
        (share.target, weight * share.weight * (common // total))
        for (forward, weight), total in zip(parts, sums, strict=True)
        for share in forward.shares
    ]
    weights = fitted([weight for _, weight in mixed])
    return Forward(
        tuple(Share(target, weight) for (target, _), weight in zip(mixed, weights, strict=True))
    )


FEATURE: Final = Feature("Canary", KEYS, parse, _apply)
