"""The measuring client counts what came back, and calls everything but a 200 a failure."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import Asked, Load, LoadEndedError, Tally, ask

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

QUESTION = Question("/x")


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[Address]:
    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async with await asyncio.start_server(serve_and_close, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()


def always(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)

    return serve


def answer(body: bytes = b"hello\nworld\n", status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    length = b"content-length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + more + length + b"\r\n" + body


def tally_of(serve: Serve, question: Question = QUESTION, n: int = 4) -> Tally:
    async def run() -> Tally:
        async with serving(serve) as address:
            patience = timedelta(seconds=0.2)
            return await ask(address, question, n, connections=2, patience=patience)

    return asyncio.run(run())


def test_answers_are_counted_by_first_line_member_and_pod() -> None:
    tally = tally_of(always(answer(more=b"x-member: m\r\nX-Pod: p\r\n")), n=10)
    assert (tally.total, tally.lines, tally.members, tally.pods, tally.statuses) == (
        10,
        {"hello": 10},
        {"m": 10},
        {"p": 10},
        {200: 10},
    )
    assert not tally.failures
    assert tally.share("hello") == 100
    assert timedelta() < tally.worst_wait < timedelta(seconds=0.2)


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhell\r\n2\r\no\n\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("serve", "lines"),
    [
        pytest.param(always(CHUNKED), {"hello": 4}, id="chunks"),
        pytest.param(always(answer(more=b"connection: close\r\n")), {"hello": 4}, id="close"),
        pytest.param(always(answer(b"")), {"": 4}, id="no body"),
    ],
)
def test_every_framing_of_http_is_understood(serve: Serve, lines: dict[str, int]) -> None:
    tally = tally_of(serve)
    assert (tally.lines, tally.failures) == (lines, {})


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _hang_up_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer()[:-3])


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        pytest.param(
            always(answer(b"no healthy upstream", b"503 Service Unavailable")),
            "503 no healthy upstream",
            id="another status",
        ),
        pytest.param(always(b"SSH-2.0\r\n\r\n"), "not an HTTP answer", id="not HTTP"),
        pytest.param(_hang_up, "the connection ended before the answer: closed", id="hung up"),
        pytest.param(
            _hang_up_midway, "the connection ended before the answer: closed", id="half an answer"
        ),
        pytest.param(_say_nothing, "no answer in 0.2 s", id="silence"),
    ],
)
def test_everything_but_a_200_is_a_failure(serve: Serve, failure: str) -> None:
    tally = tally_of(serve)
    assert tally.failures == {failure: 4}
    assert (tally.total, tally.lines) == (4, {})


def test_a_refused_connection_is_a_failure() -> None:
    async def run() -> Tally:
        async with serving(_say_nothing) as address:
            pass
        return await ask(address, QUESTION, 2, connections=1)

    [failure] = asyncio.run(run()).failures
    assert failure.startswith("cannot connect: ")


def test_head_has_no_body_to_wait_for() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n"
    tally = tally_of(always(head), Question("/x", method="HEAD"))
    assert (tally.statuses, tally.failures) == ({200: 4}, {})


def test_a_connection_is_used_until_the_server_announces_its_end() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(more=b"connection: close\r\n"))
        assert not await reader.read(), "the client asks no more here, and closes"

    tally = tally_of(serve, n=8)
    assert not tally.failures
    assert connections == 4


def test_a_question_is_asked_as_it_is_written_and_so_is_its_curl_line() -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(2))
        writer.write(answer())

    question = Question("/a?b", headers={"stage": "gray"}, method="POST", body=b"hi")
    tally_of(serve, question, n=1)
    assert seen == [
        b"POST /a?b HTTP/1.1\r\nhost: example.com\r\nstage: gray\r\ncontent-length: 2\r\n\r\nhi"
    ]
    assert question.curl(("127.0.0.1", 80)) == (
        "curl -X POST -H 'host: example.com' -H 'stage: gray' -d 'hi' http://127.0.0.1:80/a?b"
    )


@asynccontextmanager
async def loading(serve: Serve, most: int = 1_000_000) -> AsyncIterator[tuple[Load, Address]]:
    async with serving(serve) as address:
        load = Load(address, QUESTION, connections=2, most=most, longest=timedelta(seconds=30))
        async with load.running():
            yield load, address


def test_a_load_runs_until_its_block_is_left() -> None:
    async def run() -> Load:
        async with loading(always(answer())) as (load, _):
            before = len(load.asked)
            await load.answered(50)
            assert len(load.asked) - before >= 50
        return load

    load = asyncio.run(run())
    assert load.tally().lines == {"hello": len(load.asked)}


def test_a_load_asks_no_more_than_it_may() -> None:
    async def run() -> int:
        async with loading(always(answer()), most=7) as (load, _):
            with pytest.raises(LoadEndedError):
                await load.answered(8)
            with pytest.raises(LoadEndedError):
                await load.answered(1)
            return len(load.asked)

    assert asyncio.run(run()) == 7


def test_the_first_answer_of_a_member_after_a_moment_is_found() -> None:
    member = b"one"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(more=b"x-member: %s\r\n" % member))

    async def run() -> None:
        nonlocal member
        async with loading(serve) as (load, _):
            early = await load.until_answered_by("one")
            assert early is load.asked[0]
            later = time.monotonic()
            assert (await load.until_answered_by("one", since=later)).started >= later
            moment, member = time.monotonic(), b"two"
            first = await load.until_answered_by("two", since=moment)
            assert first.started >= moment
            assert first.member == "two"
            assert first.ended - moment < 30
            assert load.tally(since=first.started).members == {
                "two": load.tally(first.started).total
            }

    asyncio.run(run())


def test_a_failure_counts_as_come_to_something_but_not_as_an_answer() -> None:
    refusal = answer(b"", b"503 Service Unavailable", b"x-member: m\r\n")

    async def run() -> None:
        async with loading(always(refusal), most=20) as (load, _):
            await load.answered(1)
            with pytest.raises(LoadEndedError):
                await load.until_answered_by("m")

    asyncio.run(run())


def test_a_tally_of_nothing_is_all_zero() -> None:
    nothing: list[Asked] = []
    assert Tally.of(nothing).share("x") == 0
