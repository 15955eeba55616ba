"""The annotations `healthcheck-*`: active health checks of a Service's Pods."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Key, Reader, Unusable, alb
from translators.dialects.annotations.values import boolean, integer, one_of, seconds
from translators.model.health_checks import CheckProtocol, HealthCheck
from translators.model.listeners import MAX_PORT
from translators.model.policy import Policy
from translators.policies.health_checks import HealthChecks

ENABLED: Final = alb(
    "healthcheck-enabled",
    "`true`: each Envoy asks the Pods of the Service whether they are usable",
    default="`false`",
    example="true",
)

PROTOCOL: Final = alb(
    "healthcheck-protocol",
    "`HTTP`, `HTTPS`, `TCP`, or `GRPC` of backends that speak HTTP/2 (`TCP` of others)",
    default="`HTTP`",
    example="TCP",
)

PATH: Final = alb("healthcheck-path", "the path that is asked for", default="`/`", example="/up")

METHOD: Final = alb(
    "healthcheck-method", "`HEAD`, `GET` or `POST`", default="`HEAD`", example="GET"
)

CODES: Final = alb(
    "healthcheck-code",
    "good answers by comma: `http_2xx`, `http_3xx`, `http_4xx` and `http_5xx`",
    default="`http_2xx`",
    example="http_2xx,http_3xx",
)

HTTP_CODES: Final = alb(
    "healthcheck-httpcode",
    "the same, where `healthcheck-code` is absent",
    default="`http_2xx`",
    example="http_2xx",
)

TIMEOUT: Final = alb(
    "healthcheck-timeout-seconds", "time for an answer, 1 to 300", default="5", example="3"
)

INTERVAL: Final = alb(
    "healthcheck-interval-seconds", "time between two checks, 1 to 50", default="2", example="5"
)

SUCCESSES: Final = alb(
    "healthy-threshold-count",
    "good answers in a row after which a Pod is used again, 2 to 10",
    default="3",
    example="2",
)

FAILURES: Final = alb(
    "unhealthy-threshold-count",
    "bad answers in a row after which a Pod is not used, 2 to 10",
    default="3",
    example="2",
)

PORT: Final = alb(
    "healthcheck-connect-port",
    "port of the Pods that is asked; 0 is that of the backend",
    default="0",
    example="8080",
)

_PATH: Final = re.compile(r"/[\x21\x22\x24-\x7e]{0,255}")

_CODES: Final = {f"http_{digit}xx": (digit * 100, digit * 100 + 100) for digit in range(2, 6)}


def parse(reader: Reader) -> Found[Policy] | None:
    """Read the check; None if the Ingress does not ask for one."""
    enabled = reader.find(ENABLED, boolean)
    default = HealthCheck()
    codes = [reader.read(key, _codes, "http_2xx holds") for key in (CODES, HTTP_CODES)]
    number = integer(2, 10)

    def span(key: Key, most: int, holds: timedelta) -> timedelta:
        return reader.read(key, seconds(1, most), f"{holds.seconds} holds") or holds

    def count(key: Key, read: Callable[[str], int], holds: int) -> int:
        found = reader.read(key, read, f"{holds} holds")
        return holds if found is None else found

    check = HealthCheck(
        reader.read(PROTOCOL, _protocol, "HTTP holds") or default.protocol,
        reader.read(PATH, _path, "/ holds") or default.path,
        reader.read(METHOD, _method, "HEAD holds") or default.method,
        next((each for each in codes if each), default.statuses),
        span(TIMEOUT, 300, default.timeout),
        span(INTERVAL, 50, default.interval),
        count(SUCCESSES, number, default.successes),
        count(FAILURES, number, default.failures),
        count(PORT, integer(0, MAX_PORT), default.port),
    )
    if enabled is None or not enabled.value:
        return None
    return Found(enabled.spelling, enabled.text, HealthChecks(check))


def _protocol(text: str) -> CheckProtocol:
    return CheckProtocol(one_of(*CheckProtocol)(text.upper()))


def _method(text: str) -> str:
    return one_of("HEAD", "GET", "POST")(text.upper())


def _path(text: str) -> str:
    if _PATH.fullmatch(text):
        return text
    raise Unusable("a path in ASCII that starts with /, of at most 256 characters")


def _codes(text: str) -> tuple[tuple[int, int], ...]:
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if not words or not all(word in _CODES for word in words):
        raise Unusable(f"words of {', '.join(_CODES)}, with commas between them")
    return tuple(sorted({_CODES[word] for word in words}))


FEATURE: Final = policy_feature(
    "Health checks",
    (
        *(ENABLED, PROTOCOL, PATH, METHOD, CODES, HTTP_CODES),
        *(TIMEOUT, INTERVAL, SUCCESSES, FAILURES, PORT),
    ),
    parse,
)
