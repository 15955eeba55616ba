"""Random requests to the hosts of an Ingress: in clear, over TLS, and by HTTP/3."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final, TypeVar

from fleetgate.demo.http import Question

T = TypeVar("T")


class Way(Enum):
    """The way of a request to the gateway."""

    CLEAR = auto()
    TLS = auto()
    CERTIFIED = auto()
    """Over TLS, with a certificate of the client."""
    QUIC = auto()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request. With `must` it has to get an answer over TLS too, where others may be refused."""

    question: Question
    way: Way = Way.CLEAR
    must: bool = False


_AUTHORIZATION: Final = ("Basic YTpi", "Basic YTpj", "Basic %%%", "Basic", "Bearer x", "basic Og==")
"""The first one is that of the user `a` with the right password."""

_ORIGIN: Final = ("https://a.test", "https://x.a.test", "null", "*", "http://[::1]", "a b")

_COOKIE: Final = ("stage=gray; INGRESSCOOKIE=abc", "stage=always", "route=%22; stage", ";;=", "=")

_FORWARDED: Final = ("10.0.0.1", "192.0.2.1, 127.0.0.1", "::1", "unknown, ,,", "10.0.0.1:80", "x")

_ODD: Final = (
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "other.test"),
    ("x-original-url", "/other"),
    ("x-envoy-original-path", "/other"),
    ("x-envoy-max-retries", "100"),
    ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-fg-scope", "mse|control.test"),
    ("ssl-client-verify", "SUCCESS"),
    ("x-user", "somebody"),
    ("x-verdict", '[401, [["www-authenticate", "Basic"]]]'),
    ("x-verdict", '[403, [["set-cookie", "a=b"], ["location", "/x"]]]'),
    ("x-verdict", "[500, []]"),
    ("x-verdict", '[200, [["x-user", "a"], ["set-cookie", "a=b"]]]'),
    ("range", "bytes=0-"),
    ("te", "trailers"),
    ("accept", "application/grpc, */*;q=0"),
    ("content-type", "application/grpc-web"),
    ("connection", "close"),
    ("x-long", "x" * 8000),
)

_METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


def questions(
    random: Random, host: str, path: str, others: Sequence[str], *, by_tls: bool
) -> Iterator[Sent]:
    """Yield requests for a path of a host and for its other names, also over TLS if asked for."""
    yield Sent(Question(path, host))
    headers = _headers(random)
    yield Sent(Question(f"{path}?stage=gray&x=1", host, headers))
    yield Sent(_unusual(random, host, path))
    for other in others:
        yield Sent(Question(path, other))
    if by_tls:
        for way in (Way.TLS, random.choice((Way.TLS, Way.CERTIFIED))):
            asked = random.choice((Question(path, host, headers), _unusual(random, host, path)))
            yield Sent(asked, way)
        if random.random() < 0.1:
            yield Sent(Question(path, host), Way.QUIC)


def certain(host: str) -> Iterator[Sent]:
    """Yield requests over TLS to which each host with a good certificate has an answer."""
    yield Sent(Question("/", host), Way.TLS, must=True)
    yield Sent(Question("/a", host), Way.CERTIFIED, must=True)


def _headers(random: Random) -> dict[str, str]:
    """Choose headers on which annotations act, and often one with an odd meaning."""
    made = {
        "origin": _ORIGIN[0],
        "cookie": _COOKIE[0],
        "stage": random.choice(("gray", "always", "never")),
        "authorization": _AUTHORIZATION[0],
    }
    if random.random() < 0.5:
        made["origin"] = random.choice(_ORIGIN)
        made["cookie"] = random.choice(_COOKIE)
        made["authorization"] = random.choice(_AUTHORIZATION)
        made["x-forwarded-for"] = random.choice(_FORWARDED)
        name, value = random.choice(_ODD)
        made[name] = value
    return made


def _unusual(random: Random, host: str, path: str) -> Question:
    headers = _headers(random)
    upgrade = {**headers, "upgrade": "websocket", "connection": "upgrade"}
    preflight = {**headers, "access-control-request-method": "PUT"}
    made = (
        Question(path, host, headers, "POST", b"x" * random.choice((1, 5000))),
        Question(path, host, headers, random.choice(_METHODS)),
        Question(path, host, preflight, "OPTIONS"),
        Question(random.choice((path, f"{path}/b/c")), host, upgrade),
        Question("/", host, headers),
        Question(f"{path}//..%2f/./x?a=%00&&=#", host, headers),
    )
    return random.choice(made)
