"""How many headers a message may have, and changes of a request's headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    AppendAction,
    HeaderMutationRule,
    HeaderValue,
    HeaderValueOption,
)

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules

MOST_HEADERS: Final = 200
"""HTTP/2 clients send each cookie as a header of its own, and backends set each cookie by one.
Their size is limited to 60 KiB."""


def put(name: str, value: str) -> mutation_rules.HeaderMutation:
    """Set a header, whatever came; a value that comes to nothing leaves what came."""
    header = HeaderValue(key=name, value=value)
    action = AppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    return HeaderMutationRule(append=HeaderValueOption(header=header, append_action=action))


def absent(name: str, value: str) -> mutation_rules.HeaderMutation:
    """Set a header that is not there, unless the value comes to nothing."""
    header = HeaderValue(key=name, value=value)
    action = AppendAction.ADD_IF_ABSENT
    return HeaderMutationRule(append=HeaderValueOption(header=header, append_action=action))


def remove(name: str) -> mutation_rules.HeaderMutation:
    """Remove a header."""
    return HeaderMutationRule(remove=name)
