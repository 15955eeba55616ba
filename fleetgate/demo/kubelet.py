"""A kubelet and EndpointSlice controller for the member directories of a fleet.

    clusters/ID/*.yaml ──read──▶ Deployments, Services ──▶ one process per replica
          ▲                                                        │ listening, dead
          └──────── running.yaml: Pods, EndpointSlices ◀───────────┘

One loop compares the declared Pods with the running ones. An edited file, the start or end of a
Pod, and a call of `sync` wake it. A Pod that is no longer wanted leaves the endpoints before it
ends. A Pod that died stays in the endpoints until its readiness probe would have failed.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final

from watchfiles import DefaultFilter, awatch

from fleetgate.demo.endpoints import render
from fleetgate.demo.files import replace
from fleetgate.demo.loopback import Loopback
from fleetgate.demo.network import Network, NoAddressError
from fleetgate.demo.pod import Owner, Pace, Place, Pod
from fleetgate.demo.workloads import (
    Declared,
    Deployment,
    MemberManifests,
    PodTemplate,
    namespace_of,
)

log = logging.getLogger(__name__)

RUNNING: Final = "running.yaml"
"""The file in a member's directory with its Pods and EndpointSlices."""

_USUAL_PORT = 8080
"""The port of the documents' web-demo, and of Pods whose manifests name no port."""


class NotSettledError(TimeoutError):
    """The declared Pods do not run within the time given, or cannot run here."""


