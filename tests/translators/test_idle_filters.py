"""A request of a host without policies passes few filters, and other hosts switch on theirs."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.support.annotations import examples
from tests.support.builders import ingress, mse_gateway, service
from tests.support.secrets import secrets
from tests.support.translation import World
from translators.dialects.annotations.feature import Feature
from translators.dialects.mse.features import FEATURES
from translators.envoy.filters import ACCESS, CLIENTS, CORS, GROUP, GROUPED, http_filters
from translators.envoy.forwarded import Peer
from translators.envoy.messages import HttpRbac
from translators.envoy.scoped_routes import SEARCH
from xds.readable import readable
from xds.resource import TypeUrl

HOST: Final = "web.test"

AHEAD: Final = frozenset(
    {"fleetgate.loop", "fleetgate.repair", CORS, ACCESS, "fleetgate.idempotent_retry"}
)
"""The filters that every request passes, beside the router."""

_FIELD: Final = "typed_per_filter_config"


def _table(annotations: Mapping[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Return the table of a host whose Ingress has annotations. A canary has a plain one beside."""
    world = World()
    world.attach("one")
    world.put(service("web").manifest, origin="one")
    world.put(mse_gateway("gw", members=["one"]).manifest, *(s.manifest for s in secrets()))
    plain = ingress("web", host=HOST).path("/a.b", to="web:80").of_class("mse")
    if any(key.endswith("/canary") for key in annotations):
        world.put(plain.manifest)
        plain = ingress("canary", host=HOST).path("/a.b", to="web:80").of_class("mse")
    world.put(plain.annotate(annotations).manifest)
    made = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, f"mse|{HOST}"]
    return readable(TypeUrl.SCOPED_ROUTE, made.body)["route_configuration"]


def _disabled(table: Any) -> set[str]:  # noqa: ANN401 (JSON)
    return {name for name, config in table[_FIELD].items() if config.get("disabled")}


def _configured(value: Any) -> set[str]:  # noqa: ANN401 (JSON)
    """Return the filters that a part of a table configures, at any depth."""
    if isinstance(value, list):
        return {name for each in value for name in _configured(each)}
    if not isinstance(value, dict):
        return set()
    inside = {name for each in value.values() for name in _configured(each)}
    return {*value.get(_FIELD, {}), *inside}


def test_a_request_of_a_plain_host_passes_few_filters() -> None:
    listed = {name for name, _ in http_filters("mse/gw", Peer.ANYBODY)}
    assert listed - _disabled(_table({})) == {*AHEAD, "envoy.filters.http.router"}


def test_a_group_has_each_grouped_filter_once() -> None:
    groups = [config for name, config in http_filters("mse/gw", Peer.ANYBODY) if name == GROUP]
    listed = [each.name for group in groups for each in group.default_filter_chain.filters]
    assert sorted(listed) == sorted(GROUPED)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda each: each.name)
def test_groups_are_on_exactly_where_a_feature_configures_a_grouped_filter(
    feature: Feature,
) -> None:
    table = _table(examples(feature))
    configured = _configured(table["virtual_hosts"])
    assert configured <= AHEAD | GROUPED
    assert (GROUP in _disabled(table)) == configured.isdisjoint(GROUPED)
    assert SEARCH in _disabled(table)


def test_the_filter_of_a_chain_stands_in_no_group_that_a_table_can_switch_off() -> None:
    refuse = HttpRbac()
    listed = [*http_filters("mse/gw", Peer.ANYBODY, of_chain={CLIENTS: refuse})]
    groups = [config for name, config in listed if name == GROUP]
    grouped = {each.name for group in groups for each in group.default_filter_chain.filters}
    assert dict(listed)[CLIENTS] is refuse
    assert grouped == GROUPED - {CLIENTS}
