"""Policies that change URLs, cookies and headers in the answers of backends."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

from translators.envoy.answers import answer_changes, header_changes
from translators.envoy.filters import ANSWERS
from translators.envoy.parts import RouteParts
from translators.model.policy import Scope
from translators.policies.headers import HeaderEdits
from translators.policies.policy import EnvoyPolicy

Swap: TypeAlias = tuple[str, str]
"""A text, and the text that takes its place."""


@dataclass(frozen=True, slots=True)
class AnswerChanges(EnvoyPolicy):
    """Change the begin of URLs in Location and Refresh, and attributes of cookies.

    `domain` is a whole domain, and `path` the begin of a path.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    url: Swap | None = None
    domain: Swap | None = None
    path: Swap | None = None

    def route(self, parts: RouteParts) -> None:
        """Configure the filter of answers."""
        swaps = {"url": self.url, "domain": self.domain, "path": self.path}
        texts = {}
        for name, swap in swaps.items():
            if swap:
                texts[name], texts[f"new_{name}"] = swap
        parts.configure(ANSWERS, answer_changes(texts))


class AnswerCondition(NamedTuple):
    """A header of answers, and texts of which its value must equal one.

    In a text, `?` is any byte, and `*` is any run of bytes; there is one `*` at most. The header
    `:status` is the status.
    """

    header: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerHeaders(EnvoyPolicy):
    """Change the headers of answers that meet all conditions."""

    scope: ClassVar[Scope] = Scope.ROUTE
    conditions: tuple[AnswerCondition, ...]
    edits: HeaderEdits

    def route(self, parts: RouteParts) -> None:
        """Configure the filter of answers."""
        edits = self.edits
        changes = header_changes(self.conditions, edits.remove, edits.update, edits.absent)
        parts.configure(ANSWERS, changes)
