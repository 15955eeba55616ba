"""The metrics of a running control plane, as Prometheus reads them over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from envoy_data_plane.google.rpc import Status
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from fleet.events import Configured, Members
from fleet.member_settings import Addressing, MemberSettings
from fleet.ref import HUB
from fleet.sources.memory import MemorySource
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.core.own_envoys import NoEnvoys
from fleetgate.http.admin import Admin
from fleetgate.http.metrics import FAMILIES, OTHER, Family, MetricType
from tests.support.builders import ingress, mse_gateway, service, slice_of
from translators.dialects import DIALECTS
from xds.cache import SnapshotCache
from xds.resource import TypeUrl
from xds.stream import Stream
from xds.variants import DELTA

PATIENCE = 20.0
SHOP = ingress("shop", host="example.com").path("/", to="cart:80").of_class("mse")
LONELY = ingress("lonely", host="lonely.example").path("/", to="cart:80").of_class("nobody")
BAD = ingress("bad", host="bad_.example").path("/", to="cart:80").of_class("mse")


@dataclass(frozen=True)
class Scrape:
    """The series of one answer."""

    types: Mapping[str, str]
    series: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]

    def value(self, name: str, **labels: str) -> float:
        return self.series[f"fleetgate_{name}", tuple(sorted(labels.items()))]

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """The series of a metric by the values of their labels, in the order of their names."""
        full = f"fleetgate_{name}"
        found = {key: value for key, value in self.series.items() if key[0] == full}
        return {tuple(v for _, v in labels): value for (_, labels), value in found.items()}


class Envoy:
    """A client's delta stream, which holds what it accepts nowhere."""

    def __init__(self, cache: SnapshotCache, node: str, gateway: str) -> None:
        self._node: core.Node | None = core.Node(id=node, cluster=gateway)
        self._stream = Stream(cache, DELTA, group_of=lambda node: node.cluster, wake=lambda: None)

    def ask(self, type_url: str) -> None:
        """Subscribe to all of a type."""
        node, self._node = self._node, None
        self._send(discovery.DeltaDiscoveryRequest(node=node, type_url=type_url))

    def take(self, error: str = "") -> None:
        """Receive a response, and accept or reject it."""
        data = self._stream.next_message(0.0)
        assert data
        response = discovery.DeltaDiscoveryResponse.parse(data)
        self._send(
            discovery.DeltaDiscoveryRequest(
                type_url=response.type_url,
                response_nonce=response.nonce,
                error_detail=Status(code=3, message=error) if error else None,
            )
        )

    def close(self) -> None:
        self._stream.close()

    def _send(self, request: discovery.DeltaDiscoveryRequest) -> None:
        self._stream.receive(bytes(request))


class Fleet:
    """A control plane with its admin HTTP, and clients on its cache."""

    def __init__(self) -> None:
        self.source = MemorySource(DIALECTS.kinds)
        self.control = ControlPlane(self.source, SnapshotCache(), ControlSettings())
        self.admin = Admin(self.control, lambda _: "", NoEnvoys())
        self.port = 0

    async def get(self, accept: str = "text/plain") -> aiohttp.ClientResponse:
        url = f"http://127.0.0.1:{self.port}/metrics"
        async with aiohttp.ClientSession() as session:
            answer = await session.get(url, headers={"Accept": accept})
            await answer.read()
            return answer

    async def scrape(self) -> Scrape:
        answer = await self.get()
        assert answer.status == 200
        families = list(parser.text_string_to_metric_families(await answer.text()))
        return Scrape(
            {family.name: family.type for family in families},
            {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in families
                for sample in family.samples
            },
        )

    def connect(self, node: str = "envoy-1", *, gateway: str = "mse/gw") -> Envoy:
        return Envoy(self.control.cache, node, gateway)


