"""Weights of members: the share of each member in the requests of an Ingress."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class MemberWeight(NamedTuple):
    """The weight of one member, and the annotation that gives it."""

    member: str
    weight: int
    key: str


@dataclass(frozen=True, slots=True)
class MemberWeights:
    """The weights that an Ingress gives to members, for all of its Services.

    A weight counts relative to the sum of all. A member without one is a standby, and a member of
    weight 0 is excluded.
    """

    entries: tuple[MemberWeight, ...] = ()

    def among(self, members: Collection[str]) -> Mapping[str, int]:
        """Return the weights of these members.

        There are none if all weights are 0, or if they name none of the members. The requests are
        then divided as without weights.
        """
        if not any(entry.weight for entry in self.entries):
            return {}
        return {e.member: e.weight for e in self.entries if e.member in members}
