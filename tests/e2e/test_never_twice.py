"""A request that a backend may have acted on is sent once. Retries follow the documentation.

The table has everything that a backend can do on the wire: answers of all kinds, and connections
that end at each part of the request and of the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.http import Address
from tests.e2e.rig import ONE, TWO, Rig, rig
from tests.e2e.scripted import End, Script, ScriptedPods, Step, Until, scripted_pods
from tests.support.builders import Builder, ingress, mse_gateway, service, slice_of
from translators.dialects.gateway_settings import CONNECT_TIMEOUT, UPSTREAM_TIMEOUT
from translators.envoy.retries import RETRIES

pytestmark = pytest.mark.xdist_group("never-twice")  # the first test sends all requests at once

PATIENCE = 60.0
INTERIM_STATUSES = {100, 102, 103}
HOST = "web.test"
BODY = b"x" * 20
LARGE = b"x" * 100_000
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"


# -- requests --------------------------------------------------------------------------------------


def request(method: str, body: bytes = b"", *fields: str) -> bytes:
    length = [f"content-length: {len(body)}"] if body and not fields else []
    lines = [f"{method} /{{}} HTTP/1.1", f"host: {HOST}", *length, *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


IDEMPOTENT: Mapping[str, bytes] = {
    "GET": request("GET"),
    "HEAD": request("HEAD"),
    "OPTIONS": request("OPTIONS"),
    "PUT": request("PUT", BODY),
    "DELETE": request("DELETE"),
}
ONCE: Mapping[str, bytes] = {
    "POST": request("POST", BODY),
    "POST-without-body": request("POST", b"", "content-length: 0"),
    "POST-in-chunks": request("POST", b"3\r\nabc\r\n0\r\n\r\n", "transfer-encoding: chunked"),
    "POST-expecting": request("POST", BODY, "content-length: 20", "expect: 100-continue"),
    "POST-grpc": request("POST", BODY, "content-length: 20", "content-type: application/grpc"),
    "POST-asking-for-it": request(
        "POST",
        BODY,
        "content-length: 20",
        "x-forwarded-for: 10.0.0.1",
        "x-envoy-internal: true",
        "x-envoy-retry-on: 5xx,reset,gateway-error,retriable-status-codes",
        "x-envoy-retry-grpc-on: unavailable,cancelled,internal,resource-exhausted",
        "x-envoy-retriable-status-codes: 200,409,503",
        "x-envoy-max-retries: 5",
    ),
    "POST-large": request("POST", LARGE),
    "PATCH": request("PATCH", BODY),
    "LOCK": request("LOCK"),
}


# -- behaviour of backends -------------------------------------------------------------------------


def answer(status: int, *fields: str, body: bytes = b"ok") -> bytes:
    """Make an answer. 204 and 304 have no body."""
    bare = status in {204, 304}
    lines = [
        f"HTTP/1.1 {status} Reason",
        *fields,
        *([] if bare else [f"content-length: {len(body)}"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if bare else body)


def says(what: bytes, end: End = End.STAY, until: Until = Until.END) -> Script:
    return Script((Step(until, what),), end)


def each_end(name: str, what: bytes, until: Until = Until.END) -> dict[str, Script]:
    return {f"{name}-{end.name.lower()}": says(what, end, until) for end in (End.CLOSE, End.RESET)}


STATUSES = (
    *(200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 307, 308),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417),
    *(418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 521, 522, 523, 524, 599, 999),
)
HINTS = (
    "x-envoy-overloaded: true",
    "x-envoy-ratelimited: true",
    "x-envoy-immediate-health-check-fail: true",
    "x-envoy-retriable-status-codes: 503",
    "retry-after: 0",
    "connection: close",
    "grpc-message: try-again",
)

ANSWERED: Mapping[str, Script] = {
    **{f"status-{status}": says(answer(status)) for status in STATUSES},
    **{f"503-{hint.partition(':')[0]}": says(answer(503, hint)) for hint in HINTS},
    **{f"grpc-{code}": says(answer(200, f"grpc-status: {code}", body=b"")) for code in range(17)},
    "grpc-status-that-is-none": says(answer(200, "grpc-status: unavailable", body=b"")),
    **{
        f"grpc-{code}-in-trailers": says(
            CHUNKED + b"trailer: grpc-status\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: %d\r\n\r\n" % code
        )
        for code in (1, 14)
    },
    **{
        f"grpc-{code}-of-grpc": says(
            answer(200, "content-type: application/grpc", f"grpc-status: {code}", body=b"")
        )
        for code in (1, 4, 8, 13, 14)
    },
    "continue-first": says(b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
    "continue-to-the-head": Script(
        (Step(Until.HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"), Step(Until.END, OK))
    ),
    "processing-first": says(b"HTTP/1.1 102 Processing\r\n\r\n" + OK),
    "early-hints-first": says(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK),
    "answer-to-the-head": Script((Step(Until.HEAD, answer(413)), Step(Until.END))),
    **each_end("answer-to-the-head", answer(413), Until.HEAD),
    "http-1.0-with-length": says(OK.replace(b"HTTP/1.1", b"HTTP/1.0"), End.CLOSE),
    "http-1.0-to-the-end": says(b"HTTP/1.0 200 OK\r\n\r\nok", End.CLOSE),
    "http-1.0-503": says(answer(503).replace(b"HTTP/1.1", b"HTTP/1.0"), End.CLOSE),
    "http-9.9": says(OK.replace(b"HTTP/1.1", b"HTTP/9.9")),
    "upgrade-that-nobody-asked-for": says(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
    ),
    "something-behind-the-answer": says(OK + b"and more", End.CLOSE),
    **each_end("whole-answer", OK),
    **each_end("head-of-the-answer", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
    **each_end("head-of-a-503", b"HTTP/1.1 503 No\r\ncontent-length: 9\r\n\r\n"),
    **each_end("half-the-body", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
    **each_end("half-a-chunk", CHUNKED + b"\r\n9\r\nhalf"),
    **each_end("all-chunks-but-the-last", CHUNKED + b"\r\n4\r\nhalf\r\n"),
    **each_end("half-the-trailers", CHUNKED + b"\r\n4\r\nhalf\r\n0\r\ngrpc-st"),
    **each_end("chunk-of-no-size", CHUNKED + b"\r\nxyz\r\nhalf\r\n"),
}
"""Whatever it says, it is what the backend answers."""

LOST: Mapping[str, Script] = {
    **each_end("nothing-after-the-first-byte", b"", Until.FIRST_BYTE),
    **each_end("nothing-after-the-head", b"", Until.HEAD),
    **each_end("nothing-within-the-body", b"", Until.BODY_BEGUN),
    **each_end("nothing-after-the-request", b""),
    **each_end("first-byte-of-the-answer", b"H"),
    **each_end("half-the-status-line", b"HTTP/1.1 20"),
    **each_end("status-line", b"HTTP/1.1 200 OK\r\n"),
    **each_end("half-the-head", b"HTTP/1.1 200 OK\r\ncontent-le"),
    **each_end("head-without-its-end", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"),
    "no-http": says(b"SSH-2.0-OpenSSH\r\n"),
    "http-0.9": says(b"<html></html>", End.CLOSE),
    "tls-alert": says(b"\x15\x03\x01\x00\x02\x02\x28", End.CLOSE),
    "http-2-settings": says(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", End.CLOSE),
    "status-that-is-none": says(b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"),
    "length-that-is-none": says(b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok"),
    "two-lengths": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk"),
    "header-without-colon": says(b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 0\r\n\r\n"),
    "header-with-nul": says(b"HTTP/1.1 200 OK\r\na: \x00\r\ncontent-length: 0\r\n\r\n"),
    "too-large-headers": says(
        b"HTTP/1.1 200 OK\r\na: " + b"x" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n"
    ),
    "too-many-headers": says(
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"content-length: 0\r\n\r\n"
    ),
}
"""The backend has acted or not: nobody can tell."""

GIVEN_UP: Mapping[str, Script] = {
    **each_end("continue-and-no-more", b"HTTP/1.1 100 Continue\r\n\r\n"),
    **each_end("early-hints-and-no-more", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
}
"""As those, but Envoy repeats nothing once an interim answer has come."""

UNREAD: Mapping[str, Script] = each_end("nothing-at-all", b"", Until.NOTHING)
"""The connection ends at once: a request may have been on its way, or not yet."""

TRIED_HOST = "tried.test"
TRIED: Mapping[str, object] = {
    "nginx.ingress.kubernetes.io/proxy-next-upstream": "error timeout http_503 http_429",
    "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": "2",
}
"""The annotations of a second host with the same backends."""

FORCED_HOST = "forced.test"
FORCED: Mapping[str, object] = {
    "nginx.ingress.kubernetes.io/proxy-next-upstream": "error non_idempotent",
    "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": "2",
}
"""The annotations of a third host with the same backends."""

HOSTS = {"": HOST, "tried-": TRIED_HOST, "forced-": FORCED_HOST}
"""All hosts, by what stands before the kinds of requests to them in what is seen."""

NAMED = {
    case
    for case in ANSWERED
    if case.startswith(("status-503", "status-429", "503-", "http-1.0-503", "head-of-a-503"))
} - {"503-x-envoy-ratelimited"}
"""The answers that they name. Envoy repeats no request whose answer has that one header."""

UPLOAD_UNREAD = {"answer-to-the-head-close", "answer-to-the-head-reset"}
"""The Pod closes with a part of a large upload unread. The kernel resets the connection then, and
the answer may get lost on its way to Envoy."""

CASES = {**ANSWERED, **LOST, **GIVEN_UP, **UNREAD}


# -- all requests at once --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """The outcome of a request: its status (0 for none), and how often it has reached a Pod."""

    status: int
    reached: int


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[tuple[Rig, Mapping[str, ScriptedPods]]]:
    """Serve a gateway with a Service for each case."""
    async with AsyncExitStack() as stack:
        pods = {
            name: await stack.enter_async_context(scripted_pods(script))
            for name, script in CASES.items()
        }
        served = await stack.enter_async_context(rig(root))
        rule = ingress("web", host=HOST).of_class("mse")
        tried = ingress("tried", host=TRIED_HOST).of_class("mse").annotate(TRIED)
        forced = ingress("forced", host=FORCED_HOST).of_class("mse").annotate(FORCED)
        objects: list[Builder[Any]] = []
        for number, each in enumerate(pods.values()):
            name = f"case-{number}"
            rule = rule.path(f"/{name}", to=f"{name}:80")
            tried = tried.path(f"/{name}", to=f"{name}:80")
            forced = forced.path(f"/{name}", to=f"{name}:80")
            objects.append(service(name))
            objects += [
                slice_of(name, addresses=[host], port=port, suffix=str(n))
                for n, (host, port) in enumerate(each.addresses)
            ]
        # The timeouts are long, because a Pod may be slow to read on a busy machine, and a
        # connection that takes too long is a try that reaches no Pod.
        gateway = mse_gateway("gw", members=[ONE, TWO]).annotate(
            {UPSTREAM_TIMEOUT: "60s", CONNECT_TIMEOUT: "60s"}
        )
        served.declare("gateway.yaml", gateway)
        served.declare("pods.yaml", *objects, to=ONE)
        served.declare("web.yaml", rule, tried, forced)
        yield served, pods


async def ask_everything(root: Path) -> Mapping[tuple[str, str], Seen]:
    """Ask each case at all hosts."""
    async with running(root) as (served, pods):
        address = await served.address()
        cases = await asyncio.gather(
            *(ask_case(address, f"case-{n}", each) for n, each in enumerate(pods.values()))
        )
    return {
        (case, kind): seen
        for case, found in zip(pods, cases, strict=True)
        for kind, seen in found.items()
    }


async def ask_case(address: Address, path: str, pods: ScriptedPods) -> Mapping[str, Seen]:
    found = {}
    for prefix, host in HOSTS.items():
        for kind, asked in {**ONCE, **IDEMPOTENT}.items():
            before = pods.reached
            of_host = asked.replace(HOST.encode(), host.encode(), 1)
            status = await ask(address, of_host.replace(b"{}", path.encode(), 1))
            found[prefix + kind] = Seen(status, pods.reached - before)
    return found


async def ask(address: Address, asked: bytes) -> int:
    """Send a request, and return the status of the answer; 0 if the connection ends before."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(asked)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if (status := int(head.split()[1])) not in INTERIM_STATUSES:
                    return status
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    finally:
        writer.transport.abort()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Seen]:
    return asyncio.run(ask_everything(tmp_path_factory.mktemp("cases")))


