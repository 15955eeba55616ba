"""A hybrid fleet: Pods of some members cannot be reached, their nodes or their ingress can.

    gateway ─┬─ 127.0.0.1 ──────────────── Pods of `near`
             ├─ nodes of `far` ─────────── Pods of `far`       (hidden in a network namespace)
             └─ the ingress of `other` ─── Pods of `other`     (hidden too)

A node forwards connections of one port to the Pods in turn, as kube-proxy does. An ingress answers
for the hosts that it has Pods for, and 503 for others.
"""

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fleetgate.demo.http import Address
from fleetgate.local.envoy_process import find_envoy
from tests.e2e.backends import Backend, Manner
from tests.e2e.rig import Rig, rig
from tests.support.builders import Builder, ingress, node, service, slice_of, write
from tests.support.netns import Namespace
from tests.support.serving import serving

NEAR, FAR, OTHER = "near", "far", "other"

NODE_PORT: Final = 30080
POD_PORT: Final = 8080
INGRESS_PORT: Final = 8443

HOST: Final = "web.test"

Settings = Mapping[str, str]
"""The settings of a member, as members/ID.yaml has them."""

BY_PODS: Final[Settings] = {}

BY_NODES: Final[Settings] = {"addressing": "nodePorts"}


def by_gateway(host: str, tls: str = "off", sni: str = "") -> Settings:
    """Return the settings of a member that is reached by its own ingress."""
    made = {"addressing": "gateway", "gateway-address": f"{host}:{INGRESS_PORT}"}
    return (
        made
        | ({"gateway-tls": tls} if tls != "off" else {})
        | ({"gateway-sni": sni} if sni else {})
    )


def settle(served: Rig, member: str, settings: Settings) -> None:
    """Give a member other settings."""
    write(served.fleet.root, f"members/{member}.yaml", settings)


@asynccontextmanager
async def hybrid(root: Path, settings: Mapping[str, Settings]) -> AsyncIterator[Rig]:
    """Serve a fleet of these members behind the gateway `gw` while the block runs."""
    for member, each in settings.items():
        write(root / "fleet", f"members/{member}.yaml", each)
    async with rig(root, list(settings)) as served:
        served.declare("web.yaml", ingress("web", host=HOST).path("/", to="web:80").of_class("mse"))
        yield served


@dataclass(frozen=True)
class Pods:
    """The Pods of a member, hidden in a namespace or not, and what stands for them."""

    member: str
    pods: Sequence[Backend]
    life: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def kill(self) -> None:
        """End all Pods, nodes and the ingress: connections are refused or reset."""
        await self.life.aclose()

    @property
    def asked(self) -> int:
        """The number of requests of all Pods."""
        return sum(len(pod.asked) for pod in self.pods)

    def forget(self) -> None:
        """Forget all requests."""
        for pod in self.pods:
            pod.asked.clear()

    def slice(self, nodes: Sequence[str] = ()) -> Builder[Any]:  # of an EndpointSlice
        """The EndpointSlice with all Pods."""
        addresses = [pod.address[0] for pod in self.pods]
        return slice_of("web", addresses=addresses, port=POD_PORT, port_name="http", nodes=nodes)


def web(*, node_port: int = 0, **spec: object) -> Builder[Any]:  # of a Service
    """The Service `web`, with a node port or without."""
    port: dict[str, object] = {"name": "http", "port": 80}
    if node_port:
        port["nodePort"] = node_port
    return service("web").with_spec(ports=[port], **spec)


@asynccontextmanager
async def reachable(number: int, member: str = NEAR) -> AsyncIterator[Pods]:
    """Run Pods that the gateway reaches while the block runs."""
    made = [
        Backend(f"{member}-{n}", (f"127.0.{n}.1", 0), member, Manner.ANSWER) for n in range(number)
    ]
    pods = Pods(member, made)
    async with pods.life:
        for pod in made:
            listener = socket.create_server(("127.0.0.1", 0))
            pod.address = listener.getsockname()
            await pods.life.enter_async_context(serving(listener, pod.serve))
        yield pods


