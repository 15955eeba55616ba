"""The annotations `traffic-limit-*`, and the limits of the action TrafficLimit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted, declared
from translators.dialects.annotations.reader import FLEETGATE, Key, Reader, Unusable, alb
from translators.dialects.annotations.values import integer, refusal
from translators.model.policy import Policy
from translators.model.rules import Rule
from translators.policies.rate_limits import TOO_MANY_REQUESTS, ClientLimit, Rate, RouteLimit

QPS: Final = alb(
    "traffic-limit-qps",
    "requests of all clients in a second, for each path and each Envoy, or 429",
    default="no limit",
    example="1000",
)

PER_IP: Final = alb(
    "traffic-limit-ip-qps",
    "the same for each client address; it must be below `traffic-limit-qps`",
    default="no limit",
    example="100",
)

_RATE: Final = integer(1, 100_000)

_SECOND: Final = timedelta(seconds=1)

STATUS: Final = Key(
    "limit-req-status-code",
    (FLEETGATE,),
    "the answer to a request beyond a rate, also beyond that of a `TrafficLimit`",
    default=str(TOO_MANY_REQUESTS),
    example="503",
)


def limits(total: str, per_client: str) -> tuple[Policy, ...]:
    """Read the rates of all clients together and of each address. "" is no limit."""
    rates = [_RATE(text) if text else None for text in (total, per_client)]
    if rates[0] is not None and rates[1] is not None and rates[1] >= rates[0]:
        raise Unusable(f"less for each address than the {rates[0]} of all clients")
    made = tuple(_limits(*rates))
    if not made:
        raise Unusable("QPS or QPSPerIp")
    return made


def _limits(total: int | None, per_client: int | None) -> Iterator[Policy]:
    if total is not None:
        yield RouteLimit(Rate(total, _SECOND, total))
    if per_client is not None:
        rate = Rate(per_client, _SECOND, per_client)
        yield ClientLimit((rate,), (), TOO_MANY_REQUESTS)


def read(reader: Reader, wanted: Wanted) -> None:
    """Declare the limits. One of an address that is not below the total has no effect."""
    total = reader.find(QPS, lambda text: limits(text, ""), "there is no such limit")
    below = total.text if total else ""
    each = reader.find(PER_IP, lambda text: limits(below, text)[-1:], "there is no such limit")
    for found in (total, each):
        if found:
            (policy,) = found.value
            wanted.policies.append(declared(found, policy))


def read_status(reader: Reader, wanted: Wanted) -> None:
    """Give all limits of the Ingress, and of its actions, another answer."""
    status = reader.read(STATUS, refusal, f"{TOO_MANY_REQUESTS} is the answer")
    if status is not None:
        change = partial(_answered_by, status)
        for changes in (wanted.changes, *(of.changes for of in wanted.of_services.values())):
            changes.append(change)


def _answered_by(status: int, rule: Rule) -> Rule:
    policies = [
        replace(each, status=status) if isinstance(each, RouteLimit | ClientLimit) else each
        for each in rule.policies
    ]
    return replace(rule, policies=tuple(policies))


FEATURE: Final = Feature("Limits", (QPS, PER_IP), read)

ANSWERS: Final = Feature("Answers of limits", (STATUS,), read_status)
