"""Predicates over requests and connections, and HTTP filters that run only where one is met."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from translators.envoy.messages import (
    DirectSourceIpInput,
    ExecuteFilterAction,
    ExtensionWithMatcher,
    FilterChainConfiguration,
    HttpRequestHeaderMatchInput,
    HttpResponseStatusCodeMatchInput,
    IpMatcher,
    OnMatch,
    ServerNameInput,
    SkipFilter,
    SourceIpInput,
    TypedExtensionConfig,
    XdsMatcher,
    XdsMatcherFieldMatcher,
    XdsMatcherList,
    XdsMatcherPredicate,
    XdsMatcherPredicateList,
    XdsMatcherSinglePredicate,
    XdsRegexMatcher,
    XdsRegexMatcherGoogleRe2,
    XdsStringMatcher,
    XdsTypedExtensionConfig,
)
from translators.envoy.ranges import ranges
from translators.model.edge import Network
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
    from envoy_data_plane.xds.core import v3 as xds_core
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher


def regex(pattern: str) -> xds_matcher.StringMatcher:
    """Match a text that the RE2 pattern matches in full."""
    matcher = XdsRegexMatcher(google_re2=XdsRegexMatcherGoogleRe2(), regex=pattern)
    return XdsStringMatcher(safe_regex=matcher)


def header(name: str, value: xds_matcher.StringMatcher) -> xds_matcher.MatcherMatcherListPredicate:
    """Match a request header by its value. An absent header does not match."""
    source = pack(HttpRequestHeaderMatchInput(header_name=name))
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name=name.removeprefix(":"), typed_config=source),
            value_match=value,
        )
    )


def client_in(networks: Iterable[Network]) -> xds_matcher.MatcherMatcherListPredicate:
    """Match a client whose address is in one of the networks; there must be one.

    It is the address that the edge has found (`translators.envoy.forwarded`). Envoy looks it up in
    a trie, so long lists cost no more than short ones.
    """
    matcher = IpMatcher(cidr_ranges=ranges(networks), stat_prefix="clients")
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name="client", typed_config=pack(SourceIpInput())),
            custom_match=XdsTypedExtensionConfig(name="networks", typed_config=pack(matcher)),
        )
    )


def server_name_input() -> xds_core.TypedExtensionConfig:
    """Read the server's name of a TLS connection, in lower case."""
    return XdsTypedExtensionConfig(name="server_name", typed_config=pack(ServerNameInput()))


def server_name(value: xds_matcher.StringMatcher) -> xds_matcher.MatcherMatcherListPredicate:
    """Match a TLS connection by the server's name, in lower case. No name does not match."""
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(input=server_name_input(), value_match=value)
    )


def address_in(
    networks: Iterable[Network], *, direct: bool
) -> xds_matcher.MatcherMatcherListPredicate:
    """Match a connection by its source, or by its `direct` source before a PROXY header."""
    source = DirectSourceIpInput() if direct else SourceIpInput()
    among = IpMatcher(cidr_ranges=ranges(networks), stat_prefix="source")
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name="source", typed_config=pack(source)),
            custom_match=XdsTypedExtensionConfig(
                name="envoy.matching.matchers.ip", typed_config=pack(among)
            ),
        )
    )


def status(code: int) -> xds_matcher.MatcherMatcherListPredicate:
    """Match a response by its status."""
    source = pack(HttpResponseStatusCodeMatchInput())
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name="status", typed_config=source),
            value_match=XdsStringMatcher(exact=str(code)),
        )
    )


def no(
    predicate: xds_matcher.MatcherMatcherListPredicate,
) -> xds_matcher.MatcherMatcherListPredicate:
    """Negate a predicate."""
    return XdsMatcherPredicate(not_matcher=predicate)


def all_of(
    *predicates: xds_matcher.MatcherMatcherListPredicate,
) -> xds_matcher.MatcherMatcherListPredicate:
    """Combine predicates by "and". Envoy evaluates them in order, up to the first that fails."""
    return XdsMatcherPredicate(and_matcher=XdsMatcherPredicateList(predicate=[*predicates]))


def any_of(
    *predicates: xds_matcher.MatcherMatcherListPredicate,
) -> xds_matcher.MatcherMatcherListPredicate:
    """Combine predicates by "or". Envoy evaluates them in order, up to the first that is met."""
    return XdsMatcherPredicate(or_matcher=XdsMatcherPredicateList(predicate=[*predicates]))


def only_where(
    predicate: xds_matcher.MatcherMatcherListPredicate,
    name: str,
    config: Any,  # noqa: ANN401 (the message of any filter)
) -> matching.ExtensionWithMatcher:
    """Run the HTTP filter `name` only for requests that meet the predicate when they reach it."""
    return where([(no(predicate), skip())], name, config)


def skip() -> xds_matcher.MatcherOnMatch:
    """Make the action by which a filter does nothing."""
    return OnMatch(action=XdsTypedExtensionConfig(name="skip", typed_config=pack(SkipFilter())))


def where(
    cases: Iterable[tuple[xds_matcher.MatcherMatcherListPredicate, xds_matcher.MatcherOnMatch]],
    name: str,
    config: Any,  # noqa: ANN401 (the message of any filter)
) -> matching.ExtensionWithMatcher:
    """Run the HTTP filter `name` with the action of the first case that a request meets."""
    return ExtensionWithMatcher(
        xds_matcher=first_of(cases),
        extension_config=TypedExtensionConfig(name=name, typed_config=pack(config)),
    )


def first_of(
    cases: Iterable[tuple[xds_matcher.MatcherMatcherListPredicate, xds_matcher.MatcherOnMatch]],
    otherwise: xds_matcher.MatcherOnMatch | None = None,
) -> xds_matcher.Matcher:
    """Take the action of the first case that a request meets, or that of `otherwise`."""
    matchers = [
        XdsMatcherFieldMatcher(predicate=predicate, on_match=on_match)
        for predicate, on_match in cases
    ]
    if not matchers:
        return XdsMatcher(on_no_match=otherwise)
    return XdsMatcher(matcher_list=XdsMatcherList(matchers=matchers), on_no_match=otherwise)


def do(*filters: tuple[str, Any]) -> xds_matcher.MatcherOnMatch:  # messages of any filters
    """Make the action by which a Composite runs these HTTP filters in order."""
    chain = FilterChainConfiguration(
        typed_config=[
            TypedExtensionConfig(name=name, typed_config=pack(config)) for name, config in filters
        ]
    )
    action = pack(ExecuteFilterAction(filter_chain=chain))
    return OnMatch(action=XdsTypedExtensionConfig(name="do", typed_config=action))
