"""Retries on other members, where one of a gateway's members is reached by its own ingress."""

from dataclasses import dataclass
from typing import ClassVar, Final

from translators.envoy.parts import TableParts
from translators.envoy.retries import retry_elsewhere
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

NO_PODS: Final = 503
"""The answer of an ingress that has no Pod for a request."""


@dataclass(frozen=True, slots=True)
class Elsewhere(EnvoyPolicy):
    """Tries idempotent requests again that were answered with 503.

    The ingress of a member answers so when it has no Pod. Nothing tells this answer from a 503 of
    an application, so such an answer is tried again too. If all say 503, the client gets the last.
    """

    scope: ClassVar[Scope] = Scope.GATEWAY

    def table(self, parts: TableParts) -> None:
        """Name the answer in all tables."""
        parts.table.put("request_headers_to_add", retry_elsewhere(NO_PODS))
