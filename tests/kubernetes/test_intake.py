"""The lines of a server are read no faster than its bounds permit."""

import asyncio
from collections.abc import Iterator

import pytest

from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.intake import Pace
from tests.support.hostile_api import HostileApi, Link, nothing

BOUNDS = Bounds(units=10.0, burst=50.0)


@pytest.mark.parametrize(
    ("sizes", "wait"),
    [
        pytest.param([10] * 50, 0, id="a-burst"),
        pytest.param([10] * 150, 10, id="many-lines"),
        pytest.param([100 * 1024, 50 * 1024], 10, id="large-lines"),
    ],
)
def test_who_says_too_much_waits(sizes: list[int], wait: float) -> None:
    async def waits() -> Iterator[float]:
        pace = Pace(BOUNDS)
        return iter([pace.take(size) for size in sizes])

    *_, last = asyncio.run(waits())
    assert wait - 5 < last <= wait


def test_what_is_owed_is_forgiven_with_time() -> None:
    async def waits() -> float:
        loop = asyncio.get_running_loop()
        pace = Pace(BOUNDS)
        pace.take(1024 * 1024)
        later = loop.time() + 3600
        loop.time = lambda: later  # type: ignore[method-assign]  # an hour passes
        return pace.take(1)

    assert asyncio.run(waits()) == 0


def test_the_lines_of_a_watch_are_taken_at_that_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    rest = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await rest(0)

    async def many(link: Link) -> None:
        await link.head()
        await link.send(b"line\n" * 200)

    async def read(api: HostileApi) -> int:
        client = await ApiServer.from_kubeconfig(api.kubeconfig(), bounds=BOUNDS)
        monkeypatch.setattr("fleet.kubernetes.intake.asyncio.sleep", sleep)
        try:
            async with client.watch("/api/v1/services", []) as (_, lines):
                return len([line async for line in lines])
        finally:
            monkeypatch.undo()
            await client.close()

    with HostileApi(nothing, many) as api:
        assert asyncio.run(read(api)) == 200
    assert len(waited) == pytest.approx(150, abs=40)
