"""Which gateways there are."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from fleet.attached import attached
from fleet.misspelt import Asked
from fleet.models import AlbConfig, MseIngressConfig
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.state import FleetState
from translators.dialects.alb.listeners import read_entries, read_id
from translators.dialects.boundaries import read_boundaries
from translators.dialects.edge_settings import read_edge
from translators.dialects.gateway_settings import READ_ELSEWHERE, read_addresses, read_limits
from translators.dialects.mse.gateway import MSE_ENTRIES, MSE_PLACES, listed_clients, restricted
from translators.model.gateways import Dialect, Gateway, Selector

GatewayConfig: TypeAlias = MseIngressConfig | AlbConfig


GATEWAY_MODELS: Final[tuple[type[GatewayConfig], ...]] = (MseIngressConfig, AlbConfig)
"""The kinds of objects that declare gateways."""


DIALECTS: Final[Mapping[str, Dialect]] = {
    MseIngressConfig.__name__: Dialect.MSE,
    AlbConfig.__name__: Dialect.ALB,
}
"""The dialect of a gateway by the kind of its object; other kinds declare none."""


def gateways_in(state: FleetState) -> dict[Ref, GatewayConfig]:
    """Every object that declares a gateway. O(gateways)."""
    return {ref: config for model in GATEWAY_MODELS for ref, config in state.table(model).items()}


def read_gateway(ref: Ref, config: GatewayConfig) -> Gateway:
    """Read a MseIngressConfig or an AlbConfig."""
    annotations = Asked(config.metadata.annotations, READ_ELSEWHERE[ref.kind])
    problems: list[Problem] = []
    edge, found_at_edge = read_edge(ref, annotations)
    problems += found_at_edge
    match config:
        case MseIngressConfig():
            entries, places = MSE_ENTRIES, MSE_PLACES
            dialect, shown = Dialect.MSE, ""
            if clients := listed_clients(config.spec.global_.ip_access_control):
                entries, places = (), ()
                problems.append(restricted(ref, clients))
            local = config.spec.ingress.local
            selector = Selector(ref, local.ingress_class, local.watch_namespace)
        case AlbConfig():
            dialect = Dialect.ALB
            declared, found = read_entries(ref, config.spec.listeners)
            entries, places = tuple(declared.values()), tuple(declared)
            shown, more = read_id(ref, config.spec.config)
            problems += (*found, *more)
            selector = Selector(ref, None, "")  # Ingresses come by their class alone
    limits = read_limits(ref, annotations, problems)
    boundaries = read_boundaries(ref, annotations, problems)
    addresses = read_addresses(ref, annotations, problems)
    return Gateway(
        ref=ref,
        dialect=dialect,
        entries=entries,
        places=places,
        members=attached(config),
        selector=selector,
        limits=limits,
        edge=edge,
        boundaries=boundaries,
        addresses=addresses,
        id=shown,
        problems=(*problems, *annotations.unread(ref)),
    )
