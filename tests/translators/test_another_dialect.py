"""A dialect is added by a directory and one line, because no other code knows the dialects."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fleet.ref import HUB, Ref
from fleet.sources.directory import DirectorySource
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.core.offline import Offline, read_fleet
from fleetgate.core.view import FleetView
from fleetgate.http.status import report, statuses
from tests.support.builders import ingress, mse_gateway, service, slice_of, write
from tests.translators.toy.dialect import WITH_TOY
from xds.cache import SnapshotCache
from xds.readable import readable
from xds.resource import TypeUrl

GATEWAY = Ref(HUB, "ToyGateway", "", "hello")
TOY: dict[str, Any] = {
    "apiVersion": "toy.example/v1",
    "kind": "ToyGateway",
    "metadata": {"name": "hello", "annotations": {"toy.example/members": "c1"}},
    "spec": {"port": 8088},
}
SHOP = (
    ingress("shop", host="shop.test")
    .path("/", to="shop:80")
    .of_class("toy")
    .annotate({"toy.example/greeting": "hello", "toy.example/greetin": "x"})
)


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    write(tmp_path, "hub/gateway.yaml", TOY)
    write(tmp_path, "hub/others.yaml", mse_gateway("gw", members=["c1"]), SHOP)
    shop = slice_of("shop", addresses=["10.0.0.1"])
    write(tmp_path, "clusters/c1/shop.yaml", service("shop"), shop)
    return tmp_path


@pytest.fixture
def offline(fleet: Path) -> Offline:
    return read_fleet(fleet, "127.0.0.1", 0, WITH_TOY)


def test_its_gateway_serves_its_ingress(offline: Offline) -> None:
    found = offline.resources["toy/hello"]
    assert list(found[TypeUrl.LISTENER]) == ["http-8088"]
    assert set(found[TypeUrl.SCOPED_ROUTE]) == {"toy|*", "toy|shop.test"}
    assert list(found[TypeUrl.CLUSTER]) == ["default/shop/80"]
    assert set(offline.resources["mse/gw"][TypeUrl.SCOPED_ROUTE]) == {"mse|*"}


def test_its_policy_reaches_envoys_route(offline: Offline) -> None:
    table = offline.resources["toy/hello"][TypeUrl.SCOPED_ROUTE]["toy|shop.test"]
    shown: Any = readable(TypeUrl.SCOPED_ROUTE, table.body)
    (host,) = shown["route_configuration"]["virtual_hosts"]
    shop, none = host["routes"]
    (added,) = shop["response_headers_to_add"]
    assert added["header"] == {"key": "x-greeting", "value": "hello"}
    assert "response_headers_to_add" not in none


def test_its_annotations_are_known_and_told(offline: Offline) -> None:
    (problem,) = (p for p in offline.problems if p.at == SHOP.ref())
    assert (problem.reason, problem.key) == ("UnknownAnnotation", "toy.example/greetin")
    assert problem.expected == "toy.example/greeting"


def test_a_field_that_its_kind_lacks_is_told(fleet: Path) -> None:
    misspelt = {**TOY, "spec": {"prot": 80}}
    write(fleet, "hub/gateway.yaml", misspelt)
    found = read_fleet(fleet, "127.0.0.1", 0, WITH_TOY)
    (problem,) = (p for p in found.problems if p.at == GATEWAY)
    assert (problem.reason, problem.key, problem.expected) == ("UnknownField", "spec.prot", "port")


def test_status_and_report_speak_its_words(fleet: Path) -> None:
    async def scenario() -> None:
        source = DirectorySource(fleet, WITH_TOY.kinds)
        control = ControlPlane(source, SnapshotCache(), ControlSettings(dialects=WITH_TOY))
        running = asyncio.create_task(control.run())
        await control.started.wait()
        try:
            shown = {
                each["name"]: each for each in report(FleetView(control), str, str)["gateways"]
            }
            assert shown["toy/hello"]["members"] == [{"clusterId": "c1"}]
            (written,) = (
                s
                for s in statuses(FleetView(control), control.dialects)["items"]
                if s["kind"] == "ToyGateway"
            )
            assert written["apiVersion"] == "toy.example/v1"
            assert written["status"] == {"state": "pending"}
        finally:
            running.cancel()

    asyncio.run(scenario())