class Kubelet:
    """Runs the declared Pods of the fleet in `root` while the block of `running` runs.

    Pods get addresses from `network`. Without it they get loopback addresses of their own.
    """

    def __init__(
        self, root: Path, pace: Pace | None = None, network: Network | None = None
    ) -> None:
        self._clusters = root / "clusters"
        self._pace = pace or Pace()
        self._given = network
        self._members: dict[str, MemberManifests] = {}
        self._declared: dict[str, Declared] = {}
        self._written: dict[str, str] = {}
        self._pods: dict[Pod, asyncio.Task[None] | None] = {}
        self._started = 0
        self._wake = asyncio.Event()
        self._asked: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Kubelet"]:
        """Run while the block runs. All Pods have ended when the block is left.

        Raises NoAddressError where this host has no free addresses.
        """
        given = nullcontext(self._given) if self._given else closing(Loopback())
        with given as network, _lifeline() as lifeline:
            self._task = asyncio.create_task(self._run(network, lifeline))
            try:
                yield self
            finally:
                self._task.cancel()
                await asyncio.wait([self._task])
                if not self._task.cancelled():
                    self._task.result()

    async def sync(self, timeout: timedelta = timedelta(seconds=30)) -> None:  # noqa: ASYNC109 (the error says who is missing)
        """Return when all Pods that are declared now run, and `running.yaml` says so.

        A killed Pod is settled once its endpoints say that it is not ready. Raises NotSettledError,
        whose text names the Pods that are not settled, or that cannot run here.
        """
        if not self._task:
            raise RuntimeError("the kubelet is not running")
        settled = asyncio.get_running_loop().create_future()
        self._asked.append(settled)
        self._wake.set()
        await asyncio.wait(
            {settled, self._task},
            timeout=timeout.total_seconds(),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if settled.done():
            settled.result()
        elif self._task.done():
            self._task.result()
        else:
            settled.cancel()
            names = ", ".join(pod.name for pod in self.unsettled())
            raise NotSettledError(f"not up after {timeout.total_seconds():g} s: {names}")

    def pods(self, member: str, deployment: str = "") -> tuple[Pod, ...]:
        """Return the Pods of a member, or of its Deployments of a name, in order of start."""
        return tuple(
            pod
            for pod in self._pods
            if pod.owner.member == member and deployment in {"", pod.owner.deployment}
        )

    def unsettled(self) -> tuple[Pod, ...]:
        """Return the Pods that are starting or ending."""
        return tuple(pod for pod in self._pods if not pod.settled)

    async def kill(self, member: str, deployment: str = "") -> None:
        """Kill all these Pods with SIGKILL, and keep them down until `revive`.

        It returns when their processes are gone. Their endpoints stay listed for a while.
        """
        pods = self.pods(member, deployment)
        for pod in pods:
            pod.kill()
        for pod in pods:
            await pod.gone()

    def revive(self, member: str, deployment: str = "") -> None:
        """Start the killed Pods again at once, with the same names and addresses."""
        for pod in self.pods(member, deployment):
            pod.revive()

    async def _run(self, network: Network, lifeline: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            while True:
                self._wake.clear()
                asked, self._asked = self._asked, []
                refusals = await self._turn(tasks, network, lifeline)
                if refusals:
                    _refuse(asked, "; ".join(refusals))
                elif self.unsettled() or self._wake.is_set():
                    self._asked += asked
                else:
                    _resolve(asked)
                await self._wake.wait()

    async def _watch(self) -> None:
        """Wake the loop when a file of a member changes, except the one that is written here."""
        usual = DefaultFilter()
        async for _ in awatch(
            self._clusters,
            watch_filter=lambda change, path: Path(path).name != RUNNING and usual(change, path),
            debounce=50,
            step=5,
        ):
            self._wake.set()

    async def _turn(
        self, tasks: asyncio.TaskGroup, network: Network, lifeline: int
    ) -> Sequence[str]:
        """Start and end Pods as declared. Return sentences about Pods that cannot run here."""
        await asyncio.to_thread(self._read)
        wanted = set[Pod]()
        refusals = []
        for member, declared in self._declared.items():
            for deployment in declared.deployments:
                try:
                    wanted |= self._reconcile(member, deployment, declared, network)
                except NoAddressError as error:
                    name = f"{deployment.metadata.name} in {member}"
                    refusals.append(f"{name} cannot run in full: {error}")
                    log.warning(refusals[-1])
                    wanted |= set(self.pods(member, deployment.metadata.name))
        ends = [task for pod in self._pods.keys() - wanted if (task := self._pods.pop(pod))]
        await asyncio.to_thread(self._write, self._render(network))
        for pod, task in self._pods.items():
            if task is None:
                self._pods[pod] = tasks.create_task(pod.run(lifeline))
        for end in ends:
            end.cancel()
        if ends:
            await asyncio.wait(ends)
        return refusals

    def _render(self, network: Network) -> dict[str, str]:
        return {
            member: render(declared.services, self.pods(member), network.port)
            for member, declared in self._declared.items()
        }

    def _read(self) -> None:
        """Read the manifests of all members.

        A member whose directory is gone keeps its Pods, like a cluster that cannot be reached.
        """
        for directory in sorted(self._clusters.iterdir()):
            if directory.is_dir() and directory.name not in self._members:
                self._members[directory.name] = MemberManifests(directory, RUNNING)
        for member, manifests in self._members.items():
            if manifests.directory.is_dir():
                self._declared[member] = manifests.read()

    def _write(self, texts: dict[str, str]) -> None:
        for member, text in texts.items():
            if self._written.get(member) != text:
                with contextlib.suppress(FileNotFoundError):  # the directory is gone now
                    replace(self._members[member].directory / RUNNING, text)
                    self._written[member] = text

    def _reconcile(
        self, member: str, deployment: Deployment, declared: Declared, network: Network
    ) -> set[Pod]:
        """Add the missing Pods of a Deployment, and return all Pods that it wants.

        After a change of the template, the old Pods serve until the new ones are ready.
        """
        owner = Owner(member, namespace_of(deployment), deployment.metadata.name)
        replicas = deployment.spec.replicas
        own = [pod for pod in self._pods if pod.owner == owner]
        current = [pod for pod in own if pod.template == deployment.spec.template]
        wanted = sorted(current, key=lambda pod: not pod.ready)[:replicas]
        for _ in range(replicas - len(wanted)):
            wanted.append(self._new_pod(owner, deployment.spec.template, declared, network))
        if not all(pod.ready for pod in wanted):
            wanted += [pod for pod in own if pod not in current][:replicas]
        return set(wanted)

    def _new_pod(
        self, owner: Owner, template: PodTemplate, declared: Declared, network: Network
    ) -> Pod:
        """Add a Pod that listens on the ports of its containers, and on those of its Services."""
        numbers = {port.container_port for port in template.ports} | {
            target
            for service in declared.services
            if service.selects(owner.namespace, template.metadata.labels)
            for port in service.spec.ports
            if (target := port.target(template))
        }
        ports = tuple(network.port(number) for number in sorted(numbers or {_USUAL_PORT}))
        place = Place(self._free_address(owner.member, ports, network), ports)
        self._started += 1
        name = f"{owner.deployment}-{_digest(repr(template))}-{_digest(f'{owner} {self._started}')}"
        pod = Pod(name, owner, template, place, self._pace, self._wake.set, network.enter)
        self._pods[pod] = None
        return pod

    def _free_address(self, member: str, ports: tuple[int, ...], network: Network) -> str:
        taken = {pod.place.address for pod in self._pods}
        for address in network.addresses(member):
            if address not in taken and network.is_free(address, ports):
                return address
        raise NoAddressError(f"all addresses of {member} are taken")


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=3).hexdigest()[:5]


def _resolve(asked: Sequence[asyncio.Future[None]]) -> None:
    for one in asked:
        if not one.done():
            one.set_result(None)


def _refuse(asked: Sequence[asyncio.Future[None]], message: str) -> None:
    for one in asked:
        if not one.done():
            one.set_exception(NotSettledError(message))


@contextmanager
def _lifeline() -> Iterator[int]:
    """Yield the reading end of a pipe, which ends when this process ends for any reason."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)
