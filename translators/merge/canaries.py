"""Canaries are combined with the main rule of their path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm

from fleet.problem import Problem
from translators.model.actions import Forward
from translators.model.backends import Target
from translators.model.canaries import Canary, Split
from translators.model.rules import Rule
from translators.model.weights import fitted


@dataclass(frozen=True, slots=True)
class _Taking:
    """A canary rule and its split. In `forward` the main rule's backends stand in for its own."""

    rule: Rule
    split: Split
    forward: Forward


def relate(main: Rule, canaries: Sequence[Canary]) -> tuple[Rule, ...]:
    """Return the rules that serve the main rule's path, in the order of their evaluation.

    `canaries` are those of the main rule's host and path, oldest first.
    """
    action = main.action
    if not canaries or not isinstance(action, Forward):
        return (main,)
    related = [
        _Taking(canary.rule, canary.split, _with_fallback(canary.rule.action, action))
        for canary in canaries
        if isinstance(canary.rule.action, Forward)
    ]
    picks = [(c, pick) for c in related for pick in c.split.by_request]
    picks += [(c, pick) for c in related for pick in c.split.by_cookie]
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


def excessive(canaries: Sequence[Canary]) -> Iterator[Problem]:
    """Report weights that exceed the total; `canaries` are the same as for `relate`."""
    weights = [(c.rule, c.split.weight) for c in canaries]
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
    """Add the main's backends behind each target of the canary, for lack of a usable Pod there.

    A target in the same Service as the main falls back to the whole Service by itself. A canary
    backend without a protocol takes the protocol of the main.
    """
    protocol = main.shares[0].target.backends[0].protocol
    canary = canary.each(lambda b: b if b.protocol else b._replace(protocol=protocol))
    by_weight = sorted(main.shares, key=lambda share: -share.weight)
    mains = [backend for share in by_weight for backend in share.target.backends]
    shares = []
    for share in canary.shares:
        pools = {backend.pool for backend in share.target.backends}
        others = tuple(backend for backend in mains if backend.pool not in pools)
        shares.append(replace(share, target=Target((*share.target.backends, *others))))
    return Forward(tuple(shares))


def _weighted(main: Forward, canaries: Sequence[_Taking]) -> Forward:
    """Divide requests between the main and the canaries by weight.

    The oldest canary with a weight sets the total. A larger weight counts as the total. The main
    gets the rest; there is none if the weights reach or exceed the total together.
    """
    weighted = [(c.forward, c.split.weight) for c in canaries if c.split.weight]
    total = weighted[0][1].total if weighted else 0
    counted = [(forward, min(weight.value, total)) for forward, weight in weighted]
    taken = sum(weight for _, weight in counted)
    if not taken:
        return main
    parts = [(main, max(total - taken, 0)), *counted]
    return _mix([(forward, weight) for forward, weight in parts if weight])


def _mix(parts: Sequence[tuple[Forward, int]]) -> Forward:
    """Combine weighted Forwards into one.

    Weights stay as they are if each Forward has one share and their sum fits into 32 bits.
    """
    sums = [sum(share.weight for share in forward.shares) for forward, _ in parts]
    common = lcm(*sums)
    mixed = [
        (share, weight * share.weight * (common // total))
        for (forward, weight), total in zip(parts, sums, strict=True)
        for share in forward.shares
    ]
    weights = fitted([weight for _, weight in mixed])
    return Forward(
        tuple(
            replace(share, weight=weight) for (share, _), weight in zip(mixed, weights, strict=True)
        )
    )
