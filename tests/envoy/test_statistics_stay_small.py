"""A Cluster has two lines in /stats/prometheus at most. With Envoy's defaults it has about 190."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fleetgate.bootstrap import BootstrapSettings
from tests.envoy.joined import joined

FEW, MANY = 3, 40

COUNTS_OF_A_CLUSTER = {
    'envoy_cluster_upstream_rq_total{envoy_cluster_name="shop/service-0/80"} 2',
    'envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",'
    'envoy_cluster_name="shop/service-0/80"} 1',
}
GATEWAY_COUNTS = {
    "envoy_cluster_manager_cds_update_rejected",
    "envoy_cluster_manager_cds_update_success",
    "envoy_control_plane_connected_state",
    "envoy_http_downstream_rq_xx",
    "envoy_listener_downstream_cx_total",
    "envoy_listener_manager_lds_update_rejected",
    "envoy_listener_manager_lds_update_success",
    "envoy_overload_envoy_resource_monitors_fixed_heap_pressure",
    "envoy_server_live",
}


def _under_traffic(directory: Path, clusters: int, settings: BootstrapSettings) -> Sequence[str]:
    """Return the lines after every Cluster has given a good and a bad answer."""
    names = [f"shop/service-{n}/80" for n in range(clusters)]

    async def measure() -> Sequence[str]:
        async with joined(names, settings, directory) as gateway:
            for n in range(clusters):
                assert await gateway.ask(f"/{n}/") == 200
                assert await gateway.ask(f"/{n}/fail") == 500
            return await gateway.series()

    return asyncio.run(measure())


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    return _under_traffic(tmp_path_factory.mktemp("few"), FEW, BootstrapSettings())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    return _under_traffic(tmp_path_factory.mktemp("many"), MANY, BootstrapSettings())


def _names(series: Sequence[str]) -> Iterator[str]:
    return (line.partition("{")[0] for line in series)


def test_a_cluster_under_traffic_is_two_lines(few: Sequence[str], many: Sequence[str]) -> None:
    assert len(many) - len(few) <= 2 * (MANY - FEW)


def test_the_two_lines_count_requests_and_server_errors(few: Sequence[str]) -> None:
    assert {line for line in few if "shop/service-0/80" in line} == COUNTS_OF_A_CLUSTER


@pytest.mark.parametrize("name", sorted(GATEWAY_COUNTS))
def test_a_gateway_still_shows(few: Sequence[str], name: str) -> None:
    assert name in set(_names(few))


def test_a_setting_opens_the_full_set(tmp_path: Path) -> None:
    full = _under_traffic(tmp_path, 1, BootstrapSettings(full_statistics=True))

    assert len([line for line in full if "shop/service-0/80" in line]) > 100
