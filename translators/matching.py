"""Filters that run for some requests only, and what is looked at to tell these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from translators.messages import (
    ExtensionWithMatcher,
    HttpRequestHeaderMatchInput,
    OnMatch,
    SkipFilter,
    TypedExtensionConfig,
    XdsMatcher,
    XdsMatcherFieldMatcher,
    XdsMatcherList,
    XdsMatcherPredicate,
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
    """A text that the RE2 pattern matches in full."""
    matcher = XdsRegexMatcher(google_re2=XdsRegexMatcherGoogleRe2(), regex=pattern)
    return XdsStringMatcher(safe_regex=matcher)


def header(name: str, value: xds_matcher.StringMatcher) -> xds_matcher.MatcherMatcherListPredicate:
    """A request header whose value matches; one that is absent does not."""
    source = pack(HttpRequestHeaderMatchInput(header_name=name))
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name=name.removeprefix(":"), typed_config=source),
            value_match=value,
        )
    )


def only_where(
    predicate: xds_matcher.MatcherMatcherListPredicate,
    name: str,
    config: Any,  # noqa: ANN401 (the message of any filter)
) -> matching.ExtensionWithMatcher:
    """The HTTP filter `name`, for requests that meet the predicate when they reach it."""
    skip = XdsTypedExtensionConfig(name="skip", typed_config=pack(SkipFilter()))
    other = XdsMatcherFieldMatcher(
        predicate=XdsMatcherPredicate(not_matcher=predicate), on_match=OnMatch(action=skip)
    )
    return ExtensionWithMatcher(
        xds_matcher=XdsMatcher(matcher_list=XdsMatcherList(matchers=[other])),
        extension_config=TypedExtensionConfig(name=name, typed_config=pack(config)),
    )
