"""Measures the cost of annotations: for a request, and for a host in Envoy and in fleetgate.

Each feature of the dialect is measured with the examples of its annotations, so a new one takes
part by itself. What is compared is a host without annotations beside it.
"""

import asyncio
import gc
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp

from benchmarks.bench import NOTHING, Bench
from benchmarks.figures import Case, Figure
from benchmarks.forwarding.load import Load, Measured, NoWrkError
from benchmarks.forwarding.load import run as ask
from benchmarks.forwarding.resources import own_tables_without
from benchmarks.forwarding.rig import GATEWAY, Subject, subject
from benchmarks.goals import IDLE, USUAL
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from fleet.events import Configured
from fleet.member_settings import MemberSettings
from fleet.pod_addresses import PodAddresses
from fleetgate.demo.loopback import Loopback
from tests.support.annotations import examples
from tests.support.builders import IngressBuilder, ingress, mse_gateway, secret, service, slice_of
from tests.support.secrets import secrets
from tests.support.translation import Manifest, World
from translators.dialects.mse.features import FEATURES
from translators.envoy.filters import ACCESS, CORS, GROUP
from translators.model.binds import Bind
from xds.resource import Resource, TypeUrl

NAME: Final = "policies"
ROUNDS: Final = 7
IDLE_ROUNDS: Final = 25
"""Rounds for the filters that are idle. They cost little, and single rounds scatter by a tenth."""

HOSTS: Final = 200
"""Hosts whose memory is measured."""

PLAIN: Final = "plain.test"

RICH: Final[Mapping[str, str]] = {
    "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    "nginx.ingress.kubernetes.io/enable-cors": "true",
    "nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8,127.0.0.0/8",
}
"""The annotations of a usual host, which has a certificate too."""

_IDLE: Final = (CORS, ACCESS, GROUP)
"""The filters that do nothing unless a route configures them."""

_ALL, _FEW = "all-filters", "few-filters"

_MEMBER: Final = "one"


@dataclass(slots=True)
class Served:
    """A measured Envoy with the resources of a fleet in memory."""

    envoy: Subject
    world: World
    listeners: Mapping[str, Resource]
    sent: Mapping[tuple[TypeUrl, str], Resource]

    async def put(self, *objects: IngressBuilder) -> float:
        """Declare Ingresses, and return the MiB that Envoy takes for them."""
        self.world.put(*(each.manifest for each in objects))
        return await self._take()

    async def remove(self, *objects: IngressBuilder) -> None:
        """Remove Ingresses."""
        self.world.remove(*(each.manifest for each in objects))
        await self._take()

    async def _take(self) -> float:
        wanted = dict(self.world.snapshots[GATEWAY])
        wanted |= {(TypeUrl.LISTENER, name): made for name, made in self.listeners.items()}
        update: dict[TypeUrl, dict[str, Resource | None]] = {}
        for key in {*wanted, *self.sent}:
            if wanted.get(key) != self.sent.get(key):
                update.setdefault(key[0], {})[key[1]] = wanted.get(key)
        self.sent = wanted
        return (await self.envoy.take(update)).memory


@asynccontextmanager
async def _served(place: Path) -> AsyncIterator[Served]:
    with closing(Loopback()) as loopback:
        address, offset = next(iter(loopback.addresses("gateways"))), loopback.port(10080) - 80
        async with subject(place, cluster=False) as envoy:
            yield await _serving(envoy, World(bind=Bind(address, offset)))


async def _serving(envoy: Subject, world: World) -> Served:
    world.attach(_MEMBER)
    world.apply([Configured(_MEMBER, MemberSettings(PodAddresses(loopback=True)))])
    world.put(
        service("web").manifest,
        slice_of("web", addresses=["127.0.0.1"], port=envoy.behind).manifest,
        origin=_MEMBER,
    )
    gateway = mse_gateway(GATEWAY.partition("/")[2], members=[_MEMBER])
    world.put(gateway.manifest, *(each.manifest for each in secrets()))
    listeners = {_ALL: own_tables_without(_ALL, ()), _FEW: own_tables_without(_FEW, _IDLE)}
    served = Served(envoy, world, listeners, {})
    await served.put(_host(PLAIN, {}))
    return served


def _host(
    host: str, annotations: Mapping[str, str], *, tls: str = "", behind: str = "web"
) -> IngressBuilder:
    name = host.replace(".", "-").replace("_", "-")
    made = ingress(name, host=host).path("/", to=f"{behind}:80").annotate(annotations)
    return (made.tls(tls, host) if tls else made).of_class("mse")


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    del sizes
    yield Step(f"{len(FEATURES)} features", NOTHING, _measure)


def _measure(bench: Bench) -> Iterable[Figure]:
    del bench
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        try:
            return asyncio.run(_costs(Path(place)))
        except NoWrkError as e:
            raise Unavailable(str(e)) from e


async def _costs(place: Path) -> list[Figure]:
    figures: list[Figure] = []
    async with _served(place) as served:
        figures += await _idle(served, place)
        plain = await _memory(served, {})
        for number, feature in enumerate(FEATURES):
            annotations = examples(feature)
            case = Case(NAME, feature.name.lower())
            host = f"f{number}.test"
            await served.put(*_hosts(host, annotations))
            figures += await _requests(served, place, case, host)
            each = await _memory(served, annotations)
            figures.append(case.figure("more memory of a host", 1024 * (each - plain), "KiB"))
        figures += await _rich(served)
    return figures


def _hosts(host: str, annotations: Mapping[str, str]) -> list[IngressBuilder]:
    """Return an Ingress with the annotations, behind a main Ingress if it is a canary."""
    made = _host(host, annotations)
    if not any(key.endswith("/canary") for key in annotations):
        return [made]
    return [_host(host, {}), _host(f"{host}_canary", annotations).with_spec(**made.body["spec"])]


