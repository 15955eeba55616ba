"""PROXY headers are read from all connections, but accepted from trusted proxies only.

Envoy's listener filter for PROXY headers cannot be limited to some addresses. So the real address
of a connection is stored before this filter runs. If the address has changed afterwards and the
peer is not trusted, a network filter closes the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from translators.envoy.messages import (
    CelCall,
    CelConstant,
    CelExpression,
    CelExpressionConfig,
    CelIdent,
    CelSelect,
    DataSource,
    Filter,
    FilterStateValue,
    ListenerFilter,
    NetworkRbac,
    Permission,
    Policy,
    Principal,
    ProxyProtocol,
    Rbac,
    SetFilterState,
    SubstitutionFormatString,
)
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.google.api.expr import v1alpha1 as cel

_CAME_FROM: Final = "fleetgate.came_from"
"""The filter state that stores the real address and port of a connection's peer."""


def read_headers() -> list[listener.ListenerFilter]:
    """Return the listener filters: one stores the real address, the next reads the header."""
    came_from = FilterStateValue(
        object_key=_CAME_FROM,
        factory_key="envoy.string",
        format_string=SubstitutionFormatString(
            text_format_source=DataSource(inline_string="%DOWNSTREAM_REMOTE_ADDRESS%")
        ),
    )
    return [
        _listener_filter("set_filter_state", SetFilterState(on_accept=[came_from])),
        _listener_filter(
            "proxy_protocol", ProxyProtocol(allow_requests_without_proxy_protocol=True)
        ),
    ]


def refuse_named() -> listener.Filter:
    """Return the network filter that closes a connection if its address has changed."""
    policy = Policy(
        permissions=[Permission(any=True)],
        principals=[Principal(any=True)],
        condition=_comes_from_where_it_came_from(),
        cel_config=CelExpressionConfig(enable_string_conversion=True),
    )
    config = NetworkRbac(stat_prefix="proxy_header", rules=Rbac(policies={"itself": policy}))
    return Filter(name="envoy.filters.network.rbac", typed_config=pack(config))


def _comes_from_where_it_came_from() -> cel.Expr:
    """Return the tree that CEL's parser makes of the comparison of both addresses.

    The expression is `source.address == string(filter_state["fleetgate.came_from"])`.
    """
    source = CelExpression(id=1, ident_expr=CelIdent(name="source"))
    address = CelExpression(id=2, select_expr=CelSelect(operand=source, field="address"))
    states = CelExpression(id=3, ident_expr=CelIdent(name="filter_state"))
    key = CelExpression(id=4, const_expr=CelConstant(string_value=_CAME_FROM))
    return _call(7, "_==_", address, _call(6, "string", _call(5, "_[_]", states, key)))


def _call(number: int, function: str, *args: cel.Expr) -> cel.Expr:
    return CelExpression(id=number, call_expr=CelCall(function=function, args=[*args]))


def _listener_filter(name: str, config: Any) -> listener.ListenerFilter:  # noqa: ANN401 (of any)
    return ListenerFilter(name=f"envoy.filters.listener.{name}", typed_config=pack(config))
