"""The listeners and the ID of an AlbConfig.

Port and protocol identify a listener. An entry that is wrong or a duplicate is left out, and the
others are served. An entry with an access list is left out too, because access lists have no effect
yet, and the listener would be open to clients that the list excludes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fleet.models import by_position
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.objects import AlbListener, AlbSettings
from translators.envoy.names import tables_of
from translators.model.listeners import MAX_PORT, Entry, ListenerPort, Protocol

_DIGITS: Final = re.compile(r"[0-9]{1,5}")
_ID: Final = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,126}[A-Za-z0-9])?")
_SERVED: Final = frozenset({Protocol.HTTP})
_NOTHING: Final = "the gateway serves nothing"
_NOT_SERVED: Final = "this listener is not served"


def read_entries(
    ref: Ref, listeners: Sequence[AlbListener]
) -> tuple[dict[str, Entry], tuple[Problem, ...]]:
    """Read the listeners that can be served, by their fields, and the problems of the others."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    at_sockets: dict[tuple[int, bool], str] = {}
    if not listeners:
        expected = "at least one listener, such as {port: 80, protocol: HTTP}"
        problems.append(Problem(ref, "NoListener", "spec.listeners", "", expected, _NOTHING))
    for i, listener in by_position(listeners):
        where = f"spec.listeners[{i}]"
        read = _read(ref, where, listener)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        socket = (read.port, read.protocol is Protocol.QUIC)
        first = at_sockets.setdefault(socket, where)
        if first != where:
            expected = f"a port that no listener before it has; {first} keeps it"
            problems.append(Problem(ref, "Conflict", where, str(read), expected, _NOT_SERVED))
        elif read.protocol not in _SERVED:
            expected = f"HTTP; {read.protocol} comes with a later version of fleetgate"
            key, value = f"{where}.protocol", read.protocol.value
            problems.append(Problem(ref, "NotSupported", key, value, expected, _NOT_SERVED))
        else:
            problems += _later(ref, where, listener)
            if not _is_restricted(listener):
                entries[where] = Entry(read, tables_of(read))
    return entries, tuple(problems)


def read_id(ref: Ref, settings: AlbSettings) -> tuple[str, tuple[Problem, ...]]:
    """Return the ID of the gateway for people: the declared one, or else one made of its name.

    The gateway is no instance in a cloud, which would have an ID of its own.
    """
    made = f"alb-{ref.name}"
    declared = "" if settings.id is None else str(settings.id)
    if not declared:
        return made, ()
    if _ID.fullmatch(declared):
        return declared, ()
    expected = "an ID of letters, digits and '-', such as alb-1a2b3c"
    effect = f"it is shown as {made}"
    return made, (Problem(ref, "InvalidField", "spec.config.id", declared, expected, effect),)


def _read(ref: Ref, where: str, listener: AlbListener) -> ListenerPort | Problem:
    """Read one entry. Port and protocol have no defaults."""
    port = "" if listener.port is None else str(listener.port)
    protocol = "" if listener.protocol is None else str(listener.protocol)
    number = int(port) if _DIGITS.fullmatch(port) else 0
    if not 1 <= number <= MAX_PORT:
        expected = f"an integer from 1 to {MAX_PORT}"
        return Problem(ref, "InvalidField", f"{where}.port", port, expected, _NOT_SERVED)
    if protocol.upper() not in Protocol.__members__:
        expected = "HTTP, HTTPS or QUIC"
        return Problem(ref, "InvalidField", f"{where}.protocol", protocol, expected, _NOT_SERVED)
    return ListenerPort(number, Protocol[protocol.upper()])


def _is_restricted(listener: AlbListener) -> bool:
    """Return whether an access list limits the clients of a listener."""
    return bool(listener.acl_config.acl_entries or listener.acl_config.acl_ids)


def _later(ref: Ref, where: str, listener: AlbListener) -> Iterator[Problem]:
    """Report the fields of a listener that have no effect yet."""
    later = "a later version of fleetgate"
    acl = listener.acl_config
    if _is_restricted(listener):
        listed = ", ".join(map(str, (*acl.acl_entries, *acl.acl_ids)))
        key = f"{where}.aclConfig"
        yield Problem(ref, "NotSupported", key, listed, later, _NOT_SERVED)
    for field, value in (
        ("requestTimeout", listener.request_timeout),
        ("idleTimeout", listener.idle_timeout),
        ("gzipEnabled", listener.gzip_enabled),
    ):
        # A field that switches something off asks for what happens anyway.
        if value is not None and str(value).strip() not in {"", "false"}:
            key = f"{where}.{field}"
            yield Problem(ref, "NotSupported", key, str(value), later, "no effect yet")
