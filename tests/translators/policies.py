"""What the policies of a rule add to its Route, as Envoy's own tools show it."""

from typing import Any

from translators.envoy.routes import encode_route
from translators.model.rules import Rule
from translators.policies.policy import route_parts
from xds.readable import readable

_ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"


def route_of(rule: Rule) -> Any:  # noqa: ANN401 (JSON)
    """Return the Route of a rule with all of its policies."""
    return readable(_ROUTE, encode_route(rule, route_parts(rule.policies)))


def filters_of(rule: Rule) -> Any:  # noqa: ANN401 (JSON)
    """Return the configurations of HTTP filters in the Route of a rule, by filter."""
    return route_of(rule).get("typed_per_filter_config", {})
