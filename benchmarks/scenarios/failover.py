"""Measures what clients see when a member is lost under load, and compares Envoy's defaults.

A Service has two Pods in each of two members, and clients go to the first member while it can
serve. One Envoy follows fleetgate. The other one is configured by hand: members by priority,
outlier detection, and defaults otherwise.

When the network cuts a member off, requests are also measured that its Pods have acknowledged: slow
answers, uploads, streams and WebSockets that are under way at that moment.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from benchmarks.backends import Pods, pods
from benchmarks.bench import GATEWAY, MEMBERS, NOTHING, Bench
from benchmarks.envoys import endpoints, following, naive
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import Load
from tests.support import netns
from tests.support.builders import ingress, service, slice_of
from tests.support.exchanges import ENDED, EXCHANGES, HOST, Scene
from tests.support.kube import free_port
from tests.support.netns import Namespace
from tests.support.serving import serving
from translators.dialects.gateway_settings import UPSTREAM_TIMEOUT

NAME: Final = "failover"
FIRST, SECOND = MEMBERS

BEFORE: Final = 2.0
AFTER: Final = 6.0
"""Seconds of load before and after the loss."""

_QUESTION: Final = Question("/", HOST)
_FIRST_MEMBER_FIRST: Final = {
    "mse.ingress.kubernetes.io/service-subset": "first",
    "mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {FIRST}",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Two members, and the network of their Pods."""

    bench: Bench
    network: Namespace
    first: Pods
    second: Pods


@dataclass(frozen=True, slots=True)
class Front:
    """An Envoy that serves. `retract` removes the first member's Pods from its endpoints."""

    address: Address
    retract: Callable[[], None]


def _kill(site: Site, _: Front) -> None:
    site.first.kill()


def _cut(site: Site, _: Front) -> None:
    site.network.drop(site.first.port)


def _scale(site: Site, front: Front) -> None:
    """Remove Pods from the EndpointSlice before they end, as Pods with a grace period do."""
    front.retract()
    time.sleep(1)
    site.first.kill()


def _lose_api(site: Site, _: Front) -> None:
    site.bench.clusters.c1.kill()


@asynccontextmanager
async def _with_fleetgate(site: Site) -> AsyncIterator[Front]:
    with _declared(site):
        async with following(site.bench) as (_, _, address):
            yield Front(address, lambda: _retract(site))


