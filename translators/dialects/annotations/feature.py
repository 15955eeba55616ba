"""The interface of a feature: the annotations that it owns, and the changes that they ask for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from fleet.problem import Problem
from translators.dialects.annotations.reader import Found, Key, Reader
from translators.model.canaries import Split
from translators.model.policy import Declared, Policy
from translators.model.rules import Rule

T = TypeVar("T")

Change: TypeAlias = Callable[[Rule], Rule]
Check: TypeAlias = Callable[[Rule], Problem | None]


@dataclass(slots=True)
class Wanted:
    """What the annotations of an Ingress ask for; features add to it.

    `changes` are made to each rule of the Ingress, in this order. A `split` makes it a canary.
    `checks` report what an annotation lacks on a rule.
    `closed` says that an access rule cannot be carried out, so that nobody may ask.
    """

    changes: list[Change] = field(default_factory=list)
    policies: list[Declared] = field(default_factory=list)
    split: Split | None = None
    closed: bool = False
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature. `read` adds what an Ingress asks for by the feature's keys, if anything."""

    name: str
    keys: tuple[Key, ...]
    read: Callable[[Reader, Wanted], None]


def restricted(rule: Rule) -> Rule:
    """Change a rule of an Ingress that says who may ask."""
    return replace(rule, restricted=True)


def rule_feature(
    name: str,
    keys: tuple[Key, ...],
    parse: Callable[[Reader], T | None],
    apply: Callable[[Rule, T], Rule],
) -> Feature:
    """Make a feature that changes rules.

    `parse` returns the options of an Ingress, or None if it does not ask for the feature. `apply`
    changes a rule by these options.
    """

    def read(reader: Reader, wanted: Wanted) -> None:
        options = parse(reader)
        if options is not None:
            wanted.changes.append(lambda rule: apply(rule, options))

    return Feature(name, keys, read)


def policy_feature(
    name: str, keys: tuple[Key, ...], parse: Callable[[Reader], Found[Policy] | None]
) -> Feature:
    """Make a feature that declares a policy.

    `parse` returns the policy with the annotation that problems name, or None.
    """

    def read(reader: Reader, wanted: Wanted) -> None:
        found = parse(reader)
        if found is not None:
            wanted.policies.append(Declared(found.value, found.spelling, found.text))

    return Feature(name, keys, read)
