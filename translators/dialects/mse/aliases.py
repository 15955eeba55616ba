"""The annotations that give further names to the hosts of an Ingress."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from translators.dialects.annotations.feature import Aliases, Feature, Wanted
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import boolean, lines
from translators.dialects.hosts import host_name
from translators.model.bounds import MAX_ALIASES
from translators.model.ingresses import Alias

SERVER_ALIAS: Final = shared(
    "server-alias",
    "further names of the Ingress's first host, by comma: they serve all that this host does; "
    "a host that rules name is never taken over",
    example="alias.test, *.alias.test",
)

TO_WWW: Final = shared(
    "from-to-www-redirect",
    "`true`: the name of each host with `www.` (without it, where the host has it) is redirected "
    "to the host (308), unless rules name it",
    default="`false`",
    example="true",
)

_WWW: Final = "www."


def read(reader: Reader, wanted: Wanted) -> None:
    """Add the aliases."""
    items = reader.items(SERVER_ALIAS, _names, _alias, "host names by comma")
    key = reader.spelling(SERVER_ALIAS)
    if items:
        further = partial(_further, names=items, key=key)
        wanted.aliases.append(Aliases(key, ", ".join(items), further, "an Ingress with a host"))
    switch = reader.find(TO_WWW, boolean)
    if switch is not None and switch.value:
        other = partial(_other, key=switch.spelling, value=switch.text)
        expected = "an Ingress with a host that is no wildcard"
        wanted.aliases.append(Aliases(switch.spelling, switch.text, other, expected))


def _further(hosts: tuple[str, ...], names: tuple[str, ...], key: str) -> Iterator[Alias]:
    for first in hosts[:1]:
        for name in dict.fromkeys(names):
            yield Alias(name, first, key, name)


def _other(hosts: tuple[str, ...], key: str, value: str) -> Iterator[Alias]:
    for host in hosts:
        if not host.startswith("*"):
            other = host.removeprefix(_WWW) if host.startswith(_WWW) else f"{_WWW}{host}"
            yield Alias(other, host, key, value, redirects=True)


def _names(text: str) -> tuple[str, ...]:
    return lines(text.replace(",", "\n").replace(" ", "\n"), MAX_ALIASES)


def _alias(text: str) -> str:
    if text.startswith("~"):
        raise Unusable("host names and no patterns")
    return host_name(text)


FEATURE: Final = Feature("Further host names", (SERVER_ALIAS, TO_WWW), read)
