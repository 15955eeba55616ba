"""The annotations `limit-*` and `route-limit-*`: rates of one client, and of all together."""

from datetime import timedelta
from typing import Final

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Key, Reader, own, shared
from translators.dialects.annotations.values import integer, network, refusal
from translators.model.bounds import MAX_RANGES
from translators.model.policy import Policy
from translators.policies.rate_limits import ClientLimit, Rate, RouteLimit

RPS: Final = shared(
    "limit-rps",
    "requests of one client address in a second, for each path and each Envoy",
    default="no limit",
    example="100",
)

RPM: Final = shared(
    "limit-rpm",
    "the same in a minute; both hold if both are given",
    default="no limit",
    example="6000",
)

BURST: Final = shared(
    "limit-burst-multiplier",
    "how many times the rate may come at once",
    default="5",
    example="3",
)

ALLOWLIST: Final = shared(
    "limit-allowlist",
    "addresses and CIDRs by comma: these clients are not counted",
    example="10.0.0.0/8",
)

WHITELIST: Final = shared(
    "limit-whitelist", "another name of `limit-allowlist`", example="10.0.0.0/8"
)

STATUS: Final = shared(
    "limit-req-status-code",
    "the answer to a request beyond the rate",
    default="503",
    differs="an annotation here, a setting of the ConfigMap there",
    example="429",
)

ROUTE_RPS: Final = own(
    "route-limit-rps",
    "requests of all clients in a second, for each path and each Envoy, or 429",
    default="no limit",
    example="1000",
)

ROUTE_RPM: Final = own(
    "route-limit-rpm",
    "the same in a minute; it beats `route-limit-rps`",
    default="no limit",
    example="60000",
)

ROUTE_BURST: Final = own(
    "route-limit-burst-multiplier",
    "how many times the rate may come at once",
    default="5",
    example="3",
)

_RATE: Final = integer(0, 1_000_000)

_MULTIPLIER: Final = integer(1, 1000)

_DEFAULT_MULTIPLIER: Final = 5

_UNAVAILABLE: Final = 503

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def parse_client(reader: Reader) -> Found[Policy] | None:
    """Read the rates of each client address; None if there is none."""
    rates = _rates(reader, ((RPS, _SECOND), (RPM, _MINUTE)), BURST)
    if not rates:
        return None
    key = next(filter(reader.has, (ALLOWLIST, WHITELIST)), ALLOWLIST)
    if key is ALLOWLIST:
        counts = f"{ALLOWLIST.name} counts instead"
        reader.find_items(WHITELIST, network, MAX_RANGES, counts, counts)
    exempt = reader.find_items(
        key, network, MAX_RANGES, "no client is exempt by it", "no client is exempt"
    )
    status = reader.read(STATUS, refusal, f"{_UNAVAILABLE} is the answer")
    limit = ClientLimit(
        tuple(rate.value for rate in rates),
        exempt.value if exempt else (),
        status or _UNAVAILABLE,
    )
    return Found(rates[0].spelling, rates[0].text, limit)


def parse_route(reader: Reader) -> Found[Policy] | None:
    """Read the rate of all clients together; None if there is none."""
    rates = _rates(reader, ((ROUTE_RPM, _MINUTE), (ROUTE_RPS, _SECOND)), ROUTE_BURST)
    if not rates:
        return None
    return Found(rates[0].spelling, rates[0].text, RouteLimit(rates[0].value))


def _rates(
    reader: Reader, keys: tuple[tuple[Key, timedelta], ...], burst: Key
) -> list[Found[Rate]]:
    """Read the rates of these keys. A rate of 0 is no limit."""
    found = [(reader.find(key, _RATE, "there is no such limit"), span) for key, span in keys]
    if not any(rate and rate.value for rate, _ in found):
        return []
    times = reader.read(burst, _MULTIPLIER, f"{_DEFAULT_MULTIPLIER} holds") or _DEFAULT_MULTIPLIER
    return [
        Found(rate.spelling, rate.text, Rate(rate.value, span, rate.value * times))
        for rate, span in found
        if rate and rate.value
    ]


CLIENT_FEATURE: Final = policy_feature(
    "Rate of a client", (RPS, RPM, BURST, ALLOWLIST, WHITELIST, STATUS), parse_client
)

ROUTE_FEATURE: Final = policy_feature(
    "Rate of all clients", (ROUTE_RPS, ROUTE_RPM, ROUTE_BURST), parse_route
)
