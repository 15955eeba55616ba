"""Predicates over requests, and HTTP filters that run only for requests that meet one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from translators.envoy.messages import (
    ExecuteFilterAction,
    ExtensionWithMatcher,
    FilterChainConfiguration,
    HttpRequestHeaderMatchInput,
    HttpResponseStatusCodeMatchInput,
    OnMatch,
    SkipFilter,
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
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
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


def only_where(
    predicate: xds_matcher.MatcherMatcherListPredicate,
    name: str,
    config: Any,  # noqa: ANN401 (the message of any filter)
) -> matching.ExtensionWithMatcher:
    """Run the HTTP filter `name` only for requests that meet the predicate when they reach it."""
    skip = XdsTypedExtensionConfig(name="skip", typed_config=pack(SkipFilter()))
    return where([(no(predicate), OnMatch(action=skip))], name, config)


def where(
    cases: Iterable[tuple[xds_matcher.MatcherMatcherListPredicate, xds_matcher.MatcherOnMatch]],
    name: str,
    config: Any,  # noqa: ANN401 (the message of any filter)
) -> matching.ExtensionWithMatcher:
    """Run the HTTP filter `name` with the action of the first case that a request meets."""
    matchers = [
        XdsMatcherFieldMatcher(predicate=predicate, on_match=on_match)
        for predicate, on_match in cases
    ]
    return ExtensionWithMatcher(
        xds_matcher=XdsMatcher(matcher_list=XdsMatcherList(matchers=matchers)),
        extension_config=TypedExtensionConfig(name=name, typed_config=pack(config)),
    )


def do(*filters: tuple[str, Any]) -> xds_matcher.MatcherOnMatch:  # messages of any filters
    """Make the action by which a Composite runs these HTTP filters in order."""
    chain = FilterChainConfiguration(
        typed_config=[
            TypedExtensionConfig(name=name, typed_config=pack(config)) for name, config in filters
        ]
    )
    action = pack(ExecuteFilterAction(filter_chain=chain))
    return OnMatch(action=XdsTypedExtensionConfig(name="do", typed_config=action))
