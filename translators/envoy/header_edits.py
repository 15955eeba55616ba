"""Changes of the headers of a request or response, and the bound on the headers of a message."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    AppendAction,
    HeaderMutationRule,
    HeaderValue,
    HeaderValueOption,
)

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.core import v3 as core

MOST_HEADERS: Final = 200
"""The bound on headers of a request or response, whose size is limited to 60 KiB.

HTTP/2 clients send each cookie in a header of its own, and so do backends that set cookies."""


class Put(Enum):
    """What becomes of the values that a header has already."""

    OVERWRITE = "overwrite"
    APPEND = "append"
    IF_ABSENT = "if absent"


_ACTIONS: Final = {
    Put.OVERWRITE: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    Put.APPEND: AppendAction.APPEND_IF_EXISTS_OR_ADD,
    Put.IF_ABSENT: AppendAction.ADD_IF_ABSENT,
}


def option(name: str, value: str, put: Put = Put.OVERWRITE) -> core.HeaderValueOption:
    """Give a text to a header of routes."""
    # Envoy reads "%" as the beginning of an operator.
    header = HeaderValue(key=name, value=value.replace("%", "%%"))
    return HeaderValueOption(header=header, append_action=_ACTIONS[put], keep_empty_value=not value)


def overwritten(name: str, value: str) -> core.HeaderValueOption:
    """Set a header, and replace a received one. A value that evaluates to "" changes nothing."""
    header = HeaderValue(key=name, value=value)
    return HeaderValueOption(header=header, append_action=AppendAction.OVERWRITE_IF_EXISTS_OR_ADD)


def put(name: str, value: str) -> mutation_rules.HeaderMutation:
    """Make the rule of a HeaderMutation that does the same."""
    return HeaderMutationRule(append=overwritten(name, value))


def absent(name: str, value: str) -> mutation_rules.HeaderMutation:
    """Set a header that was not received. A value that evaluates to "" changes nothing."""
    header = HeaderValue(key=name, value=value)
    action = AppendAction.ADD_IF_ABSENT
    return HeaderMutationRule(append=HeaderValueOption(header=header, append_action=action))


def remove(name: str) -> mutation_rules.HeaderMutation:
    """Remove a header."""
    return HeaderMutationRule(remove=name)
