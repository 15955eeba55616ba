"""Twice as many declarations of any kind cost about twice the work.

If the work grew faster, one user's objects could delay those of all others.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.support.builders import Builder, IngressBuilder, ingress, mse_gateway
from tests.support.translation import World, upserted
from tests.support.work import lines_run
from translators.dialects.boundaries import HOST_OWNERSHIP
from translators.dialects.mse.objects import MseIngressConfig

GATEWAY = mse_gateway("gw", members=["east"])
OWNED = GATEWAY.annotate({HOST_OWNERSHIP: "namespace"})
PREFIX = "mse.ingress.kubernetes.io/"


def of_hosts(name: str, *hosts: str, paths: int = 1) -> IngressBuilder:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    declared = [{"path": f"/{n}", "pathType": "Prefix", "backend": backend} for n in range(paths)]
    rules = [{"host": host, "http": {"paths": declared}} for host in hosts]
    return ingress(name).of_class("mse").in_namespace("many").with_spec(rules=rules)


def hosts_of_an_ingress(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("web", *(f"{n}.test" for n in range(count)))


def hosts_below_a_wildcard(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("web", "*.test", *(f"{n}.test" for n in range(count)))


def default_backends_of_hosts(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("web", *(f"{n}.test" for n in range(count)), paths=0).default("web:80")


def paths_of_a_host(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("web", "a.test", paths=count)


def ingresses_of_a_host(count: int) -> Iterable[IngressBuilder]:
    for n in range(count):
        yield of_hosts(f"web-{n}", "a.test", paths=5)


def canaries_of_a_host(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("web", "a.test")
    for n in range(count):
        canary = {PREFIX + "canary": "true", PREFIX + "canary-weight": "1"}
        yield of_hosts(f"canary-{n}", "a.test").annotate(canary)


def ingresses_of_a_wildcard(count: int) -> Iterable[IngressBuilder]:
    yield of_hosts("guest", "a.test").in_namespace("other")
    for n in range(count):
        one = of_hosts(f"web-{n}", "*.test")
        yield one.with_spec(rules=[{"host": "*.test", "http": {"paths": [_path(f"/{n}")]}}])


def hosts_below_many_wildcards(count: int) -> Iterable[IngressBuilder]:
    yield from ingresses_of_a_wildcard(count)
    yield from hosts_of_an_ingress(count)


def _path(path: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}


@pytest.mark.parametrize(
    "gateway", [pytest.param(GATEWAY, id="shared"), pytest.param(OWNED, id="owned")]
)
@pytest.mark.parametrize(
    "many",
    [
        pytest.param(each, id=each.__name__.replace("_", "-"))
        for each in (
            hosts_of_an_ingress,
            hosts_below_a_wildcard,
            default_backends_of_hosts,
            paths_of_a_host,
            ingresses_of_a_host,
            canaries_of_a_host,
            ingresses_of_a_wildcard,
            hosts_below_many_wildcards,
        )
    ],
)
def test_work_does_not_multiply(
    many: Callable[[int], Iterable[IngressBuilder]], gateway: Builder[MseIngressConfig]
) -> None:
    def work(count: int) -> int:
        world = World()
        world.put(gateway.manifest)
        world.attach("", "east")
        events = [upserted(one.manifest) for one in many(count)]
        return lines_run(lambda: world.apply(events))

    work(10)  # fills caches that are made on first use
    once, twice = work(200), work(400)
    assert twice < 2.1 * once
