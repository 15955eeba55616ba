"""The choice of a connection's filter chain.

    server's name  ─▶ no name, or one of letters, digits, ".", "-" and "_" ─▶ by the peer's address
    (TLS alone)    └▶ anything else: the connection is closed

A client may write any bytes as the server's name, and Envoy asks for a certificate by it as it
came. Bytes that are no UTF-8 would end the stream of its configuration, again and again. In the xDS
protocol "*" stands for everything, and "xdstp:" begins another kind of name.

A change of the choice alone leaves all connections as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from translators.envoy.forwarded import Chain
from translators.envoy.matching import any_of, no, regex, server_name
from translators.envoy.messages import (
    ListenerFilter,
    OnMatch,
    TlsInspector,
    XdsMatcher,
    XdsMatcherFieldMatcher,
    XdsMatcherList,
    XdsTypedExtensionConfig,
)
from xds.wire import TYPE_URL_PREFIX, field, pack, pack_bytes

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

_USUAL: Final = "[-._A-Za-z0-9]+"
_ANY: Final = r"\C+"
"""A pattern for any bytes; "." would not match bytes that are no UTF-8."""


def chosen_by_peer(chains: Sequence[Chain]) -> xds_matcher.Matcher | None:
    """Choose among chains of a listener in clear text; None if there is only one."""
    return _by_peer(chains) if len(chains) > 1 else None


def chosen_by_name(chains: Sequence[Chain]) -> xds_matcher.Matcher:
    """Choose among chains of a listener for TLS, and close connections with an odd name."""
    is_usual = any_of(server_name(regex(_USUAL)), no(server_name(regex(_ANY))))
    by_peer = OnMatch(matcher=_by_peer(chains)) if len(chains) > 1 else _take(chains[0])
    return _listed(XdsMatcherFieldMatcher(predicate=is_usual, on_match=by_peer))


def read_name() -> listener.ListenerFilter:
    """Return the listener filter that reads the server's name, before a chain is chosen."""
    return ListenerFilter(
        name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector())
    )


def _by_peer(chains: Sequence[Chain]) -> xds_matcher.Matcher:
    *some, last = chains
    fields = [XdsMatcherFieldMatcher(predicate=c.match, on_match=_take(c)) for c in some]
    return XdsMatcher(matcher_list=XdsMatcherList(matchers=fields), on_no_match=_take(last))


def _listed(*fields: xds_matcher.MatcherMatcherListFieldMatcher) -> xds_matcher.Matcher:
    return XdsMatcher(matcher_list=XdsMatcherList(matchers=[*fields]))


def _take(chain: Chain) -> xds_matcher.MatcherOnMatch:
    """Take a chain: the action is its name as a StringValue."""
    name = pack_bytes(
        f"{TYPE_URL_PREFIX}google.protobuf.StringValue", field(1, chain.name.encode())
    )
    return OnMatch(action=XdsTypedExtensionConfig(name=chain.name, typed_config=name))
