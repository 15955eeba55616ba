"""Measures what active health checks cost an Envoy, by the time between two checks of a Pod."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.bench import NOTHING, Bench
from benchmarks.figures import Case, Figure
from benchmarks.forwarding.rig import GATEWAY, Subject, subject
from benchmarks.scenarios.step import Scenario, Step
from fleet.events import Configured
from fleet.member_settings import MemberSettings
from fleet.pod_addresses import PodAddresses
from fleetgate.demo.http import Address, HttpClient, Question
from fleetgate.demo.loopback import Loopback
from fleetgate.open_files import raise_limit
from tests.support.builders import alb_class, alb_gateway, ingress, service, slice_of
from tests.support.translation import World
from translators.model.binds import Bind
from xds.resource import Resource, TypeUrl

NAME: Final = "checks"

_MEMBER: Final = "one"
_PREFIX: Final = "alb.ingress.kubernetes.io/healthcheck-"
_INTERVALS: Final = (50, 10, 2)
"""Seconds between two checks of a Pod; the last are those without a setting."""

_WATCHED: Final = 50.0
"""Seconds for which the CPU of an Envoy is measured, so that each Pod is checked meanwhile."""

_PATIENCE: Final = timedelta(seconds=10)


def _checked(interval: int) -> Mapping[str, str]:
    return {f"{_PREFIX}enabled": "true", f"{_PREFIX}interval-seconds": str(interval)}


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    yield Step(f"{sizes[-1]} Services", NOTHING, partial(_measure, sizes[-1]))


def _measure(services: int, bench: Bench) -> Iterable[Figure]:
    del bench
    raise_limit()
    case = Case(NAME, f"{services} Services of two Pods")
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        return asyncio.run(_shown(case, services, Path(place)))


async def _shown(case: Case, services: int, place: Path) -> list[Figure]:
    with closing(Loopback()) as loopback:
        address, offset = next(iter(loopback.addresses("gateways"))), loopback.port(10080) - 80
        async with subject(place, cluster=False) as envoy:
            fleet = _Fleet(envoy, World(bind=Bind(address, offset)), services)
            await fleet.declare({})
            await fleet.ask_each((address, 80 + offset))
            plain, usual = await envoy.worker.allocated(), await fleet.cpu()
            taken, used = {}, {}
            for seconds in _INTERVALS:
                await fleet.declare(_checked(seconds))
                await fleet.ask_each((address, 80 + offset))
                await asyncio.sleep(seconds)
                used[seconds] = await fleet.cpu()
                taken[seconds] = await envoy.worker.allocated() - plain
    return [
        *(
            case.figure(f"memory, each {seconds} s", 1024 * memory / services, "KiB")
            for seconds, memory in taken.items()
        ),
        *(
            case.figure(f"CPU, each {seconds} s", 100 * (cores - usual), "%")
            for seconds, cores in used.items()
        ),
    ]


class _Fleet:
    """An Envoy with an ALB gateway, in front of so many Services of two Pods each."""

    def __init__(self, envoy: Subject, world: World, services: int) -> None:
        self._envoy = envoy
        self._world = world
        self._services = services
        self._sent: Mapping[tuple[TypeUrl, str], Resource] = {}
        world.attach(_MEMBER)
        world.apply([Configured(_MEMBER, MemberSettings(PodAddresses(loopback=True)))])
        world.put(alb_gateway("bench", members=(_MEMBER,)).manifest)
        world.put(alb_class("alb", gateway="bench").manifest)
        for n in range(services):
            pods = [
                slice_of(f"s{n}", addresses=["127.0.0.1"], port=port, suffix=str(port)).manifest
                for port in (envoy.behind, envoy.beside)
            ]
            world.put(service(f"s{n}").manifest, *pods, origin=_MEMBER)

    async def declare(self, annotations: Mapping[str, str]) -> None:
        """Declare an Ingress with these annotations for each Service."""
        made = [
            ingress(f"h{n}", host=f"h{n}.test").path("/", to=f"s{n}:80").of_class("alb")
            for n in range(self._services)
        ]
        self._world.put(*(each.annotate(annotations).manifest for each in made))
        wanted = dict(self._world.snapshots[f"alb/{GATEWAY.partition('/')[2]}"])
        update: dict[TypeUrl, dict[str, Resource | None]] = {}
        for key in {*wanted, *self._sent}:
            if wanted.get(key) != self._sent.get(key):
                update.setdefault(key[0], {})[key[1]] = wanted.get(key)
        self._sent = wanted
        await self._envoy.take(update)

    async def ask_each(self, at: Address) -> None:
        """Send a request to each Service."""
        for n in range(self._services):
            client = HttpClient(at, Question(host=f"h{n}.test"), _PATIENCE)
            answer = await client.ask()
            client.close()
            if answer.status != 200:
                raise RuntimeError(f"h{n}.test answered {answer.status}")

    async def cpu(self) -> float:
        """Return the cores that Envoy uses."""
        before = self._envoy.worker.cpu()
        await asyncio.sleep(_WATCHED)
        return (self._envoy.worker.cpu() - before) / _WATCHED


CHECKS: Final = Scenario(
    NAME,
    "active health checks: what they take of an Envoy, in memory for each Service and in CPU of"
    " one core, beside the same Services without",
    _steps,
    needs_hosts=True,
)
