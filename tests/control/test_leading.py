"""A fault in what is written to the hub does not end what is served to Envoys."""

import asyncio

import pytest

from fleetgate.hub import leading


def test_a_fault_is_logged_and_writing_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[str] = []
    again = asyncio.Event()

    async def write() -> None:
        runs.append("begun")
        if len(runs) == 1:
            raise ExceptionGroup("writing", [KeyError("metadata")])
        again.set()
        await asyncio.get_running_loop().create_future()

    async def script() -> None:
        keeping = asyncio.create_task(leading.keep_running(write))
        async with asyncio.timeout(20):
            await again.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
        assert keeping.cancelled()

    monkeypatch.setattr(leading, "_AGAIN", 0.0)
    asyncio.run(script())
    assert runs == ["begun", "begun"]
    assert "it begins anew" in caplog.text
    assert "metadata" in caplog.text
