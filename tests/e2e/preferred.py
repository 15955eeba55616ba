"""Rules that prefer one backend: the Pods of a member, or a canary with all of the weight."""

from collections.abc import Mapping, Sequence

from tests.e2e.rig import ONE
from tests.support.builders import IngressBuilder, ingress

HOST = "web.test"

PINNED: Mapping[str, str] = {
    "mse.ingress.kubernetes.io/service-subset": "first",
    "mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {ONE}",
}
_CANARY = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-weight": "100",
}


def rule_of(service: str, annotations: Mapping[str, str] | None = None) -> IngressBuilder:
    """Make a rule for all requests of the host."""
    made = ingress(service, host=HOST).path("/", to=f"{service}:80").of_class("mse")
    return made.annotate(annotations or {})


PREFERENCES: Mapping[str, tuple[str, Sequence[IngressBuilder]]] = {
    "pinned": ("web", [rule_of("web", PINNED)]),
    "canary": ("next", [rule_of("web"), rule_of("next", _CANARY)]),
}
"""The Service whose Pods of the first member are preferred, and the rules that make it so.

What serves else is the Service `web`.
"""
