"""Weights change and members come and go under load: no request fails, no connection ends."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Final

import pytest

from fleetgate.demo.http import HttpClient, Question
from fleetgate.demo.load import Load
from tests.e2e.backends import Backend, Manner
from tests.e2e.rig import ONE, PATIENCE, TWO
from tests.e2e.standing import Standing
from tests.e2e.weighted import PODS, SPELLINGS, THREE, Rule, Weighted
from tests.support.serving import serving
from xds.resource import TypeUrl

RAMP: Final = [*range(90, -1, -10), *range(10, 101, 10)]
"""The weight of the first member, step by step: down to 0 and up again."""


def split(share: int) -> Mapping[str, int]:
    return {ONE: share, TWO: 100 - share}


def sent(site: Weighted) -> Mapping[str, tuple[int, int, int]]:
    traffic = site.rig.served.control.cache.traffic()
    return {kind: (each.messages, each.resources, each.bytes) for kind, each in traffic.items()}


@pytest.mark.parametrize("flavour", SPELLINGS)
@pytest.mark.parametrize("share", [59, 0, 100])
def test_a_changed_weight_is_one_small_message(
    trio: Standing[Weighted], flavour: str, share: int
) -> None:
    async def asking() -> Mapping[str, tuple[int, ...]]:
        rule = await trio.value.declare("message", flavour, {ONE: 60, TWO: 40})
        before = sent(trio.value)
        await rule.reweigh(split(share))
        after = sent(trio.value)
        return {
            kind: tuple(now - then for now, then in zip(after[kind], before[kind], strict=True))
            for kind in after
            if after[kind] != before[kind]
        }

    changed = trio.run(asking())
    assert changed.keys() == {TypeUrl.ENDPOINT}
    messages, resources, size = changed[TypeUrl.ENDPOINT]
    assert (messages, resources) == (1, 1)
    assert size < 1024


@pytest.mark.parametrize("flavour", SPELLINGS)
def test_a_ramp_fails_no_request(trio: Standing[Weighted], flavour: str) -> None:
    async def asking() -> None:
        rule = await trio.value.declare("ramp", flavour, split(100))
        load = Load(rule.address, Question("/", rule.host), connections=8)
        async with load.running():
            for share in RAMP:
                await rule.reweigh(split(share))
                await load.answered(200)
        assert load.tally().failures == {}
        assert {ONE, TWO} == set(load.tally().members)

    trio.run(asking())


def test_weights_are_given_and_taken_and_no_request_fails(trio: Standing[Weighted]) -> None:
    async def asking() -> None:
        rule = await trio.value.declare("given", "mse", {})
        load = Load(rule.address, Question("/", rule.host), connections=8)
        async with load.running():
            for weights in ({ONE: 100}, {}, split(50), {"gone": 100}, {ONE: 0, TWO: 0}, {}):
                await rule.reweigh(weights)
                await load.answered(200)
        assert load.tally().failures == {}

    trio.run(asking())


def test_a_ramp_ends_no_connection(trio: Standing[Weighted]) -> None:
    async def asking() -> None:
        rule = await trio.value.declare("connection", "mse", split(100))
        client = HttpClient(rule.address, Question("/", rule.host), PATIENCE)
        with closing(client):
            assert (await client.ask()).status == 200
            for share in RAMP:
                await rule.reweigh(split(share))
                assert client.is_open
                answer = await client.ask()
                assert answer.status == 200
                assert not answer.last

    trio.run(asking())


Step = Callable[[Rule], Awaitable[None]]


async def kill(rule: Rule) -> None:
    await rule.site.kill(*PODS[ONE])


async def scale_to_none(rule: Rule) -> None:
    rule.site.serve(ONE, ())
    await rule.site.rig.sync()


async def detach(rule: Rule) -> None:
    rule.site.attach([TWO, THREE])
    await rule.site.rig.sync()


async def drain(rule: Rule) -> None:
    await rule.reweigh({ONE: 0, TWO: 20, THREE: 0})


WEIGHTED: Final = {ONE: 80, TWO: 20, THREE: 0}
WITH_A_STANDBY: Final = {ONE: 100, TWO: 0}


@pytest.mark.parametrize(
    ("lose", "weights", "other"),
    [
        pytest.param(kill, WEIGHTED, TWO, id="killed"),
        pytest.param(scale_to_none, WEIGHTED, TWO, id="scaled-to-0"),
        pytest.param(detach, WEIGHTED, TWO, id="detached"),
        pytest.param(drain, WEIGHTED, TWO, id="drained"),
        pytest.param(kill, WITH_A_STANDBY, THREE, id="killed-beside-a-standby"),
        pytest.param(scale_to_none, WITH_A_STANDBY, THREE, id="scaled-to-0-beside-a-standby"),
        pytest.param(detach, WITH_A_STANDBY, THREE, id="detached-beside-a-standby"),
    ],
)
def test_members_go_and_come_back_and_no_request_fails(
    trio: Standing[Weighted], lose: Step, weights: Mapping[str, int], other: str
) -> None:
    async def asking() -> None:
        rule = await trio.value.declare(f"load-{lose.__name__[:4]}-{other}", "mse", weights)
        load = Load(rule.address, Question("/", rule.host), connections=8)
        async with load.running():
            await load.until_answered_by(ONE)
            await lose(rule)
            await load.answered(400)
            lost = time.monotonic()
            await load.answered(400)
            meanwhile = load.tally(since=lost)
            await rule.site.usual()
            await rule.reweigh(weights)
            await load.until_answered_by(ONE, since=time.monotonic())
            await load.answered(200)
        assert load.tally().failures == {}
        assert set(meanwhile.members) == {other}

    trio.run(asking())


async def _echoing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Change to WebSocket, and echo all bytes."""
    with closing(writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Changed\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        while data := await reader.read(1024):
            writer.write(data)


def test_a_websocket_outlives_the_drain_of_its_member(trio: Standing[Weighted]) -> None:
    async def asking() -> bytes:
        rule = await trio.value.declare("socket", "mse", split(100))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with serving(listener, _echoing):
                pod = Backend("echo", listener.getsockname(), ONE, Manner.ANSWER)
                trio.value.rig.expose("web", [pod], member=ONE)
                await trio.value.rig.sync()
                reader, writer = await asyncio.open_connection(*rule.address)
                with closing(writer):
                    head = f"GET / HTTP/1.1\r\nhost: {rule.host}\r\nconnection: Upgrade\r\n"
                    writer.write(f"{head}upgrade: websocket\r\n\r\n".encode())
                    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
                    await rule.reweigh(split(0))
                    assert await rule.shares(20) == {TWO: 100}
                    writer.write(b"hello")
                    return await reader.readexactly(5)

    assert trio.run(asking()) == b"hello"
