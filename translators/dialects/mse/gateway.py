"""What a MseIngressConfig has that no other gateway has."""

from typing import Final

from fleet.models import MseAccess
from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.listeners import MSE_TABLES, Entry, ListenerPort

HTTP_PORT: Final = 80


MSE_ENTRIES: Final[tuple[Entry, ...]] = (Entry(ListenerPort(HTTP_PORT), MSE_TABLES),)
"""What every MSE gateway listens on."""


MSE_PLACES: Final[tuple[str, ...]] = ("",)
"""No field declares it."""


def listed_clients(access: MseAccess) -> str:
    return ", ".join(map(str, (*access.whitelist, *access.blacklist)))


def restricted(ref: Ref, clients: str) -> Problem:
    """The problem of a gateway that is not for everybody: without its lists, it would be."""
    expected, effect = "a later version of fleetgate", "the gateway serves nothing"
    key = "spec.global.ipAccessControl"
    return Problem(ref, "NotSupported", key, clients, expected, effect)
