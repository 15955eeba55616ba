"""Policies that hold for a whole host or Service: the oldest Ingress that asks decides.

If two Ingresses ask for different values of the same policy, the value of the older one holds, and
the younger one is told which Ingress that is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.policy import Declared, Policy
from translators.model.rules import Age


@dataclass(frozen=True, slots=True)
class Claim:
    """A policy that one Ingress asks for, of something that it may share with others."""

    age: Age
    origin: Ref
    declared: Declared


@dataclass(frozen=True, slots=True)
class Settled:
    """The policies that hold, and the problems of Ingresses that asked for something else."""

    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()


NOTHING = Settled()


def settle(claims: Iterable[Claim], of: str) -> Settled:
    """Decide between claims, so that at most one policy of each type holds.

    `of` names what the claims are about, such as "host shop.example.com". The result does not
    depend on the order of the claims.
    """
    first: dict[type[Policy], Claim] = {}
    problems: list[Problem] = []
    for claim in sorted(claims, key=lambda claim: (claim.age, claim.origin)):
        winner = first.setdefault(type(claim.declared.policy), claim)
        if winner.declared.policy != claim.declared.policy:
            problems.append(_overruled(claim, winner, of))
    by_name = sorted(first.items(), key=lambda item: item[0].__name__)
    return Settled(tuple(claim.declared.policy for _, claim in by_name), tuple(problems))


def _overruled(claim: Claim, winner: Claim, of: str) -> Problem:
    asked = winner.declared
    return Problem(
        claim.origin,
        "Overruled",
        claim.declared.key,
        claim.declared.value,
        f"what the older {winner.origin} asks for of {of}: {asked.key}: {asked.value}",
        "no effect there",
    )