async def _idle(served: Served, place: Path) -> Iterable[Figure]:
    """Compare a listener with all filters with one without those that features configure."""
    case = Case(NAME, IDLE)
    load = Load.of([(PLAIN, "/x")], place / "plain.lua")
    worker = served.envoy.worker
    ports = {name: await worker.port(name) for name in (_ALL, _FEW)}
    few, every = ports[_FEW], ports[_ALL]
    rounds = [await _pair(load, few, load, every, served, n) for n in range(IDLE_ROUNDS)]
    return _compared(case, rounds, "of a listener without them")


async def _requests(served: Served, place: Path, case: Case, host: str) -> Iterable[Figure]:
    port = await served.envoy.worker.port(_ALL)
    plain = Load.of([(PLAIN, "/x")], place / "plain.lua")
    load = Load.of([(host, "/x")], place / f"{host}.lua")
    rounds = [(await _pair(plain, port, load, port, served, n)) for n in range(ROUNDS)]
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"http://127.0.0.1:{port}/x", headers={"host": host}, allow_redirects=False
        ) as answer,
    ):
        status = case.figure("status of the answer", answer.status, "")
    return [status, *_compared(case, rounds, "of a plain host")]


async def _pair(
    first: Load, first_port: int, second: Load, second_port: int, served: Served, number: int
) -> tuple[Measured, Measured]:
    """Measure both loads, one after the other; the order alternates with the number."""
    pair = [(first, first_port), (second, second_port)]
    measured = {}
    for load, port in reversed(pair) if number % 2 else pair:
        measured[load, port] = await ask(load, port, 1, served.envoy.worker, refused=True)
    return measured[pair[0]], measured[pair[1]]


def _compared(
    case: Case, rounds: Sequence[tuple[Measured, Measured]], against: str
) -> Iterator[Figure]:
    yield case.figure("requests", median(b.rate for _, b in rounds), "/s")
    yield case.figure(f"requests {against}", 100 * median(b.rate / a.rate for a, b in rounds), "%")
    yield case.figure("more CPU for a request", median(b.cpu - a.cpu for a, b in rounds), "us")


async def _memory(served: Served, annotations: Mapping[str, str]) -> float:
    """Return the MiB that Envoy takes for a host with the annotations, without its Service."""
    made = [each for n in range(HOSTS) for each in _hosts(f"m{n}.test", annotations)]
    taken = await served.put(*made)
    await served.remove(*made)
    return taken / HOSTS


async def _rich(served: Served) -> Iterable[Figure]:
    """Compare a usual host, with a certificate, with a plain one. Both have a Service."""
    case = Case(NAME, USUAL)
    served.world.put(*_backends(), origin=_MEMBER)
    served.world.put(*_certificates())
    envoy, plain = await _whole(served, RICH, tls=True), await _whole(served, {}, tls=False)
    own, own_plain = _held(RICH, tls=True), _held({}, tls=False)
    return [
        case.figure("memory in Envoy", 1024 * envoy, "KiB"),
        case.figure("memory in Envoy of a plain host", 100 * envoy / plain, "%"),
        case.figure("memory in fleetgate", own / 1024, "KiB"),
        case.figure("memory in fleetgate of a plain host", 100 * own / own_plain, "%"),
    ]


def _backends() -> list[Manifest]:
    """Return a Service with two endpoints for each host."""
    names = [(f"s{n}", [f"127.1.{n}.1", f"127.1.{n}.2"]) for n in range(HOSTS)]
    return [
        made.manifest
        for name, at in names
        for made in (service(name), slice_of(name, addresses=at))
    ]


def _certificates() -> list[Manifest]:
    """Return a Secret with a certificate for each host. Each has texts of its own in memory."""
    data = secrets()[0].manifest["data"]
    keys = ("tls.crt", "tls.key")
    return [
        secret(f"s{n}", {key: data[key].encode().decode() for key in keys}).manifest
        for n in range(HOSTS)
    ]


def _fronts(annotations: Mapping[str, str], *, tls: bool) -> list[IngressBuilder]:
    """Return hosts, each in front of its own Service, with a certificate of its own or none."""
    return [
        _host(f"m{n}.test", annotations, tls=f"s{n}" if tls else "", behind=f"s{n}")
        for n in range(HOSTS)
    ]


async def _whole(served: Served, annotations: Mapping[str, str], *, tls: bool) -> float:
    """Return the MiB that Envoy takes for a host with a Service of its own."""
    made = _fronts(annotations, tls=tls)
    taken = await served.put(*made)
    await served.remove(*made)
    return taken / HOSTS


def _held(annotations: Mapping[str, str], *, tls: bool) -> float:
    """Return the bytes that the fleet's state and translation hold for a host.

    Its Service counts, and its Secret if it has one.
    """
    world = World()
    world.attach(_MEMBER)
    world.apply([Configured(_MEMBER, MemberSettings(PodAddresses(loopback=True)))])
    gateway = mse_gateway("gw", members=[_MEMBER])
    world.put(gateway.manifest, *(each.manifest for each in secrets()))
    backends, certificates = _backends(), _certificates() if tls else []
    fronts = [each.manifest for each in _fronts(annotations, tls=tls)]
    gc.collect()
    tracemalloc.start()
    world.put(*backends, origin=_MEMBER)
    world.put(*certificates, *fronts)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / HOSTS


POLICIES: Final = Scenario(
    NAME,
    "what the annotations of each feature cost a request, and what a host with them costs",
    _steps,
)