def reached(seen: Mapping[tuple[str, str], Seen], case: str, kinds: Iterable[str]) -> set[int]:
    """Return the set of numbers that tell how often each of these requests reached Pods."""
    return {seen[case, kind].reached for kind in kinds}


@pytest.mark.parametrize("case", [*ANSWERED, *LOST, *GIVEN_UP])
def test_what_is_not_idempotent_reaches_one_pod_once(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, ONCE) == {1}


@pytest.mark.parametrize("case", UNREAD)
def test_what_is_not_idempotent_is_not_sent_again_to_be_read(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, ONCE) <= {0, 1}


@pytest.mark.parametrize("case", ANSWERED)
def test_an_answer_of_the_application_is_never_asked_for_again(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, IDEMPOTENT) == {1}


@pytest.mark.parametrize("case", LOST)
def test_what_is_idempotent_is_repeated_while_there_is_no_answer(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, IDEMPOTENT) == {1 + RETRIES}


@pytest.mark.parametrize("case", GIVEN_UP)
def test_nothing_is_repeated_after_an_interim_answer(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, IDEMPOTENT) == {1}


def of_second_host(kinds: Iterable[str]) -> list[str]:
    return [f"tried-{kind}" for kind in kinds]


def of_third_host(kinds: Iterable[str]) -> list[str]:
    return [f"forced-{kind}" for kind in kinds]


