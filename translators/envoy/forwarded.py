"""Forwarded headers: what a backend learns about the client, and whose headers count.

A gateway's settings name the proxies that it trusts (`translators.dialects.edge_settings`). Their
connections have a filter chain of their own, in which the received headers count. For all other
connections the headers are set anew, so that a backend reads what the gateway itself has seen.

    header                          of a trusted proxy                  of anybody else
    X-Forwarded-For                 with the proxy's address behind     the client's address
    X-Real-IP                       the client's address                the client's address
    X-Forwarded-Proto               as it came, else the next two's     the listener's scheme
    X-Forwarded-Scheme, X-Scheme    X-Forwarded-Proto                   the listener's scheme
    X-Forwarded-Host                as it came, else Host               Host
    X-Forwarded-Port                as it came, or none                 the listener's port
    X-Forwarded-Client-Port         as it came, or none                 the client's port, or none
    Forwarded, True-Client-IP,      as they came                        none
    X-Original-URI

A listener may leave out X-Forwarded-Proto and X-Forwarded-Port.

The client's address is the address of the peer. If the peer is trusted, it is the rightmost address
in X-Forwarded-For that is not trusted. With PROXY protocol, the peer of a trusted connection is the
address that its PROXY header names (`translators.envoy.proxy_headers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from translators.envoy.header_edits import absent, put, remove
from translators.envoy.matching import address_in, all_of
from translators.envoy.messages import (
    HeaderMutation,
    HeaderMutationMutations,
    HeaderMutationRemoveOnMatch,
    HeaderMutationRule,
    StringMatcher,
    TypedExtensionConfig,
    XffConfig,
    XffTrustedCidrs,
)
from translators.envoy.proxy_headers import read_headers, refuse_named
from translators.envoy.ranges import ranges
from translators.model.edge import EdgeSettings
from translators.model.listeners import ForwardedHeaders, ListenerPort
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

_CLIENT: Final = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
_HOST: Final = "%REQ(:AUTHORITY)%"
_ANYBODY: Final = "anybody"
_OTHERS_WORD: Final = ("forwarded", "true-client-ip", "x-original-uri")
"""Headers that only proxies set. The gateway removes them unless the peer is trusted."""


_CLIENT_PORT: Final = "x-forwarded-client-port"


class Peer(Enum):
    """The kind of peer that a connection comes from."""

    ANYBODY = "anybody"
    TRUSTED = "trusted"


class Chain(NamedTuple):
    """A filter chain: the connections that it takes, and their kind of peer.

    A `match` of None takes all connections that no chain before it takes. The network `filters` run
    before a request is read.
    """

    name: str
    match: xds_matcher.MatcherMatcherListPredicate | None
    peer: Peer
    filters: tuple[listener.Filter, ...] = ()


def chains(edge: EdgeSettings) -> Iterator[Chain]:
    """Yield the filter chains of a listener, in the order in which they are asked.

    The last one takes all other connections.
    """
    if not edge.trusted:
        yield Chain(_ANYBODY, None, Peer.ANYBODY)
    elif not edge.proxy_protocol:
        yield Chain("trusted", address_in(edge.trusted, direct=False), Peer.TRUSTED)
        yield Chain(_ANYBODY, None, Peer.ANYBODY)
    else:
        # The direct source is the address of the connection, the source that of the PROXY header.
        directly, named = (address_in(edge.trusted, direct=direct) for direct in (True, False))
        yield Chain("trusted", all_of(directly, named), Peer.TRUSTED)
        yield Chain("behind-trusted", directly, Peer.ANYBODY)
        yield Chain(_ANYBODY, None, Peer.ANYBODY, (refuse_named(),))


def listener_filters(edge: EdgeSettings) -> list[listener.ListenerFilter]:
    """Return the listener filters, which run before a filter chain is chosen."""
    return read_headers() if edge.proxy_protocol and edge.trusted else []


def client_address(peer: Peer, edge: EdgeSettings) -> dict[str, Any]:
    """Return the fields of HttpConnectionManager by which the client's address is found."""
    if peer is Peer.ANYBODY:
        # For clients on loopback, Envoy would append the machine's own address.
        return {"use_remote_address": True, "skip_xff_append": True}
    cidrs = XffTrustedCidrs(cidrs=ranges(edge.trusted))
    config = XffConfig(xff_trusted_cidrs=cidrs, skip_xff_append=False)
    extension = TypedExtensionConfig(
        name="envoy.http.original_ip_detection.xff", typed_config=pack(config)
    )
    return {"use_remote_address": False, "original_ip_detection_extensions": [extension]}


def early_rules(
    peer: Peer, at: ListenerPort, wanted: ForwardedHeaders
) -> Iterator[mutation_rules.HeaderMutation]:
    """Yield the changes of a request's headers that are made before Envoy reads them.

    `wanted` are the headers that backends of the listener get.
    """
    if not wanted.port:
        yield remove("x-forwarded-port")
    if peer is Peer.TRUSTED:
        # Envoy removes these headers by itself if the peer is not trusted.
        ours = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(prefix="x-envoy-"))
        yield HeaderMutationRule(remove_on_match=ours)
        yield absent("x-forwarded-proto", "%REQ(X-FORWARDED-SCHEME?X-SCHEME)%")
        yield absent("x-forwarded-proto", at.scheme)
        yield put("x-forwarded-scheme", "%REQ(X-FORWARDED-PROTO)%")
        yield put("x-scheme", "%REQ(X-FORWARDED-PROTO)%")
        yield absent("x-forwarded-host", _HOST)
        return
    yield put("x-forwarded-for", _CLIENT)
    yield put("x-real-ip", _CLIENT)
    yield put("x-forwarded-host", _HOST)
    if wanted.port:
        yield put("x-forwarded-port", str(at.port))
    yield put("x-forwarded-scheme", at.scheme)  # Envoy itself sets X-Forwarded-Proto
    yield put("x-scheme", at.scheme)
    for name in _OTHERS_WORD:
        yield remove(name)
    yield (
        put(_CLIENT_PORT, "%DOWNSTREAM_REMOTE_PORT%")
        if wanted.client_port
        else remove(_CLIENT_PORT)
    )


def name_client(peer: Peer) -> Iterator[tuple[str, Any]]:  # messages of different types
    """Yield the HTTP filter that sets X-Real-IP once Envoy has found the client's address."""
    if peer is Peer.TRUSTED:
        rules = [put("x-real-ip", _CLIENT)]
        config = HeaderMutation(mutations=HeaderMutationMutations(request_mutations=rules))
        yield "fleetgate.client_address", config


def hide_scheme(wanted: ForwardedHeaders) -> Iterator[tuple[str, Any]]:  # of different types
    """Yield the HTTP filter that removes X-Forwarded-Proto, which Envoy itself reads and sets."""
    if not wanted.proto:
        rules = [remove("x-forwarded-proto")]
        config = HeaderMutation(mutations=HeaderMutationMutations(request_mutations=rules))
        yield "fleetgate.hidden_scheme", config
