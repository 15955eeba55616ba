"""A host of many rules: a change costs one encoded route, and leaves no stale routes."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from fleet.events import Listed
from fleet.ref import HUB
from tests.support.envoy_routing import Request, choose
from tests.support.translation import Manifest, World, upserted
from tests.translators.manifests import gateway_manifest, ingress_manifest
from translators.envoy.host_tables import LONG
from translators.envoy.routes import encode_route
from xds.readable import readable
from xds.resource import TypeUrl

HOST = "long.example.com"
OTHERS = ("short.example.com", "*.example.com", "")


def world_of(count: int, *more: Manifest) -> World:
    """Make a fleet with so many Ingresses of one host, each with a path, and more objects."""
    world = World()
    world.attach(HUB)
    world.put(
        gateway_manifest(),
        *(ingress_manifest(f"i{n}", HOST, f"/p/{n}", f"s{n}") for n in range(count)),
        *more,
    )
    return world


def virtual_host(world: World) -> Mapping[str, Any]:  # JSON
    resource = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, f"mse|{HOST}"]
    table: Any = readable(TypeUrl.SCOPED_ROUTE, resource.body)
    host: Mapping[str, Any] = table["route_configuration"]["virtual_hosts"][0]
    return host


@contextmanager
def counted_encodings() -> Iterator[Callable[[], int]]:
    """Count the routes that are encoded in the block."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code is encode_route.__code__

    sys.setprofile(count)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("count", [LONG + 10, 10 * LONG])
def test_a_changed_path_encodes_one_route_and_sends_one_table(count: int) -> None:
    world = world_of(count)
    with counted_encodings() as encodings:
        computed = world.put(ingress_manifest("i7", HOST, "/new", "s7"))
    assert encodings() == 1
    assert computed["routes"] == 1
    assert computed["host tables"] == 1
    assert set(computed.values()) == {1}
    assert world.sent == 1


def test_a_host_of_few_rules_keeps_no_encoded_routes() -> None:
    world = world_of(LONG)
    assert not world.translator.tables.hosts.routes.rows
    world.put(ingress_manifest("one-more", HOST, "/more"))
    assert len(world.translator.tables.hosts.routes.rows) == LONG + 1
    world.remove(ingress_manifest("one-more"))
    assert not world.translator.tables.hosts.routes.rows


def test_a_canary_takes_its_share_on_a_long_host() -> None:
    annotations = {
        "nginx.ingress.kubernetes.io/canary": "true",
        "nginx.ingress.kubernetes.io/canary-weight": "10",
    }
    canary = ingress_manifest("canary", HOST, "/p/7", "new", annotations=annotations)
    world = world_of(LONG + 1)
    request = Request("/p/7/x")

    def weights() -> dict[str, int]:
        route = choose(virtual_host(world), request)
        assert route is not None
        clusters = route["route"].get("weighted_clusters", {"clusters": ()})["clusters"]
        return {entry["name"]: entry["weight"] for entry in clusters}

    assert not weights()
    world.put(canary)
    assert weights() == {"default/s7/80": 90, "default/new/80>default/s7/80": 10}
    world.remove(canary)
    assert not weights()


def test_growing_and_shrinking_gives_what_the_same_objects_give_from_scratch() -> None:
    objects = {f"i{n}": ingress_manifest(f"i{n}", HOST, f"/p/{n}") for n in range(LONG)}
    world = world_of(0, *objects.values())
    edits = [
        ingress_manifest("more", HOST, "/more"),
        ingress_manifest("i3", HOST, "/p/3/4"),
        ingress_manifest("default", OTHERS[2], "/x"),
        ingress_manifest("i3", OTHERS[0], "/p/3"),
        ingress_manifest("more", OTHERS[1], "/more"),
        ingress_manifest("more", HOST, "/more", "other"),
        ingress_manifest("i5", HOST, "/p/5", kind="Exact"),
        ingress_manifest("i3", HOST, "/"),
    ]
    for manifest in edits:
        objects[manifest["metadata"]["name"]] = manifest
        world.put(manifest)
        scratch = World()
        scratch.apply([*map(upserted, (gateway_manifest(), *objects.values())), Listed(HUB)])
        assert world.versions() == scratch.versions()
