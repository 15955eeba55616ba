"""The annotations that choose the Pod of a request: sticky sessions and schedulers."""

from datetime import timedelta
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted, declared
from translators.dialects.annotations.reader import Reader, Unusable, alb
from translators.dialects.annotations.values import boolean, one_of, query_name, seconds
from translators.model.balancing import Balancing
from translators.policies.affinity import Cookie, HashBy, HashOf, PodCookie
from translators.policies.balancing import LoadBalancing

STICKY: Final = alb(
    "sticky-session",
    "`true`: a client keeps its Pod, and with it the member, by the cookie `SERVERID`, while the "
    "Pod is usable; not where another Service stands behind the first one, as for a canary",
    default="`false`",
    example="true",
)

TYPE: Final = alb(
    "sticky-session-type",
    "`Insert`: the gateway sets the cookie; `Server`, a cookie of the backend, is not supported",
    default="`Insert`",
    example="Insert",
)

TIMEOUT: Final = alb(
    "cookie-timeout", "life of the cookie in seconds, 1 to 86400", default="1000", example="600"
)

SCHEDULER: Final = alb(
    "backend-scheduler",
    "how a Pod is chosen: `wrr` in turn, `wlc` the one with the fewest requests, `sch` by the "
    "client's address, or `uch` by a query parameter",
    default="`wrr`",
    example="wlc",
)

PARAMETER: Final = alb(
    "backend-scheduler-uch-value", "name of the query parameter for `uch`", example="user"
)

_COOKIE: Final = "SERVERID"

_LIFE: Final = timedelta(seconds=1000)

_IN_TURN: Final = "wrr holds"

_SIMPLE: Final = {"wrr": Balancing.ROUND_ROBIN, "wlc": Balancing.LEAST_REQUEST}


def _read_sticky(reader: Reader, wanted: Wanted) -> None:
    found = reader.find(STICKY, boolean)
    life = reader.read(TIMEOUT, seconds(1, 86_400), f"{_LIFE.total_seconds():g} holds")
    reader.read(TYPE, _inserted, "Insert holds")
    if found is not None and found.value:
        cookie = Cookie(_COOKIE, life=life or _LIFE)
        wanted.policies.append(declared(found, PodCookie(cookie)))


def _inserted(text: str) -> str:
    if text.lower() != "insert":
        raise Unusable("Insert; a cookie of the backend is not supported")
    return text


def _read_scheduler(reader: Reader, wanted: Wanted) -> None:
    found = reader.find(SCHEDULER, _scheduler, _IN_TURN)
    parameter = reader.read(PARAMETER, query_name, _IN_TURN)
    if found is None:
        return
    if found.value in _SIMPLE:
        wanted.policies.append(declared(found, LoadBalancing(_SIMPLE[found.value])))
    elif found.value == "uch" and parameter is None:
        if not reader.has(PARAMETER):
            expected = f"{PARAMETER.spellings[0]} beside it"
            reader.note(found, "InvalidAnnotation", expected, _IN_TURN)
    else:
        by = HashBy(HashOf.QUERY, parameter or "") if found.value == "uch" else _ADDRESS
        wanted.policies.append(declared(found, by))
        wanted.policies.append(declared(found, LoadBalancing(Balancing.HASH)))


def _scheduler(text: str) -> str:
    return one_of("wrr", "wlc", "sch", "uch")(text.lower())


_ADDRESS: Final = HashBy(HashOf.ADDRESS)

STICKY_SESSIONS: Final = Feature("Sticky sessions", (STICKY, TYPE, TIMEOUT), _read_sticky)

SCHEDULERS: Final = Feature("Scheduler", (SCHEDULER, PARAMETER), _read_scheduler)
