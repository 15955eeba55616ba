"""Retries: the requests that are tried again, on which Pods, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from translators.envoy.header_edits import overwritten, put
from translators.envoy.matching import header, only_where, regex
from translators.envoy.messages import (
    AccessLogFilter,
    AppendAction,
    ExpressionFilter,
    ExtensionFilter,
    HeaderMutation,
    HeaderMutationMutations,
    HeaderValue,
    HeaderValueOption,
    PreviousHostsPredicate,
    PreviousPrioritiesConfig,
    RequestBackOff,
    RequestRetryHostPredicate,
    RequestRetryPolicy,
    RequestRetryPriority,
    ResponseMapper,
    RetryBackOff,
    RetryHostPredicate,
    RetryPolicy,
    RetryPriority,
)
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.route import v3 as schema
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm


RETRIES: Final = 10
"""The number of retries after the first try.

With 500 of 1000 Pods killed, 60,000 requests lose 15 with 5 retries, and none with 10."""

REPEATABLE: Final = 1024 * 1024
"""The bytes of a request's body that are kept for a retry, beside those on their way.

A request is not retried after more of its body has come in."""

RETRY_ON: Final = "connect-failure,refused-stream,reset-before-request"
"""Failures after which every request is retried: the backend has not seen it.

No response causes a retry, because a backend that answers 503 may have acted on the request.
`repeat_idempotent` adds another failure for idempotent methods."""

MORE: Final = "fleetgate.retries"
"""The metadata of a route that says what its idempotent requests are retried for.

`RETRY_ON_KEY` holds the failures beside `RETRY_ON`, and `RETRIES_KEY` the number of retries."""

RETRY_ON_KEY: Final = "on"

RETRIES_KEY: Final = "number"

_RETRY_ON_HEADER: Final = "x-envoy-retry-on"

_ANSWERED: Final = "retriable-status-codes"

_LOST: Final = "reset"
"""A failure after which an idempotent request is retried: no response has begun."""

IDEMPOTENT: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""Methods that RFC 9110 section 9.2.2 allows a proxy to repeat."""


def retry_policy(
    retry_on: str = RETRY_ON,
    retries: int = RETRIES,
    statuses: Sequence[int] = (),
    each: timedelta | None = None,
) -> schema.RetryPolicy:
    """Build the retry policy of a VirtualHost, or of a route that has its own.

    `statuses` are those that `retriable-status-codes` means. `each` bounds the time of one try.
    """
    return RetryPolicy(
        retry_on=retry_on,
        num_retries=retries,
        retriable_status_codes=[*statuses],
        per_try_timeout=each,
        # The first pause is short, because an upload that goes on meanwhile must be buffered.
        retry_back_off=RetryBackOff(
            base_interval=timedelta(milliseconds=1), max_interval=timedelta(milliseconds=100)
        ),
        # Two tries fail before the next priority is used. After a single one, requests would leave
        # a subset that still has a Pod which answers.
        # The names are short, because every table repeats them. Envoy finds an extension by the
        # type of its configuration.
        retry_priority=RetryPriority(
            name="priorities",
            typed_config=pack(PreviousPrioritiesConfig(update_frequency=2)),
        ),
        retry_host_predicate=[
            RetryHostPredicate(
                name="hosts",
                typed_config=pack(PreviousHostsPredicate()),
            )
        ],
        host_selection_retry_max_attempts=10,
    )


@cache
def question_retries(method: str, timeout: timedelta) -> core.RetryPolicy:
    """Build the same policy for a question about a request, which has a type of its own."""
    return RequestRetryPolicy(
        retry_on=f"{RETRY_ON},{_LOST}" if method in IDEMPOTENT else RETRY_ON,
        num_retries=RETRIES,
        # Envoy takes the longest pause as the limit of a single try, too.
        retry_back_off=RequestBackOff(
            base_interval=timedelta(milliseconds=1), max_interval=timeout
        ),
        retry_priority=RequestRetryPriority(
            name="priorities", typed_config=pack(PreviousPrioritiesConfig(update_frequency=2))
        ),
        retry_host_predicate=[
            RequestRetryHostPredicate(name="hosts", typed_config=pack(PreviousHostsPredicate()))
        ],
        host_selection_retry_max_attempts=10,
    )


def repeat_idempotent() -> matching.ExtensionWithMatcher:
    """Configure the filter that lets idempotent requests be retried until a response begins.

    It sets the header `x-envoy-retry-on: reset`. In a `retry_on` of routes, `reset` would repeat
    POST requests too. The header alone would allow one retry only, so the routes have a retry
    policy as well. The metadata of a route can ask for other failures, and for another number.
    """
    of_route = f"%METADATA(ROUTE:{MORE}:{{}})%"
    mutations = [
        put(_RETRY_ON_HEADER, _LOST),
        put(_RETRY_ON_HEADER, of_route.format(RETRY_ON_KEY)),
        put("x-envoy-max-retries", of_route.format(RETRIES_KEY)),
    ]
    return only_where(
        header(":method", regex("|".join(IDEMPOTENT))),
        "envoy.filters.http.header_mutation",
        HeaderMutation(mutations=HeaderMutationMutations(request_mutations=mutations)),
    )


def retry_elsewhere(status: int) -> list[core.HeaderValueOption]:
    """Have idempotent requests tried again that were answered with this status.

    These are headers for the router, which follow those that `repeat_idempotent` has set. A request
    without these is not tried again for an answer.
    """
    more = HeaderValue(key=_RETRY_ON_HEADER, value=f"%REQ({_RETRY_ON_HEADER})%,{_ANSWERED}")
    return [
        HeaderValueOption(header=more, append_action=AppendAction.OVERWRITE_IF_EXISTS),
        overwritten("x-envoy-retriable-status-codes", str(status)),
    ]


def unkept_upload() -> hcm.ResponseMapper:
    """Replace a status of 507 by 503, which is the answer if no Pod can be reached.

    Envoy answers 507 if more of an upload has come in than it keeps, while a retry waits.
    """
    full = "response.code_details == 'request_payload_exceeded_retry_buffer_limit'"
    expression = ExtensionFilter(name="cel", typed_config=pack(ExpressionFilter(expression=full)))
    return ResponseMapper(filter=AccessLogFilter(extension_filter=expression), status_code=503)
