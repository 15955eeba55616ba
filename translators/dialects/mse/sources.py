"""The annotations `*-source-range` and `satisfy`: lists of client addresses.

A list of allowed addresses loses an item that cannot be used; if none is left, nobody is allowed.
In a list of denied addresses, such an item would let somebody in, so the paths are closed.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Final

from fleet.kinds import listed
from translators.dialects.annotations.feature import Feature, Wanted, restricted
from translators.dialects.annotations.reader import Found, Key, Reader, Unusable, own, shared
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.values import network, one_of
from translators.model.bounds import MAX_RANGES
from translators.model.edge import Network
from translators.model.policy import Declared
from translators.model.rules import Rule
from translators.policies.sources import HostSources, RouteSources, Sources

ALLOWED: Final = shared(
    "allowlist-source-range",
    "addresses and CIDRs by comma: all other clients get 403; `*` or `0.0.0.0/0` is everybody; "
    "nobody is allowed if none can be used",
    restricts=True,
    default="everybody",
    example="10.0.0.0/8, 127.0.0.0/8, ::1",
)

WHITELIST: Final = shared(
    "whitelist-source-range",
    "another name of `allowlist-source-range`",
    restricts=True,
    default="everybody",
    example="10.0.0.0/8, 127.0.0.0/8, ::1",
)

DENIED: Final = shared(
    "denylist-source-range",
    "addresses and CIDRs by comma: these clients get 403",
    restricts=True,
    default="nobody",
    example="192.0.2.0/24, 2001:db8::/32",
)

BLACKLIST: Final = own(
    "blacklist-source-range",
    "another name of `denylist-source-range`",
    restricts=True,
    default="nobody",
    example="192.0.2.0/24",
)

SATISFY: Final = shared(
    "satisfy",
    "`any`: the address of a client or its authentication suffices",
    default="`all`",
    example="any",
)

HOST_ALLOWED: Final = own(
    "domain-whitelist-source-range",
    "as `allowlist-source-range`, for all paths of the host without a list of their own",
    restricts=True,
    default="everybody",
    example="10.0.0.0/8, 127.0.0.0/8",
)

HOST_DENIED: Final = own(
    "domain-blacklist-source-range",
    "as `denylist-source-range`, for all paths of the host without a list of their own",
    restricts=True,
    default="nobody",
    example="192.0.2.0/24",
)

_EVERYBODY: Final[tuple[Network, ...]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def read_route_sources(reader: Reader, wanted: Wanted) -> None:
    """Read the lists of an Ingress."""
    allowed = _allowed(reader, (ALLOWED, WHITELIST), "nobody may use its paths")
    denied = _denied(reader, (DENIED, BLACKLIST), Without.CLOSED.value)
    if denied is not None and denied.value is None:
        wanted.unusable.add(Without.CLOSED)
    either = reader.read(SATISFY, one_of("all", "any"), "both are demanded") == "any"
    if found := allowed or denied:
        sources = _sources(allowed, denied)
        wanted.policies.append(Declared(RouteSources(sources, either), found.spelling, found.text))
        wanted.changes.append(lambda rule: _narrowed(rule, sources))


def read_host_sources(reader: Reader, wanted: Wanted) -> None:
    """Read the lists for all paths of the hosts of an Ingress."""
    nobody = "nobody may use the paths of its hosts"
    allowed = _allowed(reader, (HOST_ALLOWED,), nobody)
    denied = _denied(reader, (HOST_DENIED,), nobody)
    if found := allowed or denied:
        sources = _sources(allowed, denied)
        if denied is not None and denied.value is None:
            sources = Sources(allowed=())
        wanted.policies.append(Declared(HostSources(sources), found.spelling, found.text))
        wanted.changes.append(lambda rule: _narrowed(rule, sources))


def _allowed(
    reader: Reader, keys: Sequence[Key], without: str
) -> Found[tuple[Network, ...]] | None:
    """Read the first key that has a text. Nobody is allowed if no item can be used."""
    if not any(map(reader.has, keys)):
        return None
    key, *others = filter(reader.has, keys)
    for other in others:
        counts = f"{key.name} counts instead"
        reader.find_items(other, _networks, MAX_RANGES, counts, counts)
    found = reader.find_items(key, _networks, MAX_RANGES, "nobody is allowed by it", without)
    if found is None:
        return reader.as_written(key, ())
    return Found(found.spelling, found.text, _distinct(found.value))


def _denied(
    reader: Reader, keys: Sequence[Key], without: str
) -> Found[tuple[Network, ...] | None] | None:
    """Read the first key that has a text. The value is None if some item cannot be used."""
    if not any(map(reader.has, keys)):
        return None
    key, *others = filter(reader.has, keys)
    for other in others:
        reader.find(other, _all_networks, f"{key.name} counts instead")
    return reader.find(key, _all_networks, without) or reader.as_written(key, None)


def _sources(
    allowed: Found[tuple[Network, ...]] | None, denied: Found[tuple[Network, ...] | None] | None
) -> Sources:
    return Sources(allowed.value if allowed else None, (denied.value or ()) if denied else ())


def _narrowed(rule: Rule, sources: Sources) -> Rule:
    """Mark a rule that keeps somebody out."""
    everybody = sources.allowed is None or set(_EVERYBODY) <= {*sources.allowed}
    return rule if everybody and not sources.denied else restricted(rule)


def _networks(text: str) -> tuple[Network, ...]:
    """Read an item of a list."""
    if text in {"*", "0.0.0.0/0"}:
        return _EVERYBODY
    return (network(text),)


def _all_networks(text: str) -> tuple[Network, ...]:
    """Read a list of which every item counts."""
    items = listed(text)
    if not items:
        raise Unusable("at least one item")
    if len(items) > MAX_RANGES:
        raise Unusable(f"at most {MAX_RANGES} items, not {len(items)}")
    return _distinct(map(_networks, items))


def _distinct(items: Iterable[tuple[Network, ...]]) -> tuple[Network, ...]:
    return tuple(dict.fromkeys(each for item in items for each in item))


ROUTE_FEATURE: Final = Feature(
    "Client addresses", (ALLOWED, WHITELIST, DENIED, BLACKLIST, SATISFY), read_route_sources
)

HOST_FEATURE: Final = Feature(
    "Client addresses of a host", (HOST_ALLOWED, HOST_DENIED), read_host_sources
)
