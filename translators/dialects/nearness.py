"""The settings of a gateway that prefer near members, read from annotations of its object."""

from collections.abc import Mapping
from typing import Final

from fleet.member_settings import is_place
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.setting import read_setting
from translators.dialects.annotations.values import integer
from translators.model.nearness import Nearness, Place, Prefer

REGION: Final = "fleetgate.dev/region"
ZONE: Final = "fleetgate.dev/zone"
PREFER: Final = "fleetgate.dev/prefer"
OVERPROVISIONING: Final = "fleetgate.dev/overprovisioning"

_PERCENT: Final = integer(100, 100_000)


def read_nearness(ref: Ref, annotations: Mapping[str, str], problems: list[Problem]) -> Nearness:
    """Read the settings. All members are equally near if these say nothing that can be used."""

    def name(key: str) -> str:
        return read_setting(ref, annotations, key, _place, "", "none", problems)

    nearness = Nearness(
        Place(name(REGION), name(ZONE)),
        read_setting(ref, annotations, PREFER, _prefer, Prefer.NONE, Prefer.NONE, problems),
        read_setting(ref, annotations, OVERPROVISIONING, _PERCENT, None, "no spilling", problems),
    )
    lacks = _lacks(nearness)
    if lacks:
        expected = f"{lacks} beside it, with the gateway's own place"
        effect = "all members are equally near"
        value = annotations[PREFER].strip()
        problems.append(Problem(ref, "NoPlace", PREFER, value, expected, effect))
        return Nearness()
    if nearness.overprovisioning is not None and nearness.prefer is Prefer.NONE:
        value, expected = annotations[OVERPROVISIONING].strip(), f"{PREFER}: zone or region"
        problems.append(Problem(ref, "NoEffect", OVERPROVISIONING, value, expected, "no effect"))
    return nearness


def _lacks(nearness: Nearness) -> str:
    """Return the setting without which the preference means nothing; "" if there is none."""
    if nearness.prefer is Prefer.ZONE and not nearness.here.zone:
        return ZONE
    if nearness.prefer is Prefer.REGION and not nearness.here.region:
        return REGION
    return ""


def _prefer(text: str) -> Prefer:
    try:
        return Prefer(text)
    except ValueError:
        raise Unusable(" or ".join(Prefer)) from None


def _place(text: str) -> str:
    if is_place(text):
        return text
    raise Unusable("a name of up to 63 letters, digits, -, _ and .")
