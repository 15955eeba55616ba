"""The interface of a feature: the annotations that it owns, and the changes that they ask for."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

from fleet.problem import Problem
from translators.dialects.annotations.reader import Found, Key, Reader
from translators.dialects.annotations.unsupported import Without
from translators.dialects.paths import PLAIN, PathReading
from translators.model.actions import Action, Forward
from translators.model.canaries import Split
from translators.model.conditions import Condition
from translators.model.ingresses import Alias
from translators.model.member_weights import MemberWeights
from translators.model.paths import Path
from translators.model.policy import Declared, Policy
from translators.model.rules import Rule

T = TypeVar("T")

Change: TypeAlias = Callable[[Rule], Rule]
Check: TypeAlias = Callable[[Rule], Problem | None]


class Aliases(NamedTuple):
    """An annotation that gives aliases to hosts.

    `of` gives those of an Ingress with these hosts, whose `sets` are added later. `expected` says
    which hosts can have some.
    """

    key: str
    value: str
    of: Callable[[tuple[str, ...]], Iterable[Alias]]
    expected: str


class Extra(NamedTuple):
    """A rule that an annotation adds to each host of its Ingress, in front of the host's paths.

    `at` is the annotation. The changes of the Ingress are made to this rule too.
    """

    at: str
    path: Path
    action: Action


@dataclass(slots=True)
class OfService:
    """What annotations ask for of the rules whose backend is the Service of one name.

    Such rules are not `served` if an annotation that decides about them cannot be used. `action`
    takes the place of the Service. Its rules are for `hosts` and `paths` too, and for each of the
    `alternatives`. `changes` are made to them behind those of the Ingress.
    """

    served: bool = True
    action: Action | None = None
    hosts: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    alternatives: tuple[tuple[Condition, ...], ...] = ((),)
    changes: list[Change] = field(default_factory=list)

    @property
    def is_narrowed(self) -> bool:
        """Whether its rules take not all requests of their host and path, or further ones."""
        return bool(self.hosts or self.paths) or self.alternatives != ((),)


@dataclass(slots=True)
class Wanted:
    """What the annotations of an Ingress ask for; features add to it.

    `paths` says how its paths are read. `changes` are made to each rule of the Ingress, in this
    order. `of_services` holds more for rules with a backend of that name. A `split` makes it a
    canary. `weights` are those of members. `checks` report what an annotation lacks on a rule.
    `unusable` are the consequences of annotations that cannot be read.
    """

    paths: PathReading = PLAIN
    extras: list[Extra] = field(default_factory=list)
    aliases: list[Aliases] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    of_services: dict[str, OfService] = field(default_factory=dict)
    policies: list[Declared] = field(default_factory=list)
    split: Split | None = None
    checks: list[Check] = field(default_factory=list)
    weights: MemberWeights | None = None
    unusable: set[Without] = field(default_factory=set)

    def of_service(self, name: str) -> OfService:
        """Return what is wanted of the rules with a backend of this name, to add to it."""
        return self.of_services.setdefault(name, OfService())


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature. `read` adds what an Ingress asks for by the feature's keys, if anything."""

    name: str
    keys: tuple[Key, ...]
    read: Callable[[Reader, Wanted], None]


def declared(found: Found[Any], policy: Policy) -> Declared:  # a value of any type
    """Declare a policy that the found annotation asks for."""
    return Declared(policy, found.spelling, found.text)


def restricted(rule: Rule) -> Rule:
    """Change a rule of an Ingress that says who may ask."""
    return replace(rule, restricted=True)


def with_policy(rule: Rule, policy: Policy) -> Rule:
    """Add a policy to a rule, unless the gateway answers its requests itself."""
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, policies=(*rule.policies, policy))


def with_policy_of_shares(rule: Rule, policy: Policy) -> Rule:
    """Add a policy to each share of a rule's requests that goes to a backend."""
    if not isinstance(rule.action, Forward):
        return rule
    forward = rule.action.each_share(
        lambda share: replace(share, policies=(*share.policies, policy))
    )
    return replace(rule, action=forward)


class FeatureList:
    """Features in the order in which they change a rule.

    A feature does nothing to an Ingress that has none of its annotations. Most Ingresses have few,
    so they are not read by all features.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self._features = tuple(features)
        self._by_spelling: dict[str, set[int]] = defaultdict(set)
        self._by_family: dict[str, set[int]] = defaultdict(set)
        for place, feature in enumerate(self._features):
            for key in feature.keys:
                found = self._by_family if key.family else self._by_spelling
                for spelling in key.spellings:
                    found[spelling].add(place)
        self._families = tuple(self._by_family)

    def of(self, annotations: Iterable[str]) -> Iterator[Feature]:
        """Yield the features that some of these annotations belong to."""
        places: set[int] = set()
        for name in annotations:
            places.update(self._by_spelling.get(name, ()))
            if name.startswith(self._families):
                families = (family for family in self._families if name.startswith(family))
                places.update(*map(self._by_family.__getitem__, families))
        return (self._features[place] for place in sorted(places))


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
            wanted.policies.append(declared(found, found.value))

    return Feature(name, keys, read)
