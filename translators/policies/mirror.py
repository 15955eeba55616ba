"""Mirrors: a Service gets copies of requests, and its answers are dropped."""

from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.messages import (
    FractionalPercent,
    RequestMirrorPolicy,
    RuntimeFractionalPercent,
)
from translators.envoy.names import cluster_name
from translators.envoy.parts import RouteParts
from translators.model.backends import Backend, Target
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class Mirror(EnvoyPolicy):
    """Copies a share of the requests, in percent.

    Copies have the Host of the request, or `called` if that is not "".
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    backend: Backend
    percent: int = 100
    called: str = ""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The target of the copies."""
        return (Target((self.backend,)),)

    def route(self, parts: RouteParts) -> None:
        """Add the mirror to the route. Envoy would append `-shadow` to the Host otherwise."""
        policy = RequestMirrorPolicy(
            cluster=cluster_name(Target((self.backend,))),
            runtime_fraction=RuntimeFractionalPercent(
                default_value=FractionalPercent(numerator=self.percent)
            ),
            disable_shadow_host_suffix_append=True,
            host_rewrite_literal=self.called,
        )
        parts.action.add("request_mirror_policies", policy)
