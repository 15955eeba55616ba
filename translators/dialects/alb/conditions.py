"""The annotations `conditions.{service}`: the requests that the paths to a Service take.

Blocks are ANDed, and values in a block are ORed. Blocks of hosts, paths, methods and addresses are
each one list. A block of query parameters or cookies that names several of them is met by any of
these, which makes several rules of one.

Paths whose conditions cannot be read are not served: without the conditions, they would take
requests that are meant for others.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final, TypeAlias

import re2

from translators.dialects.alb.blocks import Fields, as_a_whole, read_blocks
from translators.dialects.alb.direction import not_served, of_services
from translators.dialects.alb.paths import pattern_path
from translators.dialects.annotations.feature import Feature, OfService, Wanted
from translators.dialects.annotations.reader import Reader, Unusable, alb
from translators.dialects.annotations.values import (
    cookie_name,
    header_name,
    network,
    pattern,
    printable,
    query_name,
    query_value,
)
from translators.dialects.hosts import host_name
from translators.model.bounds import (
    MAX_ALTERNATIVES,
    MAX_CONDITION_TEXT,
    MAX_MATCHED,
    MAX_VALUES,
)
from translators.model.conditions import Condition, Text, Where, in_order
from translators.model.paths import Path
from translators.model.query_values import as_sent

CONDITIONS: Final = alb(
    "conditions.",
    "JSON list of what the requests must have that the paths to the Service NAME take, beside "
    "their host and path: the types `Header`, `QueryString`, `Cookie`, `Method` and `SourceIp`; "
    "`Host` and `Path` name further hosts and paths; `*` and `?` are wildcards in values",
    example='web [{"type":"Header","headerConfig":{"key":"stage","values":["gray"]}}]',
    family=True,
)

_WILDCARD: Final = re.compile(r"([*?])")

_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}")


@dataclass(slots=True)
class _Asked:
    """What the blocks ask for. Each item of `blocks` has the conditions of which one is enough."""

    hosts: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    blocks: list[tuple[Condition, ...]] = field(default_factory=list)


_Read: TypeAlias = Callable[[Fields, _Asked], None]


def read(reader: Reader, wanted: Wanted) -> None:
    """Narrow the rules of each Service that has conditions."""
    for key, name in of_services(reader, CONDITIONS):
        of = wanted.of_service(name)
        found = reader.read(key, as_a_whole(_conditions), not_served(name))
        if found is None:
            of.served = False
        else:
            _narrow(of, found)


def _narrow(of: OfService, asked: _Asked) -> None:
    of.hosts, of.paths = tuple(asked.hosts), tuple(asked.paths)
    lists = [(Where.METHOD, asked.methods), (Where.CLIENT, asked.clients)]
    always = [
        Condition(where, "", tuple(map(Text, sorted(set(texts)))))
        for where, texts in lists
        if texts
    ]
    found = {in_order({*always, *chosen}) for chosen in product(*asked.blocks)}
    of.alternatives = tuple(sorted(found, key=str))


def _conditions(text: str) -> _Asked:
    asked = _Asked()
    for block in read_blocks(text):
        kind = block.text("type").lower()
        if kind not in _TYPES:
            raise Unusable(
                "one of the types Host, Path, Header, QueryString, Method, Cookie, SourceIp"
            )
        _TYPES[kind](block.part(_NAMES[kind]), asked)
    number = 1
    for each in asked.blocks:
        number *= len(each)
    if number > MAX_ALTERNATIVES:
        raise Unusable(f"at most {MAX_ALTERNATIVES} combinations of parameters or cookies")
    if sum(each.size for block in asked.blocks for each in block) > MAX_CONDITION_TEXT:
        raise Unusable(f"values of at most {MAX_CONDITION_TEXT} bytes together")
    for names in (asked.hosts, asked.paths, asked.methods, asked.clients):
        if len(names) > MAX_VALUES:
            raise Unusable(f"at most {MAX_VALUES} values of a type")
    return asked


def _hosts(config: Fields, asked: _Asked) -> None:
    for text in config.texts("values"):
        if not text:
            raise Unusable("a DNS name such as shop.example.com or *.example.com")
        asked.hosts.append(host_name(text))


def _paths(config: Fields, asked: _Asked) -> None:
    asked.paths += map(pattern_path, config.texts("values"))


def _methods(config: Fields, asked: _Asked) -> None:
    methods = [text.upper() for text in config.texts("values")]
    if not all(map(_METHOD.fullmatch, methods)):
        raise Unusable("methods such as GET and POST")
    asked.methods += methods


def _clients(config: Fields, asked: _Asked) -> None:
    asked.clients += (str(network(text.strip())) for text in config.texts("values"))


def _header(config: Fields, asked: _Asked) -> None:
    name = header_name(config.text("key"))
    values = [_value(text, re2.escape, printable) for text in config.texts("values")]
    asked.blocks.append((_condition(Where.HEADER, name, values),))


def _query(config: Fields, asked: _Asked) -> None:
    asked.blocks.append(_pairs(config, Where.QUERY, query_name, as_sent, query_value))


def _cookies(config: Fields, asked: _Asked) -> None:
    asked.blocks.append(_pairs(config, Where.COOKIE, cookie_name, re2.escape, printable))


def _pairs(
    config: Fields,
    where: Where,
    name: Callable[[str], str],
    literal: Callable[[str], str],
    check: Callable[[str], str],
) -> tuple[Condition, ...]:
    """Read pairs of a key and a value. Those with the same key make one condition."""
    values: dict[str, list[Text]] = {}
    for pair in config.parts("values"):
        value = _value(pair.text("value"), literal, check)
        values.setdefault(name(pair.text("key")), []).append(value)
    return tuple(_condition(where, key, texts) for key, texts in values.items())


def _condition(where: Where, name: str, values: Iterable[Text]) -> Condition:
    return Condition(where, name, tuple(sorted(set(values), key=str)))


def _value(text: str, literal: Callable[[str], str], check: Callable[[str], str]) -> Text:
    """Read a value, in which `*` is any run of characters and `?` is one."""
    check(text)
    if len(text.encode()) > MAX_MATCHED:
        raise Unusable(f"values of at most {MAX_MATCHED} bytes")
    if not _WILDCARD.search(text):
        return Text(text)
    wild = {"*": ".*", "?": "."}
    parts = (wild.get(part) or literal(part) for part in _WILDCARD.split(text))
    found = pattern("".join(parts), "{}")
    return Text(found.regex, regex=True, instructions=found.instructions)


_TYPES: Final[Mapping[str, _Read]] = {
    "host": _hosts,
    "path": _paths,
    "header": _header,
    "querystring": _query,
    "method": _methods,
    "cookie": _cookies,
    "sourceip": _clients,
}

_NAMES: Final[Mapping[str, str]] = {
    "host": "hostConfig",
    "path": "pathConfig",
    "header": "headerConfig",
    "querystring": "queryStringConfig",
    "method": "methodConfig",
    "cookie": "cookieConfig",
    "sourceip": "sourceIpConfig",
}
"""The field with the values of a block, by its type."""

FEATURE: Final = Feature("Conditions of a Service's paths", (CONDITIONS,), read)