@asynccontextmanager
async def running(fleet: Fleet) -> AsyncIterator[None]:
    fleet.port = await fleet.admin.start("127.0.0.1", 0)
    task = asyncio.create_task(fleet.control.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await fleet.control.started.wait()
            await fleet.control.settle()
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await fleet.admin.stop()


def play(script: Callable[[Fleet], Awaitable[None]]) -> None:
    """Run a fleet of a gateway, two members and three Ingresses."""

    async def run() -> None:
        fleet = Fleet()
        fleet.source.put(mse_gateway(members=["one", "two"]).manifest)
        fleet.source.put(SHOP.manifest, LONELY.manifest, BAD.manifest)
        for member in ("one", "two"):
            fleet.source.attach(member)
            fleet.source.put(service("cart").manifest, origin=member)
            fleet.source.put(slice_of("cart", addresses=["10.0.0.1"]).manifest, origin=member)
        async with running(fleet):
            await script(fleet)

    asyncio.run(run())


def test_every_metric_is_there_as_it_is_documented() -> None:
    async def script(fleet: Fleet) -> None:
        client = fleet.connect()
        client.ask(TypeUrl.CLUSTER)
        client.take(error="no such field")
        fleet.admin.metrics.expires = lambda: datetime(2026, 1, 31, tzinfo=UTC)
        fleet.admin.metrics.loads = lambda: {HUB: 7, "one": 2}
        fleet.source.lose("one", "the cable is cut")
        await fleet.control.settle()

        found = await fleet.scrape()

        # The library tells of a histogram when it was made. For the parser, the end of a counter's
        # name belongs to its samples.
        ours = {
            name: kind
            for name, kind in found.types.items()
            if name.startswith("fleetgate_") and not name.endswith("_created")
        }
        assert ours == {f.name.removesuffix("_total"): f.type.value for f in FAMILIES}
        for family in FAMILIES:
            series = [labels for name, labels in found.series if name in _samples(family)]
            assert series, f"{family.name} has no series after all that"
            labels = {tuple(sorted({name for name, _ in pairs} - {"le"})) for pairs in series}
            assert labels == {tuple(sorted(family.labels))}

    play(script)


def _samples(family: Family) -> set[str]:
    if family.type is MetricType.HISTOGRAM:
        return {family.name + end for end in ("_bucket", "_sum", "_count")}
    return {family.name}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_prometheus_conventions(family: Family) -> None:
    assert re.fullmatch(r"fleetgate_[a-z]+(_[a-z]+)*", family.name)
    assert family.name.endswith("_total") == (family.type is MetricType.COUNTER)


def test_objects_are_counted_by_kind_and_member() -> None:
    async def script(fleet: Fleet) -> None:
        assert (await fleet.scrape()).of("objects") == {
            ("Ingress", ""): 3,
            ("MseIngressConfig", ""): 1,
            ("Service", "one"): 1,
            ("Service", "two"): 1,
            ("EndpointSlice", "one"): 1,
            ("EndpointSlice", "two"): 1,
        }

    play(script)


def test_members_are_reachable_or_lost_since_some_time() -> None:
    async def script(fleet: Fleet) -> None:
        found = await fleet.scrape()
        assert found.value("hub_reachable") == 1
        assert found.of("member_reachable") == {("one",): 1, ("two",): 1}
        assert found.of("unreachable_since_timestamp_seconds") == {}

        before = datetime.now(UTC).timestamp()
        fleet.source.lose("one", "the cable is cut")
        await fleet.control.settle()
        after = datetime.now(UTC).timestamp()
        found = await fleet.scrape()
        assert found.of("member_reachable") == {("one",): 0, ("two",): 1}
        ((members, since),) = found.of("unreachable_since_timestamp_seconds").items()
        assert members == ("one",)
        assert before <= since <= after

        fleet.source.lose(HUB, "the cable is cut")
        await fleet.control.settle()
        found = await fleet.scrape()
        assert found.value("hub_reachable") == 0
        assert set(found.of("unreachable_since_timestamp_seconds")) == {("",), ("one",)}

    play(script)


def test_settings_of_members_are_labels() -> None:
    async def script(fleet: Fleet) -> None:
        settings = MemberSettings(addressing=Addressing.NODE_PORTS, region="eu", zone="eu-a")
        fleet.control.state.apply([Configured("one", settings)])
        found = await fleet.scrape()
        labels = {"addressing": "nodePorts", "region": "eu", "zone": "eu-a"}
        assert found.value("member_info", member="one", **labels) == 1
        labels = {"addressing": "pods", "region": "", "zone": ""}
        assert found.value("member_info", member="two", **labels) == 1

    play(script)


def test_a_member_that_is_not_read_yet_is_not_reachable() -> None:
    async def script(fleet: Fleet) -> None:
        fleet.control.state.apply([Members(frozenset({"one", "two", "three"}))])
        reachable = (await fleet.scrape()).of("member_reachable")
        assert reachable == {("one",): 1, ("two",): 1, ("three",): 0}

    play(script)


def test_gateways_ingresses_and_problems_are_counted() -> None:
    async def script(fleet: Fleet) -> None:
        found = await fleet.scrape()
        assert (found.value("ready"), found.value("leader")) == (1, 1)
        phases = {("Pending",): 0, ("Running",): 0, ("Listening",): 0, ("Failed",): 0}
        assert found.of("gateways") == {**phases, ("Pending",): 1}
        assert found.of("ingresses") == {("yes",): 2, ("no",): 1}
        assert found.of("problems") == {("InvalidHost",): 1}
        fleet.source.remove(BAD.ref())
        fleet.admin.metrics.leads = lambda: False
        await fleet.control.settle()
        found = await fleet.scrape()
        assert found.of("problems") == {}
        assert found.value("leader") == 0

    play(script)


def test_the_end_of_the_certificate_is_told() -> None:
    async def script(fleet: Fleet) -> None:
        assert (await fleet.scrape()).of("xds_certificate_expiry_timestamp_seconds") == {}
        fleet.admin.metrics.expires = lambda: datetime(2026, 1, 31, tzinfo=UTC)
        found = await fleet.scrape()
        assert found.value("xds_certificate_expiry_timestamp_seconds") == 1769817600

    play(script)


def test_turns_events_and_changed_resources_are_counted() -> None:
    async def script(fleet: Fleet) -> None:
        before = await fleet.scrape()
        fleet.source.put(
            slice_of("cart", addresses=["10.0.0.2"], suffix="2").manifest, origin="one"
        )
        await fleet.control.settle()
        after = await fleet.scrape()

        def grown(name: str, **labels: str) -> float:
            return after.value(name, **labels) - before.value(name, **labels)

        assert grown("events_total") == 1
        assert grown("turn_duration_seconds_count") >= 1
        assert grown("turn_duration_seconds_sum") > 0
        assert grown("resource_changes_total", type="EDS") == 1
        assert grown("resource_changes_total", type="CDS") == 0
        assert after.value("resources", gateway="mse/gw", type="EDS") == 1

    play(script)


def test_streams_and_what_they_have_taken_are_counted() -> None:
    async def script(fleet: Fleet) -> None:
        first, second = fleet.connect("a"), fleet.connect("b")
        first.ask(TypeUrl.CLUSTER)
        second.ask(TypeUrl.CLUSTER)
        found = await fleet.scrape()
        cds = {"gateway": "mse/gw", "type": "CDS"}
        assert found.of("xds_streams") == {("mse/gw", "delta"): 2}
        assert found.value("xds_unacknowledged_resources", **cds) == 2
        for client in (first, second):
            client.take()
        found = await fleet.scrape()
        assert found.value("xds_unacknowledged_resources", **cds) == 0
        assert found.value("xds_responses_total", type="CDS") == 2
        assert found.value("xds_response_resources_total", type="CDS") == 2
        assert found.value("xds_response_bytes_total", type="CDS") > 100
        assert found.value("xds_acks_total", type="CDS") == 2
        assert found.value("xds_nacks_total", type="CDS") == 0
        second.close()
        assert (await fleet.scrape()).of("xds_streams") == {("mse/gw", "delta"): 1}

    play(script)


def test_rejections_are_counted() -> None:
    async def script(fleet: Fleet) -> None:
        client = fleet.connect()
        client.ask(TypeUrl.CLUSTER)
        client.take(error="no such field")
        found = await fleet.scrape()
        assert found.value("xds_nacks_total", type="CDS") == 1
        assert found.value("xds_acks_total", type="CDS") == 0
        assert found.value("xds_rejected_resources", gateway="mse/gw", type="CDS") == 1

    play(script)


def test_what_clients_name_makes_no_series_of_its_own() -> None:
    async def script(fleet: Fleet) -> None:
        for number in range(3):
            stranger = fleet.connect(f"envoy-{number}", gateway=f"mse/unknown-{number}")
            stranger.ask(TypeUrl.CLUSTER)
            client = fleet.connect(f"envoy-{number}", gateway="mse/gw")
            client.ask(f"type.googleapis.com/unknown.Type{number}")
            client.take()
        found = await fleet.scrape()
        assert found.of("xds_streams") == {("mse/gw", "delta"): 3, (OTHER, "delta"): 3}
        assert found.value("xds_responses_total", type=OTHER) == 3
        shown = " ".join(value for _, pairs in found.series for _, value in pairs)
        assert "unknown" not in shown

    play(script)


def test_the_number_of_series_does_not_depend_on_the_number_of_hosts() -> None:
    async def script(fleet: Fleet) -> None:
        before = await fleet.scrape()
        for number in range(50):
            name = f"more-{number}"
            more = ingress(name, host=f"{name}.example").path("/", to=f"{name}:80").of_class("mse")
            fleet.source.put(more.manifest)
            fleet.source.put(service(name).manifest, origin="one")
            pods = slice_of(name, addresses=[f"10.1.0.{number}"])
            fleet.source.put(pods.manifest, origin="one")
        await fleet.control.settle()
        after = await fleet.scrape()
        assert after.value("objects", kind="Ingress", member="") == 53
        assert after.series.keys() == before.series.keys()

    play(script)


def test_the_process_itself_is_measured_too() -> None:
    async def script(fleet: Fleet) -> None:
        found = await fleet.scrape()
        names = {name for name, _ in found.series}
        assert {"process_resident_memory_bytes", "python_gc_collections_total"} <= names
        ((labels, value),) = found.of("build_info").items()
        assert (value, len(labels)) == (1, 2)

    play(script)


def test_two_control_planes_of_one_process_do_not_meet() -> None:
    async def script(fleet: Fleet) -> None:
        other = Fleet()
        async with running(other):
            assert (await other.scrape()).of("objects") == {}
            assert (await fleet.scrape()).of("objects") != {}

    play(script)


def test_who_asks_for_openmetrics_gets_it() -> None:
    async def script(fleet: Fleet) -> None:
        answer = await fleet.get("application/openmetrics-text; version=1.0.0")
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = await answer.text()
        families = list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
        assert "fleetgate_objects" in {family.name for family in families}

    play(script)
