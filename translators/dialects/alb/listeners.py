"""The listeners and the ID of an AlbConfig.

Port and protocol identify a listener. An entry that is wrong or a duplicate is left out, and the
others are served. So is an entry that cannot keep out the clients that it should.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from fleet.models import by_position
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.fields import NOT_SERVED, ListenerFields
from translators.dialects.alb.listener_clients import (
    NotServedError,
    asks_clients,
    read_access,
    read_authorities,
    read_certificates,
)
from translators.dialects.alb.listener_settings import read_settings, read_tls
from translators.dialects.alb.objects import AlbListener, AlbSettings
from translators.envoy.names import tables_of
from translators.model.listeners import MAX_PORT, Entry, ListenerPort, Protocol

_DIGITS: Final = re.compile(r"[0-9]{1,5}")
_ID: Final = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,126}[A-Za-z0-9])?")
_NOTHING: Final = "the gateway serves nothing"


def read_entries(
    ref: Ref, listeners: Sequence[AlbListener], *, silence_is_set: bool = False
) -> tuple[dict[str, Entry], tuple[Problem, ...]]:
    """Read the listeners that can be served, by their fields, and the problems of all.

    `silence_is_set` says that the gateway has a bound on the silence of requests of its own.
    """
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    at_sockets: dict[tuple[int, bool], str] = {}
    asking: set[int] = set()
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
            problems.append(Problem(ref, "Conflict", where, str(read), expected, NOT_SERVED))
            continue
        if read.protocol is Protocol.HTTPS and asks_clients(listener):
            asking.add(read.port)
        fields = ListenerFields(ref, where, problems)
        with suppress(NotServedError):
            entries[where] = _entry(fields, listener, read, silence_is_set=silence_is_set)
    for where, entry in _around(entries, asking):
        expected = "a port other than that of a listener for HTTPS with caEnabled: QUIC has no such"
        problems.append(Problem(ref, "NotSupported", where, str(entry.at), expected, NOT_SERVED))
        del entries[where]
    problems += _other_defaults(ref, entries.values())
    return entries, tuple(problems)


def _around(entries: Mapping[str, Entry], asking: Collection[int]) -> list[tuple[str, Entry]]:
    """Return the listeners for QUIC by which clients would get around a demanded certificate.

    `asking` are the ports at which clients of HTTPS have to show one.
    """
    return [
        (where, entry)
        for where, entry in entries.items()
        if entry.at.protocol is Protocol.QUIC and entry.at.port in asking
    ]


def _entry(
    fields: ListenerFields, listener: AlbListener, at: ListenerPort, *, silence_is_set: bool
) -> Entry:
    """Read what one listener does. Raises NotServedError for one that must not be served."""
    entry = Entry(
        at,
        tables_of(at),
        settings=read_settings(fields, listener, at, silence_is_set=silence_is_set),
        policies=read_access(fields, listener.acl_config),
    )
    authorities = read_authorities(fields, listener)
    if authorities and at.protocol is not Protocol.HTTPS:
        expected = f"a listener with the protocol HTTPS: {at.protocol} asks for no certificates"
        fields.report("NotSupported", "caEnabled", "true", expected, NOT_SERVED)
        raise NotServedError
    if at.protocol is Protocol.HTTP:
        return entry
    return entry._replace(
        tls=read_tls(fields, listener),
        certificates=read_certificates(fields, listener),
        authorities=authorities,
    )


def _other_defaults(ref: Ref, entries: Iterable[Entry]) -> Iterator[Problem]:
    """Report default certificates behind the first one: a gateway shows the same on all ports."""
    defaults = [entry.certificates[0] for entry in entries if entry.certificates]
    for at, secret in defaults[1:]:
        if secret != defaults[0].secret:
            first = f"{defaults[0].secret.namespace}/{defaults[0].secret.name}"
            named = f"{secret.namespace}/{secret.name}"
            expected = f"the default certificate of the listeners before it, {first}"
            effect = "it is shown for its own names only"
            yield Problem(ref, "Overruled", at, named, expected, effect)


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
        return Problem(ref, "InvalidField", f"{where}.port", port, expected, NOT_SERVED)
    if protocol.upper() not in Protocol.__members__:
        expected = "HTTP, HTTPS or QUIC"
        return Problem(ref, "InvalidField", f"{where}.protocol", protocol, expected, NOT_SERVED)
    return ListenerPort(number, Protocol[protocol.upper()])
