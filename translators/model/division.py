"""Division: how the requests of one backend are divided between the members."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Division:
    """How the requests of a backend are divided between members.

    `weights` are those that an Ingress gives; None if it gives none, and empty if none of them can
    be used. `tiers` are those of members, of which each gets requests while the members before it
    have no usable Pod; a member that is not there is in tier 0. `overprovisioning` is in percent,
    and tells how soon the next tier takes a share. `followed` is whether another backend may serve
    while no tier of this one has a usable Pod.
    """

    weights: Mapping[str, int] | None = None
    tiers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    overprovisioning: int | None = None
    followed: bool = False

    @property
    def top(self) -> int:
        """The last tier."""
        return max(self.tiers.values(), default=0)


BY_PODS: Final = Division()
"""All Pods of all members share the requests."""


def by_weight(weights: Mapping[str, int], members: Mapping[str, object]) -> Division:
    """Divide the requests by weight. Members without one stand by: theirs is the next tier."""
    return Division(weights, {member: 1 for member in members if member not in weights})
