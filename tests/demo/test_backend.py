"""A Pod's process speaks HTTP/1.1 as Envoy does to a backend, and ends when it should."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fleetgate.demo import backend
from fleetgate.demo.backend import Answers, BadRequestError, Requests
from fleetgate.demo.loopback import Loopback

BODY = b"This is env cluster1 !\nConfig file is\n"

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(GET, [(b"GET", b"/", False)], id="no body"),
        pytest.param(GET + GET, [(b"GET", b"/", False)] * 2, id="two at once"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + GET,
            [(b"POST", b"/", False), (b"GET", b"/", False)],
            id="body of known length",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n" + GET,
            [(b"POST", b"/", False), (b"GET", b"/", False)],
            id="chunks",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\n" + GET,
            [(b"POST", b"/", False), (b"GET", b"/", False)],
            id="trailers",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", [(b"GET", b"/", True)], id="last one"
        ),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", [(b"GET", b"/", True)], id="HTTP/1.0"),
        pytest.param(
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            [(b"GET", b"/", False)],
            id="HTTP/1.0 kept alive",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel", [], id="unfinished body"),
    ],
)
def test_requests_end_where_http_says(
    sent: bytes, expected: list[tuple[bytes, bytes, bool]]
) -> None:
    assert list(Requests().feed(sent)) == expected
    bytewise = Requests()
    found = [one for i in range(len(sent)) for one in bytewise.feed(sent[i : i + 1])]
    assert found == expected, "however the bytes arrive"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"hello\r\n\r\n", id="not HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="length is no number"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"x" * 70_000, id="endless head"),
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(sent: bytes) -> None:
    with pytest.raises(BadRequestError):
        list(Requests().feed(sent))
    answer, last = Answers("e", "p", "m").to_all(Requests().feed(sent))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert last


@pytest.fixture
def address() -> Iterator[str]:
    with contextlib.closing(Loopback()) as loopback:
        yield next(iter(loopback.addresses("test")))


@contextmanager
def running(address: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", backend.__name__, "--address", address, "--port", "8080"]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def serving(address: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    with running(address, "--env", "cluster1", "--pod", "p1", "--member", "m1", *options) as it:
        assert it.stdout
        assert it.stdout.readline() == f"listening on {address}:8080\n".encode()
        yield it


def exchange(address: str, *requests: bytes) -> list[bytes]:
    """Send each request over one connection after the answer to the one before."""
    with socket.create_connection((address, 8080), timeout=10) as link:
        answers = []
        for request in requests:
            link.sendall(request)
            answers.append(link.recv(65536))
        return answers


def test_it_answers_like_the_documents_web_demo_and_names_pod_and_member(address: str) -> None:
    with serving(address):
        first, second = exchange(address, GET, GET)
    head, _, body = first.partition(b"\r\n\r\n")
    assert body == BODY
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert {b"x-pod: p1", b"x-member: m1"} <= set(head.split(b"\r\n"))
    assert second == first, "the connection is kept"


def test_head_has_the_length_but_no_body(address: str) -> None:
    with serving(address):
        [answer] = exchange(address, b"HEAD / HTTP/1.1\r\n\r\n")
    assert b"content-length: %d\r\n" % len(BODY) in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_large_body_is_read_before_the_answer(address: str) -> None:
    size = 3_000_000
    with serving(address), socket.create_connection((address, 8080), timeout=10) as link:
        link.sendall(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + b"x" * (size - 1))
        link.setblocking(False)
        with pytest.raises(BlockingIOError):
            link.recv(1)
        link.settimeout(10)
        link.sendall(b"x")
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_delays_nobody_else(address: str) -> None:
    with serving(address), socket.create_connection((address, 8080), timeout=10) as deaf:
        deaf.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while deaf.send(GET * 1000):
                pass
        assert exchange(address, GET)[0].endswith(BODY)


def test_a_port_in_use_is_one_sentence_and_status_2(address: str) -> None:
    with serving(address), running(address) as second:
        _, said = second.communicate(timeout=10)
    assert second.returncode == 2
    assert said.decode().splitlines() == [
        f"cannot listen on {address}:8080: Address already in use (EADDRINUSE)"
    ]


def test_it_ends_when_whoever_started_it_does(address: str) -> None:
    with serving(address, "--until-eof") as process:
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_start_up_imports_stay_small(address: str) -> None:
    """Dozens start at once on two cores: asyncio alone would triple what a start costs."""
    listing = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", backend.__file__, "--help"],
        check=True, capture_output=True, text=True, timeout=30,
    ).stderr  # fmt: skip
    assert not {"asyncio", "http", "dataclasses", "typing"} & {
        line.rpartition("|")[2].strip() for line in listing.splitlines()
    }
