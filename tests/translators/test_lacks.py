"""A backend without endpoints is reported with its reason, the one that is nearest to serving."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fleet.ref import HUB, Ref
from tests.support.builders import Builder, ingress, mse_gateway, service, slice_of
from tests.support.translation import World

WEB = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
SELECTOR = {"selector": {"app": "web"}}

SERVICE = service("web", ports={"http": 80}).with_spec(**SELECTOR)
READY = slice_of("web", addresses=["10.0.0.1"], port_name="http")
UNREADY = slice_of("web", unready=["10.0.0.1"], port_name="http")
OTHER_PORT = slice_of("web", addresses=["10.0.0.1"], port_name="metrics")
WITHOUT_PORTS = slice_of("web")


def told(members: Mapping[str, Sequence[Builder[Any]]]) -> list[tuple[str, str]]:
    world = World()
    world.put(mse_gateway("gw", members=members).manifest, WEB.manifest)
    for member, objects in members.items():
        for each in objects:
            manifest = each.manifest
            if each is WITHOUT_PORTS:
                manifest["ports"] = []
            world.put(manifest, origin=member)
    row = world.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", "default", "web")]
    return [(problem.reason, problem.effect.partition(", requests")[0]) for problem in row.problems]


@pytest.mark.parametrize(
    ("objects", "reason", "words"),
    [
        pytest.param([], "ServiceNotFound", "no attached member has this Service", id="no-service"),
        pytest.param(
            [SERVICE.with_spec(type="ExternalName", externalName="web.example.com")],
            "ExternalName",
            "a Service of type ExternalName has no Pods",
            id="external-name",
        ),
        pytest.param(
            [service("web", ports={"http": 81}).with_spec(**SELECTOR), READY],
            "PortNotFound",
            "the Service has no such port in any attached member",
            id="no-port",
        ),
        pytest.param(
            [service("web", ports={"http": 80})],
            "NoEndpointSlices",
            "the Service has no selector, and nobody has written an EndpointSlice for it",
            id="no-selector",
        ),
        pytest.param(
            [SERVICE.with_spec(clusterIP="None")],
            "NoEndpointSlices",
            "the headless Service has no EndpointSlice in any attached member",
            id="headless",
        ),
        pytest.param(
            [SERVICE],
            "NoEndpointSlices",
            "the Service has no EndpointSlice in any attached member",
            id="no-slices",
        ),
        pytest.param(
            [SERVICE, OTHER_PORT],
            "PortNotInSlices",
            "no EndpointSlice of the Service has a port of the Service port's name",
            id="another-port-name",
        ),
        pytest.param(
            [SERVICE, UNREADY],
            "NoReadyPods",
            "the Service has no ready Pod in any attached member",
            id="not-ready",
        ),
        pytest.param(
            [SERVICE, WITHOUT_PORTS],
            "NoReadyPods",
            "the Service has no ready Pod in any attached member",
            id="slice-of-a-service-without-pods",
        ),
        pytest.param(
            [service("web", ports={"http": 80}), UNREADY],
            "NoReadyPods",
            "the Service has no ready Pod in any attached member",
            id="no-selector-and-slices-of-its-own",
        ),
    ],
)
def test_an_ingress_is_told_what_its_backend_lacks(
    objects: Sequence[Builder[Any]], reason: str, words: str
) -> None:
    assert told({"one": objects}) == [(reason, words)]


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        pytest.param([SERVICE, OTHER_PORT], [], "PortNotInSlices", id="one-has-no-service"),
        pytest.param([SERVICE, OTHER_PORT], [SERVICE, UNREADY], "NoReadyPods", id="one-is-unready"),
        pytest.param([SERVICE], [SERVICE, OTHER_PORT], "PortNotInSlices", id="one-has-no-slices"),
        pytest.param([SERVICE], [SERVICE, READY], None, id="one-serves"),
    ],
)
def test_of_several_members_the_one_nearest_to_serving_counts(
    one: Sequence[Builder[Any]], two: Sequence[Builder[Any]], reason: str | None
) -> None:
    for members in ({"one": one, "two": two}, {"one": two, "two": one}):
        assert [found for found, _ in told(members)] == ([reason] if reason else [])
