"""Retries of an Ingress's own: the failures that are tried again, and how often."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from translators.envoy.messages import RetryPolicy
from translators.envoy.parts import RouteParts
from translators.envoy.retries import (
    MORE,
    RETRIES,
    RETRIES_KEY,
    RETRY_ON,
    RETRY_ON_KEY,
    retry_policy,
)
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

_NOTHING_MORE: Final = "connect-failure"
"""A failure that the retry policy of every route names already."""


@dataclass(frozen=True, slots=True)
class Retries(EnvoyPolicy):
    """Sets what is tried again of the requests that a backend may have acted on.

    `unanswered` allows it for requests that got no answer, and `statuses` for these answers. Both
    hold for idempotent methods, or with `every_method` for all. `most` bounds the retries of such
    requests; None leaves the number of failover, and 0 switches off the retries of all requests.
    `each` bounds the time of one try.

    A request that no backend has seen is always tried again. Envoy has one count for all retries of
    a request.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    unanswered: bool = True
    statuses: tuple[int, ...] = ()
    every_method: bool = False
    most: int | None = None
    each: timedelta | None = None

    def route(self, parts: RouteParts) -> None:
        """Replace the retry policy of the host for this route."""
        if self.most == 0:
            parts.action.put("retry_policy", RetryPolicy(num_retries=0, per_try_timeout=self.each))
            return
        more = ["reset"] if self.unanswered else []
        more += ["retriable-status-codes"] if self.statuses else []
        retry_on, retries = RETRY_ON, RETRIES
        if self.every_method and more:
            retry_on = ",".join((RETRY_ON, *more))
            retries = self.most or RETRIES
        policy = retry_policy(retry_on, retries, self.statuses, self.each)
        parts.action.put("retry_policy", policy)
        parts.note(MORE, **{RETRY_ON_KEY: ",".join(more) or _NOTHING_MORE})
        if more and self.most is not None:
            parts.note(MORE, **{RETRIES_KEY: str(self.most)})
