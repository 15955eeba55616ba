"""Repeats a request until the API server answers."""

import logging
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Final

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    retry_if_result,
    wait_random_exponential,
)

from fleet.kubernetes.connection import Reply, Unreached

log = logging.getLogger(__name__)

REFUSALS: Final = 6
"""The number of a busy server's answers after which the last of them is given to the caller."""

BUSY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses after which the same request may succeed later."""


class Patience:
    """Repeats requests, with jitter, while the server does not answer or is busy.

    While there is no answer, it goes on without end. It logs the beginning and the end of such a
    time, once for all requests that wait. `what` completes the sentence "... waits". `longest` is
    the longest wait in seconds.
    """

    def __init__(self, what: str, longest: float = 5.0) -> None:
        self._what = what
        self._jitter = wait_random_exponential(multiplier=0.2, max=longest)
        self._lost = False

    async def ask(
        self, attempt: Callable[[], Awaitable[Reply]], again: Collection[int] = BUSY
    ) -> Reply:
        """The first answer whose status is not in `again`, or the last of REFUSALS answers.

        `attempt` is called for each try, so each try may send newer content.
        """
        refusals = 0

        async def once() -> Reply:
            nonlocal refusals
            reply = await attempt()
            self._note_answer()
            refusals += reply.status in again
            return reply

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Unreached) | retry_if_result(lambda r: r.status in again),
            stop=lambda _: refusals >= REFUSALS,
            wait=self._wait,
            before_sleep=self._note_failure,
            retry_error_callback=_last,
        )
        return await retrying(once)

    def _wait(self, state: RetryCallState) -> float:
        answered = state.outcome is not None and not state.outcome.failed
        asked_for = _last(state).retry_after if answered else None
        return self._jitter(state) + (asked_for or 0.0)

    def _note_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and not self._lost:
            self._lost = True
            log.warning("%s waits, there is no answer: %s", self._what, error)

    def _note_answer(self) -> None:
        if self._lost:
            self._lost = False
            log.warning("%s goes on, there are answers again", self._what)


def _last(state: RetryCallState) -> Reply:
    assert state.outcome is not None  # noqa: S101 (tenacity calls this after an attempt)
    reply: Reply = state.outcome.result()
    return reply