@pytest.mark.parametrize("case", [*ANSWERED, *LOST, *GIVEN_UP])
def test_keys_that_do_not_say_so_repeat_nothing_that_is_not_idempotent(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, of_second_host(ONCE)) == {1}


@pytest.mark.parametrize("case", ANSWERED)
def test_only_a_named_answer_is_asked_for_again(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    tries = reached(seen, case, of_second_host(IDEMPOTENT))
    if case in NAMED and case.endswith(("-close", "-reset")):
        # An answer to HEAD ends with its head, so Envoy keeps the connection. A try that takes it
        # before its end has come reaches no Pod.
        assert 3 in tries
        assert tries <= {2, 3}
    else:
        assert tries == {3 if case in NAMED else 1}


@pytest.mark.parametrize("case", LOST)
def test_what_is_idempotent_is_repeated_as_often_as_the_key_says(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, of_second_host(IDEMPOTENT)) == {3}


@pytest.mark.parametrize("case", [*ANSWERED, *GIVEN_UP])
def test_no_answer_is_asked_for_again_by_non_idempotent_alone(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    kinds = {**ONCE, **IDEMPOTENT}
    if case in UPLOAD_UNREAD:
        del kinds["POST-large"]
    assert reached(seen, case, of_third_host(kinds)) == {1}


@pytest.mark.parametrize("case", LOST)
def test_non_idempotent_repeats_every_method_while_there_is_no_answer(
    seen: Mapping[tuple[str, str], Seen], case: str
) -> None:
    assert reached(seen, case, of_third_host({**ONCE, **IDEMPOTENT})) == {3}
