"""A host with access rules refuses paths that a backend may read in another way than the rules."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from fleetgate.demo.http import Address, Question
from tests.e2e.rig import ask_once
from tests.e2e.standing import Standing, standing
from tests.e2e.tables import serving
from tests.translators.rules import filled, rule
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.mse.ingress import mse_path
from translators.envoy.host_tables import route_table, virtual_host
from translators.envoy.routes import encode_route
from translators.merge.hosts import plan_host
from translators.model.actions import FixedResponse
from translators.model.ingresses import IngressRules
from translators.model.rules import Rule
from xds.resource import Resource

HOSTS = {
    "list.test": "list.test:81",
    "tree.test": "TREE.test",
    "*.wild.test": "a.wild.test",
    "*.tree-wild.test": "A.tree-wild.test:81",
    "": "nobody.test",
}
"""Hosts with a restricted rule, and how requests are sent to them."""

OPEN = "open.test"


def rules(host: str, *, restricted: bool) -> Iterator[Rule]:
    """Make rules. A closed path is answered with 403, as a filter that checks clients would do."""
    for path in ("/admin", "/é"):
        closed = rule(mse_path("Prefix", path), host=host)
        yield replace(closed, action=FixedResponse(403), restricted=restricted)
    yield replace(rule(mse_path("Prefix", "/"), host=host), action=FixedResponse(200))


def table(host: str, *, restricted: bool) -> Resource:
    own = [*rules(host, restricted=restricted)]
    if "tree" in host:
        own = [replace(each, host=host) for each in filled(own)]
    plan = plan_host([IngressRules(tuple(own))], host, MSE_TABLES)
    return route_table(MSE_TABLES, host, virtual_host(plan, host, encode_route), ())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Address]]:
    tables = [*(table(host, restricted=True) for host in HOSTS), table(OPEN, restricted=False)]
    with standing(serving(tables, tmp_path_factory.mktemp("envoy"))) as gateway:
        yield gateway


AMBIGUOUS = [
    "/x/..%2Fadmin",
    "/x/..%2fadmin",
    "/x/%2e%2e%2Fadmin",
    "/x%5Cadmin",
    "/x%5cadmin",
    "//admin",
    "/x//admin",
    "/x//../admin//",
    "/%2Fadmin",
    "/admin%2F..",
    "/x%2F?y",
]
CLOSED = [
    "/admin",
    "/admin/x?y=//",
    "/x/../admin",
    "/x/%2e%2E/admin",
    "/x/.%2e/admin",
    "/%61dmin",
    "/x\\..\\admin",
    "/%C3%A9",
    "/%c3%a9/x",
    "/%C3%a9",
]
SERVED = ["/x", "/x?y=//", "/x?y=%2F", "/x?y=%5c%2f", "/x%252Fadmin", "/adminx"]


@pytest.mark.parametrize("host", HOSTS.values(), ids=[host or "no-host" for host in HOSTS])
@pytest.mark.parametrize(
    ("paths", "status"),
    [
        pytest.param(AMBIGUOUS, 400, id="ambiguous"),
        pytest.param(CLOSED, 403, id="closed"),
        pytest.param(SERVED, 200, id="served"),
    ],
)
def test_a_request_is_answered(
    gateway: Standing[Address], host: str, paths: Sequence[str], status: int
) -> None:
    assert answers(gateway, host, paths) == dict.fromkeys(paths, status)


def test_a_host_without_access_rules_serves_every_path(gateway: Standing[Address]) -> None:
    paths = [*AMBIGUOUS, *SERVED]
    assert answers(gateway, OPEN, paths) == dict.fromkeys(paths, 200)


def answers(gateway: Standing[Address], host: str, paths: Sequence[str]) -> dict[str, int]:
    async def asking() -> dict[str, int]:
        return {
            path: (await ask_once(gateway.value, Question(path, host))).status for path in paths
        }

    return gateway.run(asking())
