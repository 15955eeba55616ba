"""Which requests of a path its canaries take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm

from fleet.problem import Problem
from translators.model.actions import Forward, Share
from translators.model.backends import BackendProtocol, Target
from translators.model.canaries import Canary, Split
from translators.model.rules import Rule
from translators.model.weights import fitted


@dataclass(frozen=True, slots=True)
class _Taking:
    """A canary, and its backends with those of the main rule behind them."""

    rule: Rule
    split: Split
    forward: Forward


def relate(main: Rule, canaries: Sequence[Canary]) -> tuple[Rule, ...]:
    """The rules that serve the main rule's path, in the order in which they are asked.

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
    """The problems of weights above the total, for canaries as `relate` takes them."""
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


def _weighted(main: Forward, canaries: Sequence[_Taking]) -> Forward:
    """Main and canaries by weight.

    The total is that of the oldest canary with a weight, or the sum where the sum exceeds it; no
    weight counts as more than the total of the oldest. The main gets the rest.
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