@asynccontextmanager
async def hidden(host: Namespace, number: int, member: str, first: int = 1) -> AsyncIterator[Pods]:
    """Run Pods in a namespace, at addresses that the gateway cannot reach."""
    made = [
        Backend(f"{member}-{n}", (f"{host.pods}{first + n}", POD_PORT), member, Manner.ANSWER)
        for n in range(number)
    ]
    pods = Pods(member, made)
    async with pods.life:
        for pod in made:
            listener = host.listen(POD_PORT, pod.address[0])
            await pods.life.enter_async_context(serving(listener, pod.serve))
        yield pods


async def run_node(
    host: Namespace, pods: Pods, address: str, chosen: Sequence[Backend] | None = None
) -> None:
    """Let a node forward its node port to Pods in turn, by default to all, until they end."""
    listener = host.listen(NODE_PORT, address)
    turns = itertools.cycle(chosen or pods.pods)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as ends:
            ends.callback(writer.transport.abort)
            out = host.inside(socket.socket)
            ends.callback(out.close)
            out.setblocking(False)
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(out, next(turns).address)
                inward, outward = await asyncio.open_connection(sock=out)
                ends.callback(outward.transport.abort)
                there = asyncio.create_task(_pump(reader, outward))
                ends.callback(there.cancel)
                await _pump(inward, writer)

    await pods.life.enter_async_context(serving(listener, forward))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class MemberIngress(Backend):
    """The ingress of a member: it has Pods for some hosts, and answers 503 for others.

    It answers requests for /slow once `held` is set.
    """

    def __init__(self, member: str, address: Address, hosts: Sequence[str]) -> None:
        super().__init__(f"ingress of {member}", address, member, Manner.ANSWER)
        self.hosts = set(hosts)
        self.held = asyncio.Event()

    async def _ready(self) -> None:
        if self.asked[-1].path == "/slow":
            await self.held.wait()

    def _answer(self) -> bytes:
        known = self.asked[-1].headers.get("host", "") in self.hosts
        self.manner = Manner.ANSWER if known else Manner.UNAVAILABLE
        return super()._answer()


async def run_ingress(
    host: Namespace,
    pods: Pods,
    hosts: Sequence[str] = (HOST,),
    *,
    port: int = INGRESS_PORT,
    address: str = "",
    tls: ssl.SSLContext | None = None,
) -> MemberIngress:
    """Run the ingress of a member until its Pods end."""
    listener = host.listen(port, address)
    made = MemberIngress(pods.member, listener.getsockname(), hosts)
    await pods.life.enter_async_context(serving(listener, made.serve, tls))
    return made


def nodes_of(host: Namespace, number: int) -> Sequence[str]:
    """Return addresses of nodes in a namespace, which the gateway reaches."""
    return [f"{host.pods}{200 + n}" for n in range(number)]


def node_objects(addresses: Sequence[str]) -> list[Builder[Any]]:  # of Nodes
    """Declare these nodes."""
    return [node(f"node-{n}", InternalIP=address) for n, address in enumerate(addresses)]


def envoy_with_files(place: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a directory for PATH whose `envoy` sees these files in place of the machine's own."""
    mounts = []
    for number, (path, content) in enumerate(files.items()):
        held = place / f"file-{number}"
        held.write_bytes(content if isinstance(content, bytes) else content.encode())
        mounts.append(f"mount --bind {held} {path}")
    bins = place / "bin"
    bins.mkdir()
    script = bins / "envoy"
    inside = " && ".join([*mounts, f'exec {find_envoy()} "$@"'])
    script.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{inside}' envoy \"$@\"\n")
    script.chmod(0o755)
    return bins


def udp_inside(host: Namespace, port: int = 53) -> socket.socket:
    """Open a UDP socket in a namespace, at its address on the link."""

    def make() -> socket.socket:
        made = socket.socket(type=socket.SOCK_DGRAM)
        made.bind((host.address, port))
        made.setblocking(False)
        return made

    return host.inside(make)
