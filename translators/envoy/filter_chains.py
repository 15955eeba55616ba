"""The choice of a connection's filter chain.

    server's name  ─▶ no name, or one of letters, digits, ".", "-" and "_" ─▶ by the peer's address
    (TLS alone)    └▶ anything else: the connection is closed                 └▶ by the host

A host may have chains that are not the listener's. A wildcard stands for one label, as in rules,
and does not stand for a host that is declared itself. Hosts share chains that would differ in their
names alone, since a chain takes about 1 MiB of memory in an Envoy with two workers.

A client may write any bytes as the server's name, and Envoy asks for a certificate by it as it
came. Bytes that are no UTF-8 would end the stream of its configuration, again and again. In the xDS
protocol "*" stands for everything, and "xdstp:" begins another kind of name.

A change of the choice alone leaves all connections as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

import re2

from translators.envoy.forwarded import Chain
from translators.envoy.matching import any_of, first_of, no, regex, server_name, server_name_input
from translators.envoy.messages import (
    ListenerFilter,
    OnMatch,
    TlsInspector,
    XdsMatcher,
    XdsMatcherTree,
    XdsMatchMap,
    XdsTypedExtensionConfig,
)
from translators.envoy.parts import ChainParts
from xds.wire import TYPE_URL_PREFIX, field, pack, pack_bytes

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

_USUAL: Final = "[-._A-Za-z0-9]+"
_ANY: Final = r"\C+"
"""A pattern for any bytes; "." would not match bytes that are no UTF-8."""


class NamedHosts(NamedTuple):
    """Hosts with chains of their own, and hosts below their wildcards that have none."""

    own: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()


NO_HOSTS: Final = NamedHosts()


class LabelledHosts(NamedTuple):
    """The same, with the label of the chains of each host in `own`."""

    own: tuple[tuple[str, str], ...] = ()
    usual: tuple[str, ...] = ()


NO_LABELS: Final = LabelledHosts()


def label_of(host: ChainParts) -> str:
    """Return the label of a host's chains. Only chains that are alike have the same one."""
    if host.alone:
        return host.host
    tls = host.tls
    digest = blake2b(":".join(tls.ciphers).encode(), digest_size=8).hexdigest()
    return f"{tls.minimum}-{tls.maximum}" + (f"-{digest}" if tls.ciphers else "")


def labelled(label: str, chain: Chain) -> str:
    """Return the name of a chain of hosts that stands for one of the listener."""
    return f"{label}/{chain.name}"


def chosen_by_peer(chains: Sequence[Chain]) -> xds_matcher.Matcher | None:
    """Choose among chains of a listener that reads no name; None if there is only one."""
    return _by_peer(chains, lambda chain: _take(chain.name)) if len(chains) > 1 else None


def chosen_by_name(
    chains: Sequence[Chain], hosts: LabelledHosts = NO_LABELS
) -> xds_matcher.Matcher:
    """Choose among chains of a listener for TLS, and close connections with an odd name."""
    is_usual = any_of(server_name(regex(_USUAL)), no(server_name(regex(_ANY))))

    def by_host(chain: Chain) -> xds_matcher.MatcherOnMatch:
        return OnMatch(matcher=_by_host(chain, hosts)) if hosts.own else _take(chain.name)

    by_peer = OnMatch(matcher=_by_peer(chains, by_host)) if len(chains) > 1 else by_host(chains[0])
    return first_of([(is_usual, by_peer)])


def read_name() -> listener.ListenerFilter:
    """Return the listener filter that reads the server's name, before a chain is chosen."""
    return ListenerFilter(
        name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector())
    )


def _by_peer(
    chains: Sequence[Chain], then: Callable[[Chain], xds_matcher.MatcherOnMatch]
) -> xds_matcher.Matcher:
    *some, last = chains
    matched = ((chain.match, then(chain)) for chain in some if chain.match is not None)
    return first_of(matched, otherwise=then(last))


def _by_host(chain: Chain, hosts: LabelledHosts) -> xds_matcher.Matcher:
    """Choose among a chain of the listener, and those that hosts have in its place."""
    own = {host: labelled(label, chain) for host, label in hosts.own}
    exact = {host: name for host, name in own.items() if not host.startswith("*")}
    exact |= dict.fromkeys(hosts.usual, chain.name)
    # A final dot is part of a name as clients may write it.
    spelt = {spelling: name for host, name in exact.items() for spelling in (host, f"{host}.")}
    wildcards = [
        (server_name(regex(rf"[^.]+{re2.escape(host[1:])}\.?")), _take(name))
        for host, name in own.items()
        if host.startswith("*")
    ]
    others = _take(chain.name)
    if wildcards:
        among = first_of(wildcards, otherwise=others)
        if not spelt:
            return among
        others = OnMatch(matcher=among)
    found = XdsMatchMap(map={host: _take(name) for host, name in sorted(spelt.items())})
    return XdsMatcher(
        matcher_tree=XdsMatcherTree(input=server_name_input(), exact_match_map=found),
        on_no_match=others,
    )


def _take(name: str) -> xds_matcher.MatcherOnMatch:
    """Take a chain: the action is its name as a StringValue."""
    packed = pack_bytes(f"{TYPE_URL_PREFIX}google.protobuf.StringValue", field(1, name.encode()))
    return OnMatch(action=XdsTypedExtensionConfig(name=name, typed_config=packed))
