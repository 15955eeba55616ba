"""Rates: what a client sees once it, or all clients together, ask too often.

A token comes back in a minute at the earliest, which is longer than a test takes.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, annotated
from tests.e2e.standing import Standing, standing
from tests.translators.plans import MSE, NGINX
from translators.dialects.edge_settings import TRUSTED_PROXIES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    trusting = {TRUSTED_PROXIES: "127.0.0.0/8"}
    with standing(annotated(tmp_path_factory.mktemp("rates"), trusting)) as site:
        yield site


def statuses(
    site: Standing[Annotated],
    feature: Feature,
    way: str,
    clients: list[str],
    *,
    canary: bool = False,
) -> list[int]:
    return [
        site.run(
            feature.ask(way, f"/{feature.name}", headers={"x-forwarded-for": client}, canary=canary)
        ).answer.status
        for client in clients
    ]


ONE, OTHER, SIX = "10.1.2.3", "10.1.2.4", "2001:db8::1"

PER_MINUTE = {f"{NGINX}limit-rpm": "1", f"{NGINX}limit-burst-multiplier": "2"}
"""Two requests at once, and one more in each minute."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
def test_each_client_has_its_own_rate(site: Standing[Annotated], way: str, canary: bool) -> None:
    feature = site.run(site.value.declare(f"each-{way}-{canary}".lower(), PER_MINUTE, canary={}))
    clients = [ONE, ONE, ONE, OTHER, OTHER, OTHER, SIX, ONE]
    assert statuses(site, feature, way, clients, canary=canary) == [
        *(200, 200, 503, 200, 200, 503, 200, 503)
    ]


@pytest.mark.parametrize("way", WAYS)
def test_more_clients_than_envoys_default_do_not_reset_a_rate(
    site: Standing[Annotated], way: str
) -> None:
    feature = site.run(site.value.declare(f"many-{way}", PER_MINUTE, canary={}))
    many = [f"10.9.0.{number}" for number in range(40)]
    assert statuses(site, feature, way, [ONE, ONE, ONE, *many, ONE]) == [
        *(200, 200, 503),
        *[200] * 40,
        503,
    ]


def test_a_client_that_is_exempt_is_not_counted(site: Standing[Annotated]) -> None:
    exempt = {
        **PER_MINUTE,
        f"{NGINX}limit-whitelist": "10.1.2.3, 2001:db8::/32",
        f"{NGINX}limit-req-status-code": "429",
    }
    feature = site.run(site.value.declare("exempt", exempt, canary={}))
    assert statuses(site, feature, "exact", [ONE] * 4 + [SIX] * 4) == [200] * 8
    assert statuses(site, feature, "exact", [OTHER] * 3) == [200, 200, 429]


@pytest.mark.parametrize("way", WAYS)
def test_all_clients_of_a_route_have_one_rate(site: Standing[Annotated], way: str) -> None:
    rate = {f"{MSE}route-limit-rpm": "1", f"{MSE}route-limit-burst-multiplier": "2"}
    feature = site.run(site.value.declare(f"all-{way}", rate, canary={}))
    assert statuses(site, feature, way, [ONE, OTHER, SIX]) == [200, 200, 429]


def test_a_request_beyond_a_clients_rate_costs_the_others_nothing(
    site: Standing[Annotated],
) -> None:
    rates = {
        **PER_MINUTE,
        f"{MSE}route-limit-rpm": "1",
        f"{MSE}route-limit-burst-multiplier": "3",
    }
    feature = site.run(site.value.declare("together", rates, canary={}))
    assert statuses(site, feature, "exact", [ONE] * 5 + [OTHER, OTHER]) == [
        *(200, 200, 503, 503, 503),
        *(200, 429),
    ]
