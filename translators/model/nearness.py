"""Nearness: which members a gateway prefers by their region and zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Prefer(StrEnum):
    """What makes a member near: the gateway's zone, its region, or nothing."""

    ZONE = "zone"
    REGION = "region"
    NONE = "none"


class Place(NamedTuple):
    """The region and zone of a gateway or of a member; "" if nobody has named them."""

    region: str = ""
    zone: str = ""


NOWHERE: Final = Place()
"""The place of a gateway or member that has not named one."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """The place of a gateway, and what it prefers.

    `overprovisioning` is a percentage: farther members get requests once so few Pods of nearer ones
    are usable that their share, times this, is below 100 %. None stands for: only once none is.
    """

    here: Place = NOWHERE
    prefer: Prefer = Prefer.NONE
    overprovisioning: int | None = None

    def distance(self, there: Place) -> int:
        """Return how far a member is: 0 is the nearest, and all are equally near for NONE."""
        same_region = bool(self.here.region) and self.here.region == there.region
        if self.prefer is Prefer.REGION:
            return 0 if same_region else 1
        if self.prefer is Prefer.ZONE:
            named = bool(self.here.zone) and self.here.zone == there.zone
            # Clouds number their zones, so the same zone in another region is another one.
            if named and (same_region or not (self.here.region and there.region)):
                return 0
            return 1 if same_region else 2
        return 0


def tiers_by_nearness(distances: Mapping[str, int]) -> Mapping[str, int]:
    """Number the distances of members without gaps, from 0 for the nearest of them."""
    order = sorted(set(distances.values()))
    return {member: order.index(distance) for member, distance in distances.items()}
