"""Rules of Ingresses of the ALB dialect, and the Routes that Envoy gets of them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.builders import IngressBuilder, ingress
from tests.translators.policies import route_of
from translators.dialects.alb.ingress import read_alb_ingress
from translators.envoy.names import tables_of
from translators.merge.hosts import plan_host
from translators.model.host_plans import HostPlan
from translators.model.ingresses import IngressRules
from translators.model.listeners import ListenerPort

ALB = "alb.ingress.kubernetes.io/"

WEB = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
"""An Ingress with one path, for the Service `web`."""

ACTION = ingress("web", host="web.test").path("/", to="web:use-annotation").of_class("alb")
"""An Ingress whose backend is an action."""

PORT_80 = tables_of(ListenerPort(80))


def read(made: IngressBuilder, annotations: Mapping[str, str] | None = None) -> IngressRules:
    """Read an Ingress with annotations, whose keys have no prefix."""
    spelt = {ALB + key: value for key, value in (annotations or {}).items()}
    built = made.annotate(spelt) if spelt else made
    return read_alb_ingress(built.ref(), built.model())


def plan(*rules: IngressRules, host: str = "web.test") -> HostPlan:
    """Plan a host of the listener HTTP 80."""
    return plan_host([row for row in rules if (PORT_80, host) in row.hosts], host, PORT_80)


def blocks(*items: Mapping[str, Any]) -> str:
    """Return the text of an annotation with these blocks."""
    return json.dumps(items)


def matches(rules: IngressRules) -> list[Any]:  # JSON
    """Return the matches of an Ingress's Routes."""
    return [route_of(rule)["match"] for rule in rules.rules]


def told(rules: IngressRules) -> list[tuple[str, str, str]]:
    """Return reason, key without prefix, and effect of each problem of an Ingress."""
    return [(p.reason, p.key.removeprefix(ALB), p.effect) for p in rules.problems]
