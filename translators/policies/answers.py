"""The policy that changes URLs and cookies in the answers of backends."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from translators.envoy.answers import answer_changes
from translators.envoy.filters import ANSWERS
from translators.envoy.parts import RouteParts
from translators.model.policy import Scope
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
