"""The filters that a route configures run in every way to find its table; others do nothing.

A filter that is disabled at the listener would not run for tables that are found by a search.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.filters.http.composite import v3 as composite
from envoy_data_plane.envoy.type import v3 as envoy_type

from fleetgate.demo.http import Address, Answer, Question
from tests.e2e.rig import ask_once
from tests.e2e.standing import Standing, standing
from tests.e2e.tables import serving
from tests.translators.rules import rule
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.mse.ingress import mse_path
from translators.envoy.filters import ACCESS, RATE_LIMIT
from translators.envoy.header_edits import put
from translators.envoy.host_tables import route_table, virtual_host
from translators.envoy.matching import do
from translators.envoy.messages import (
    HeaderMutation,
    HeaderMutationMutations,
    LocalRateLimit,
    XdsMatcher,
)
from translators.envoy.parts import HostParts, RouteParts
from translators.envoy.routes import encode_route
from translators.merge.hosts import plan_host
from translators.model.actions import FixedResponse
from translators.model.ingresses import IngressRules
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy, host_parts, route_parts
from xds.resource import Resource
from xds.wire import twin

HOSTS = {
    "exact.test": "exact.test",
    "capitals.test": "CAPITALS.test",
    "*.wild.test": "a.wild.test",
    "": "nobody.test",
}
"""Hosts with policies, and how requests are sent to them."""

PLAIN = "plain.test"

CompositePerRoute = twin(composite.CompositePerRoute)
FractionalPercent = twin(envoy_type.FractionalPercent)
RuntimeFractionalPercent = twin(core.RuntimeFractionalPercent)
TokenBucket = twin(envoy_type.TokenBucket)


@dataclass(frozen=True, slots=True)
class Once(EnvoyPolicy):
    """Allows one request an hour."""

    scope: ClassVar[Scope] = Scope.ROUTE

    def route(self, parts: RouteParts) -> None:
        always = RuntimeFractionalPercent(default_value=FractionalPercent(numerator=100))
        limit = LocalRateLimit(
            stat_prefix="once",
            token_bucket=TokenBucket(max_tokens=1, fill_interval=timedelta(hours=1)),
            filter_enabled=always,
            filter_enforced=always,
        )
        parts.configure(RATE_LIMIT, limit)


@dataclass(frozen=True, slots=True)
class Inside(EnvoyPolicy):
    """Runs a filter inside of the Composite that marks the answers of the host."""

    scope: ClassVar[Scope] = Scope.HOST

    def host(self, parts: HostParts) -> None:
        mark = HeaderMutation(
            mutations=HeaderMutationMutations(response_mutations=[put("x-inside", "yes")])
        )
        ran = do(("envoy.filters.http.header_mutation", mark))
        parts.configure(ACCESS, CompositePerRoute(matcher=XdsMatcher(on_no_match=ran)))


def table(host: str, *, asked: bool) -> Resource:
    """Make the table of a host with or without the policies. One path allows a request an hour."""
    once = replace(
        rule(mse_path("Prefix", "/once"), host=host), policies=(Once(),) if asked else ()
    )
    rules = [replace(once, action=FixedResponse(200)), rule(mse_path("Prefix", "/"), host=host)]
    plan = plan_host([IngressRules(tuple(rules))], host, MSE_TABLES)
    plan = replace(plan, policies=(Inside(),) if asked else ())
    body = virtual_host(
        plan,
        host,
        lambda each: encode_route(each, route_parts(each.policies)),
        host_parts(plan.policies, host),
    )
    return route_table(MSE_TABLES, host, body, ())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Address]]:
    tables = [*(table(host, asked=True) for host in HOSTS), table(PLAIN, asked=False)]
    with standing(serving(tables, tmp_path_factory.mktemp("envoy"))) as gateway:
        yield gateway


def ask(gateway: Standing[Address], host: str, path: str) -> Answer:
    return gateway.run(ask_once(gateway.value, Question(path, host)))


@pytest.mark.parametrize("host", HOSTS.values(), ids=[host or "no-host" for host in HOSTS])
def test_a_filter_of_a_route_runs(gateway: Standing[Address], host: str) -> None:
    assert [ask(gateway, host, "/once").status for _ in range(3)] == [200, 429, 429]
    assert ask(gateway, host, "/").status == 200


@pytest.mark.parametrize("host", HOSTS.values(), ids=[host or "no-host" for host in HOSTS])
def test_a_filter_inside_the_composite_of_a_host_runs(
    gateway: Standing[Address], host: str
) -> None:
    assert ask(gateway, host, "/").headers.get("x-inside") == "yes"


def test_without_policies_the_filters_do_nothing(gateway: Standing[Address]) -> None:
    answers = [ask(gateway, PLAIN, "/once") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert "x-inside" not in answers[0].headers
