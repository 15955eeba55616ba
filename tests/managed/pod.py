"""A Pod of a managed gateway, run as kubelet does, but without a container."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
from yarl import URL

from fleetgate.certificates.directory import replace_files
from fleetgate.hub.managed.manifests import objects
from fleetgate.hub.managed.settings import ManagedSettings
from fleetgate.local.envoy_process import find_envoy
from tests.managed.rig import gateway, read
from tests.support.kube import free_port

Json: TypeAlias = Any  # as an API server takes it

ROOT = "/etc/fleetgate"
NAME = "envoy-mse-shop-7d4b9c-x2x4z"
SHOP = gateway(instance={"spec": "2c1g"})
PATIENCE = 30.0


def settings(xds_port: int, server_name: str) -> ManagedSettings:
    """Ports that nobody else has, since there is no network of the Pod's own."""
    return ManagedSettings(
        xds_address="127.0.0.1",
        xds_port=xds_port,
        xds_server_name=server_name,
        admin_port=free_port(),
        ready_port=free_port(),
        drain=timedelta(0),
    )


@dataclass
class Pod:
    """A running Envoy; `manifest` is the Pod's, `mounts` where its volumes are."""

    manifest: Json
    settings: ManagedSettings
    mounts: Path
    envoy: asyncio.subprocess.Process | None = None

    @property
    def container(self) -> Json:
        return self.manifest["spec"]["containers"][0]

    def mount(self, volume: str, files: dict[str, bytes]) -> None:
        """Have a volume's files, as a kubelet brings them."""
        (path,) = (m["mountPath"] for m in self.container["volumeMounts"] if m["name"] == volume)
        replace_files(Path(self.here(path)), files)

    def here(self, text: str) -> str:
        """A text with the paths of the container, by the paths of this machine."""
        return text.replace(ROOT, str(self.mounts))

    async def probe(self) -> int:
        """What the readiness probe gets; 0 where nobody listens."""
        probe = self.container["readinessProbe"]["httpGet"]
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        return await self.ask("GET", probe["path"], ports[probe["port"]])

    async def scrape(self) -> str:
        """What Prometheus gets that goes by the Pod's annotations."""
        annotations = self.manifest["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"
        port, path = annotations["prometheus.io/port"], annotations["prometheus.io/path"]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}{path}") as answer,
        ):
            assert answer.status == 200
            return await answer.text()

    async def ask(self, method: str, path: str, port: int) -> int:
        url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)  # detours as they are
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, url) as answer,
            ):
                await answer.read()
                return answer.status
        except aiohttp.ClientConnectorError:
            return 0

    async def admin(self, path: str) -> str:
        """An admin page, from within the Pod."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.settings.admin_port}{path}") as answer,
        ):
            return await answer.text()

    async def listener(self) -> str:
        """Where the gateway's own listener is."""
        for line in (await self.admin("/listeners")).splitlines():
            name, _, address = line.partition("::")
            if name != "ready":
                return f"http://{address.strip()}/"
        raise AssertionError("there is no listener")

    async def becomes(self, status: int) -> None:
        """Wait until the readiness probe gets this."""

        async def is_so() -> bool:
            assert self.envoy is None or self.envoy.returncode is None, "Envoy has ended"
            return await self.probe() == status

        await eventually(is_so)

    async def pre_stop(self) -> None:
        """Do what a Pod does before it ends."""
        command = self.container["lifecycle"]["preStop"]["exec"]["command"]
        bash = await asyncio.create_subprocess_exec(*command)
        assert await bash.wait() == 0


@asynccontextmanager
async def pod(
    settings: ManagedSettings,
    certificate: dict[str, bytes],
    directory: Path,
    declared: Json = SHOP,
) -> AsyncIterator[Pod]:
    """Run the Pod of a gateway, of one called shop unless told, while the block runs."""
    ref, config = read(declared)
    manifests = {manifest["kind"]: manifest for manifest in objects(ref, config, settings)}
    template = manifests["Deployment"]["spec"]["template"]
    running = Pod(template, settings, directory / "mounts")
    files = manifests["ConfigMap"]["data"]
    running.mount("bootstrap", {name: running.here(text).encode() for name, text in files.items()})
    running.mount("xds", certificate)
    container = running.container
    args = [running.here(arg).replace("$(POD_NAME)", NAME) for arg in container["args"]]
    assert container["command"] == ["envoy"]
    with (directory / "envoy.log").open("wb") as log:
        running.envoy = await asyncio.create_subprocess_exec(
            *_ending_with_us(), find_envoy(), *args, stdout=log, stderr=log, env=dict(os.environ)
        )
    try:
        yield running
    finally:
        if running.envoy.returncode is None:
            running.envoy.kill()
        await running.envoy.wait()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds that only polling shows, such as one on Envoy's pages."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.02)


def _ending_with_us() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()