@asynccontextmanager
async def _by_hand(site: Site) -> AsyncIterator[Front]:
    listen = ("127.0.0.1", free_port())
    members = [site.first.places, site.second.places]
    async with naive(site.bench.place, listen, members) as source:
        yield Front(listen, lambda: endpoints(source, [[], site.second.places]))


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to lose a member, and the Envoys it applies to: one by hand has no API server."""

    lose: Callable[[Site, Front], None]
    fronts: Mapping[str, Callable[[Site], AbstractAsyncContextManager[Front]]]


_FLEETGATE: Final = {"fleetgate": _with_fleetgate}
_BOTH: Final = {**_FLEETGATE, "Envoy by hand": _by_hand}
_WAYS: Final = {
    "kill -9": _Way(_kill, _BOTH),
    "partition": _Way(_cut, _BOTH),
    "scale to 0": _Way(_scale, _BOTH),
    "member's API server lost": _Way(_lose_api, _FLEETGATE),
}


_ACKNOWLEDGED: Final = "partition, acknowledged"
_PATIENCE: Final = 20.0
"""Seconds after which a request that was under way counts as hanging."""


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    del sizes
    for name, way in _WAYS.items():
        yield Step(name, NOTHING, partial(_measure, name, way))
    yield Step(_ACKNOWLEDGED, NOTHING, _measure_acknowledged)


def _measure(name: str, way: _Way, bench: Bench) -> Iterable[Figure]:
    if why := netns.available():
        raise Unavailable(why)
    for who, front in way.fronts.items():
        bench.say(who)
        with _site(bench) as site:
            case = Case(NAME, f"{name}, {who}")
            yield from asyncio.run(_under_load(case, way, site, front(site)))


async def _under_load(
    case: Case, way: _Way, site: Site, front: AbstractAsyncContextManager[Front]
) -> Sequence[Figure]:
    async with front as serving:
        load = Load(serving.address, _QUESTION)
        async with load.running():
            await load.until_answered_by(FIRST)
            await asyncio.sleep(BEFORE)
            rate = len(load.asked) / (time.monotonic() - load.asked[0].started)
            lost = time.monotonic()
            await asyncio.to_thread(way.lose, site, serving)
            await asyncio.sleep(AFTER)
    tally = load.tally()
    other = [one.ended for one in load.asked if one.member == SECOND and one.ended > lost]
    figures = [
        case.figure("failed", sum(tally.failures.values()), ""),
        case.figure("of", tally.total, ""),
        case.figure("worst wait", tally.worst_wait.total_seconds() * 1000, "ms"),
        case.figure("requests before", rate, "/s"),
    ]
    if other:
        figures.append(case.figure("other member answers after", 1000 * (min(other) - lost), "ms"))
    return figures


def _measure_acknowledged(bench: Bench) -> Iterable[Figure]:
    if why := netns.available():
        raise Unavailable(why)
    for who, front in _BOTH.items():
        bench.say(who)
        with ExitStack() as stack:
            network = stack.enter_context(netns.namespace())
            listener = stack.enter_context(network.listen(8080))
            first = Pods(FIRST, 8080, (network.address,), ())
            second = stack.enter_context(pods(network, SECOND, port=8081, first=11))
            site = Site(bench, network, first, second)
            case = Case(NAME, f"{_ACKNOWLEDGED}, {who}")
            yield from asyncio.run(_all_under_way(case, site, front(site), listener))


async def _all_under_way(
    case: Case,
    site: Site,
    front: AbstractAsyncContextManager[Front],
    listener: socket.socket,
) -> Sequence[Figure]:
    names = [name for name, each in EXCHANGES.items() if not each.quiet]
    scene = Scene(names, FIRST, SECOND, _PATIENCE)
    async with serving(listener, scene.serve), front as reached:
        load = Load(reached.address, Question("/slow", HOST), patience=timedelta(seconds=_PATIENCE))
        async with load.running():
            await load.until_answered_by(FIRST)
            cut = partial(asyncio.to_thread, site.network.drop, site.first.port)
            outcomes = await scene.play(reached.address, cut)
    tally = load.tally()
    wrong = [name for name, found in outcomes.items() if found.what != EXCHANGES[name].becomes]
    answered = [found.after for found in outcomes.values() if found.what != ENDED]
    ended = [found.after for found in outcomes.values() if found.what == ENDED]
    return [
        case.figure("failed", sum(tally.failures.values()) + len(wrong), ""),
        case.figure("of", tally.total + len(outcomes), ""),
        case.figure("worst wait", 1000 * max(tally.worst_wait.total_seconds(), *answered), "ms"),
        case.figure("last stream ends after", 1000 * max(ended, default=_PATIENCE), "ms"),
    ]


@contextmanager
def _site(bench: Bench) -> Iterator[Site]:
    """Run Pods in both members while the block runs, and repair a lost member at its end."""
    with ExitStack() as stack:
        network = stack.enter_context(netns.namespace())
        first = stack.enter_context(pods(network, FIRST, port=8080, first=1))
        second = stack.enter_context(pods(network, SECOND, port=8081, first=11))
        stack.callback(bench.clusters.c1.start)
        yield Site(bench, network, first, second)


@contextmanager
def _declared(site: Site) -> Iterator[None]:
    """Declare the Service, its endpoints and its rule while the block runs."""
    rule = ingress("web", host=HOST).path("/", to="web:80").of_class(GATEWAY)
    hub = site.bench.clusters.hub
    for cluster in site.bench.clusters.all():
        cluster.namespace(NAME)
    for member, running in ((FIRST, site.first), (SECOND, site.second)):
        _declare_pods(site, member, running.addresses)
    site.bench.configure({UPSTREAM_TIMEOUT: "1s"})
    site.bench.apply(hub, rule.annotate(_FIRST_MEMBER_FIRST).in_namespace(NAME).manifest)
    try:
        yield
    finally:
        site.bench.configure({})
        hub.kubectl("delete", "ingress", "web", "-n", NAME)


def _retract(site: Site) -> None:
    """Remove the first member's Pods from its EndpointSlice, in one request."""
    slice_ = slice_of("web", port=site.first.port).in_namespace(NAME)
    path = f"/apis/discovery.k8s.io/v1/namespaces/{NAME}/endpointslices/{slice_.name}"
    status, said = site.bench.clusters.c1.ask("PUT", path, slice_.manifest)
    if status != 200:
        raise RuntimeError(f"the EndpointSlice was not taken: {said}")


def _declare_pods(site: Site, member: str, addresses: Iterable[str]) -> None:
    cluster = {FIRST: site.bench.clusters.c1, SECOND: site.bench.clusters.c2}[member]
    port = {FIRST: site.first.port, SECOND: site.second.port}[member]
    running = slice_of("web", addresses=addresses, port=port)
    for declared in (service("web"), running):
        site.bench.apply(cluster, declared.in_namespace(NAME).manifest)


FAILOVER = Scenario(
    NAME,
    "a member is lost under load of GETs, or with all kinds of requests; upstream timeout 1 s",
    _steps,
)
