"""Builds the resources whose cost is compared, by fleetgate's own code."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from envoy_data_plane.envoy.config.listener import v3 as listener
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm

from fleet.ref import HUB, Ref
from translators.dialects.mse.gateway import MSE_TABLES
from translators.envoy.host_tables import route_table, virtual_host
from translators.envoy.listeners import build_listener
from translators.envoy.messages import RouteConfiguration
from translators.envoy.names import cluster_name
from translators.envoy.routes import encode_route
from translators.envoy.scoped_routes import SEARCH
from translators.model.actions import FixedResponse, Forward, Share
from translators.model.backends import Backend, ServicePort, Target
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings
from translators.model.host_plans import HostPlan
from translators.model.listeners import Entry, ListenerPort
from translators.model.paths import Path, PathKind
from translators.model.rules import Age, Rule
from xds.resource import Resource
from xds.wire import decode, encode, splice

OWN_TABLES: Final = "http-80"

_BACKEND: Final = Target((Backend("default", "web", ServicePort(80)),))
BACKEND: Final = cluster_name(_BACKEND)
"""The name of the Cluster that requests are forwarded to."""

_PORT: Final = 80
_VHOST_ROUTES: Final = 3  # VirtualHost.routes
_TABLE_VHOSTS: Final = 2  # RouteConfiguration.virtual_hosts
_NO_RULES: Final = HostPlan((), None, ())


def paths(count: int) -> list[str]:
    """Some paths, of which a hundred share a first element."""
    return [f"/p{n // 100}/item-{n}" for n in range(count)]


def rules(host: str, values: Iterable[str], *, forward: bool) -> list[Rule]:
    """A rule for each path, which forwards its requests or answers them directly."""
    action = Forward((Share(_BACKEND, 1),)) if forward else FixedResponse(200, "ok")
    at = Ref(HUB, "Ingress", "default", "web")
    age = Age(datetime(2026, 1, 1, tzinfo=UTC), "web.default")
    return [
        Rule(
            at,
            f"spec.rules[0].http.paths[{n}]",
            age,
            host,
            Path(PathKind.PREFIX, value),
            action,
            (MSE_TABLES,),
        )
        for n, value in enumerate(values)
    ]


def as_served(host: str, rules: Sequence[Rule]) -> Resource:
    """The host's table as fleetgate makes it, with a tree if there are many rules."""
    body = virtual_host(HostPlan((*rules,), None, ()), host, encode_route)
    return route_table(MSE_TABLES, host, body, ())


def as_list(host: str, rules: Sequence[Rule]) -> Resource:
    """The host's table with a list, however many rules there are."""
    end = virtual_host(_NO_RULES, host, encode_route)
    body = splice(b"", _VHOST_ROUTES, [encode_route(rule) for rule in rules]) + end
    return route_table(MSE_TABLES, host, body, ())


def own_tables() -> Resource:
    """fleetgate's listener, which finds the table of each host, on a free port."""
    entry = Entry(ListenerPort(_PORT), MSE_TABLES)
    return build_listener("mse/bench", entry, Bind("127.0.0.1", -_PORT), EdgeSettings())


def own_tables_alone(name: str) -> Resource:
    """fleetgate's listener without the filter that searches the tables of other hosts."""
    return _changed(name, _drop_searches)


def own_tables_without(name: str, filters: Collection[str]) -> Resource:
    """fleetgate's listener without some filters, on a free port."""
    return _changed(name, lambda manager: _drop(manager, filters))


def _drop_searches(manager: Any) -> None:  # noqa: ANN401 (the C runtime's message)
    _drop(manager, {SEARCH})


def _drop(manager: Any, names: Collection[str]) -> None:  # noqa: ANN401 (the C runtime's message)
    for place, each in reversed([*enumerate(manager.http_filters)]):
        if each.name in names:
            manager.http_filters.pop(place)


def one_table(name: str, hosts: Sequence[str], *, forward: bool) -> Resource:
    """fleetgate's listener with all hosts in one RouteConfiguration, and no search for tables."""

    def change(manager: Any) -> None:  # noqa: ANN401 (the C runtime's message)
        manager.ClearField("scoped_routes")
        manager.ClearField("early_header_mutation_extensions")
        _drop_searches(manager)
        manager.route_config.MergeFromString(_one_configuration(hosts, forward=forward))

    return _changed(name, change)


def _changed(name: str, change: Callable[[Any], object]) -> Resource:  # the C runtime's message
    """fleetgate's listener with another HttpConnectionManager, under another name."""
    made = cast("Any", decode(listener.Listener, own_tables().body))  # the C runtime's message
    made.name = name
    config = made.filter_chains[0].filters[0].typed_config
    manager = decode(hcm.HttpConnectionManager, config.value)
    change(manager)
    config.value = encode(manager)
    return Resource.of(name, encode(made))


def _one_configuration(hosts: Sequence[str], *, forward: bool) -> bytes:
    bodies = []
    for host in hosts:
        plan = HostPlan((*rules(host, ["/"], forward=forward),), None, ())
        made = cast("Any", decode(route.VirtualHost, virtual_host(plan, host, encode_route)))
        made.domains[:] = [host]
        made.ClearField("request_headers_to_remove")
        bodies.append(encode(made))
    return splice(encode(RouteConfiguration(name="one")), _TABLE_VHOSTS, bodies)
