"""Measures hosts whose requests are divided between two members by weight, beside others."""

import asyncio
import gc
import tempfile
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.bench import NOTHING, Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.forwarding.resources import own_tables_without
from benchmarks.forwarding.rig import GATEWAY, subject
from benchmarks.scenarios.policies import Served
from benchmarks.scenarios.step import Scenario, Step
from fleet.events import Configured
from fleet.member_settings import MemberSettings
from fleet.pod_addresses import PodAddresses
from fleetgate.demo.loopback import Loopback
from tests.support.builders import IngressBuilder, ingress, mse_gateway, service, slice_of
from tests.support.translation import World
from translators.model.binds import Bind

NAME: Final = "weights"

_MEMBERS: Final = ("one", "two")

_IDLE: Final = ("-n=40", "-gap=600ms")

_LISTENER: Final = "all-filters"


def _weighted(first: int) -> Mapping[str, str]:
    key = "fleetgate.dev/cluster-weight."
    return {f"{key}one": str(first), f"{key}two": str(100 - first)}


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for hosts in sizes:
        if hosts:
            yield Step(f"{hosts} hosts", NOTHING, partial(_memory, hosts))
    case = f"{sizes[-1]} hosts, idle"
    yield Step(case, Size.of(sizes[-1]), partial(_changes, Case(NAME, case)))


def _changes(case: Case, bench: Bench) -> Iterable[Figure]:
    with bench.serving() as serving:
        outcome = bench.measure(serving, "weights", *_IDLE)
    samples = outcome.samples["weight"]
    yield from case.waits(samples)
    yield case.figure("CPU per weight", 1000 * outcome.numbers["cpu_s"] / len(samples), "ms")
    yield case.figure("messages per weight", outcome.numbers["messages"] / len(samples), "")
    yield case.figure("bytes per weight", outcome.numbers["bytes"] / len(samples), "B")


def _memory(hosts: int, bench: Bench) -> Iterable[Figure]:
    del bench
    case = Case(NAME, f"{hosts} hosts")
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        yield from asyncio.run(_shown(case, hosts, Path(place)))
    own, plain = _held(hosts, _weighted(60)), _held(hosts, {})
    yield case.figure("memory in fleetgate", own / 1024, "KiB")
    yield case.figure("memory in fleetgate of balanced hosts", 100 * own / plain, "%")


async def _shown(case: Case, hosts: int, place: Path) -> list[Figure]:
    with closing(Loopback()) as loopback:
        address, offset = next(iter(loopback.addresses("gateways"))), loopback.port(10080) - 80
        async with subject(place, cluster=False) as envoy:
            world = _world(World(bind=Bind(address, offset)), GATEWAY.partition("/")[2])
            _expose(world, hosts)
            listeners = {_LISTENER: own_tables_without(_LISTENER, ())}
            served = Served(envoy, world, listeners, {})
            await served.put(_host("first", {}, 0))
            taken = {}
            for annotations in ({}, _weighted(60)):
                made = _hosts(hosts, annotations)
                taken[bool(annotations)] = await served.put(*made)
                if not annotations:
                    await served.remove(*made)
    return [
        case.figure("memory in Envoy", 1024 * taken[True] / hosts, "KiB"),
        case.figure("memory in Envoy of balanced hosts", 100 * taken[True] / taken[False], "%"),
    ]


def _world(world: World, gateway: str) -> World:
    world.attach(*_MEMBERS)
    world.apply(
        [Configured(member, MemberSettings(PodAddresses(loopback=True))) for member in _MEMBERS]
    )
    world.put(mse_gateway(gateway, members=_MEMBERS).manifest)
    return world


def _expose(world: World, hosts: int) -> None:
    """Give each host a Service with two Pods in each member."""
    for number, member in enumerate(_MEMBERS, 1):
        for n in range(hosts):
            at = [f"127.{number}{pod}.{n // 250}.{n % 250 + 1}" for pod in (1, 2)]
            made = service(f"s{n}"), slice_of(f"s{n}", addresses=at)
            world.put(*(each.manifest for each in made), origin=member)


def _hosts(hosts: int, annotations: Mapping[str, str]) -> list[IngressBuilder]:
    return [_host(f"h{n}", annotations, n) for n in range(hosts)]


def _host(name: str, annotations: Mapping[str, str], behind: int) -> IngressBuilder:
    made = ingress(name, host=f"{name}.test").path("/", to=f"s{behind}:80")
    return made.annotate(annotations).of_class("mse")


def _held(hosts: int, annotations: Mapping[str, str]) -> float:
    """Return the bytes that the fleet's state and translation hold for a host and its Service."""
    world = _world(World(), "gw")
    fronts = [each.manifest for each in _hosts(hosts, annotations)]
    gc.collect()
    tracemalloc.start()
    _expose(world, hosts)
    world.put(*fronts)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / hosts


WEIGHTS: Final = Scenario(
    NAME,
    "changed weight of a member, from the API server's 200 to the endpoints at an Envoy, and the"
    " memory of hosts with weights of two members beside balanced ones",
    _steps,
    needs_hosts=True,
)
