"""What a feature is: the annotations that it owns, and what an Ingress wants by them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from translators.dialects.annotations.reader import Found, Key, Reader
from translators.model.canaries import Split
from translators.model.policy import Declared, Policy
from translators.model.rules import Rule

T = TypeVar("T")

Change: TypeAlias = Callable[[Rule], Rule]


@dataclass(slots=True)
class Wanted:
    """What the annotations of an Ingress ask for.

    `changes` are made to each of its rules, in this order. With a `split` it is a canary.
    """

    changes: list[Change] = field(default_factory=list)
    policies: list[Declared] = field(default_factory=list)
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: `read` adds what an Ingress asks for, and nothing where it does not ask."""

    name: str
    keys: tuple[Key, ...]
    read: Callable[[Reader, Wanted], None]


def rule_feature(
    name: str,
    keys: tuple[Key, ...],
    parse: Callable[[Reader], T | None],
    apply: Callable[[Rule, T], Rule],
) -> Feature:
    """A feature that changes rules. `parse` gives None where the Ingress does not ask for it."""

    def read(reader: Reader, wanted: Wanted) -> None:
        options = parse(reader)
        if options is not None:
            wanted.changes.append(lambda rule: apply(rule, options))

    return Feature(name, keys, read)


def policy_feature(
    name: str, keys: tuple[Key, ...], parse: Callable[[Reader], Found[Policy] | None]
) -> Feature:
    """A feature that is a policy, found at the annotation that stands for it in problems."""

    def read(reader: Reader, wanted: Wanted) -> None:
        found = parse(reader)
        if found is not None:
            wanted.policies.append(Declared(found.value, found.spelling, found.text))

    return Feature(name, keys, read)
