"""The translator: what changed in the fleet in, what changed for Envoys and in statuses out."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fleet.models import (
    EndpointSlice,
    Ingress,
    IngressClass,
    Model,
    Pod,
    Service,
)
from fleet.ref import Ref
from fleet.state import Changes, FleetState
from translators.dialects.registry import GATEWAY_MODELS
from translators.envoy.names import cluster_name, listener_name, table_name
from translators.graph.derive import Input, OnFailure
from translators.graph.tables import Tables
from translators.model.binds import Bind
from translators.model.gateway_names import gateway_name
from translators.model.statuses import Runtime
from xds.resource import Resource, TypeUrl

K = TypeVar("K")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one update changed.

    `updates` is by gateway name, then by type and resource name (None: gone). `statuses` are the
    objects whose status differs from before.
    """

    updates: Mapping[str, Mapping[TypeUrl, Mapping[str, Resource | None]]]
    dropped: tuple[str, ...]
    statuses: frozenset[Ref]


class Translator:
    """Keeps the tables of a fleet up to date. Pure and synchronous; costs what changed.

    `on_failure` is told of what cannot be translated by a mistake of ours, and stays as it was;
    without it, that is raised by `update`.
    """

    def __init__(
        self,
        state: FleetState,
        default_bind: Bind | None = None,
        on_failure: OnFailure | None = None,
    ) -> None:
        self._state = state
        self.tables = Tables(default_bind or Bind(), on_failure)

    def bind(self, gateway: Ref, bind: Bind | None) -> None:
        """Say where a gateway's Envoys listen; counts from the next update on."""
        self.tables.binds.set(gateway, bind)

    def locate(self, gateway: Ref, addresses: tuple[str, ...]) -> None:
        """Say where clients reach a gateway, if that is not where it listens or as declared."""
        self.tables.addresses.set(gateway, addresses or None)

    def observe(self, gateway: Ref, runtime: Runtime | None) -> None:
        """Say how a gateway is doing, for its status; counts from the next update on."""
        self.tables.runtimes.set(gateway, runtime)

    def lose_class(self, ingress_class: Ref, gateway: Ref | None) -> None:
        """Say which gateway a class stood for that is gone; None where it is back."""
        self.tables.lost_classes.set(ingress_class, gateway)

    def update(self, changes: Changes) -> Turn:
        """Translate what changed."""
        translation = Translation(self, changes)
        while translation.turn is None:
            translation.step()
        return translation.turn

    def steps(self, changes: Changes) -> Generator[int, None, Turn]:
        """Translate what changed, in steps; the generator returns the turn.

        It yields now and then, and before a row of many parts their number. Until it returns, the
        tables are between two states, and nothing else may be said to the translator.
        """
        tables = self.tables
        self._take(tables.ingresses, Ingress, changes)
        self._take(tables.classes, IngressClass, changes)
        for config in GATEWAY_MODELS:
            self._take(tables.configs, config, changes)
        self._take(tables.services, Service, changes)
        self._take(tables.slices, EndpointSlice, changes)
        self._take(tables.pods, Pod, changes)
        for origin in changes.origins:
            tables.origins.set(origin, self._state.origins.get(origin))
            tables.pod_addresses.set(origin, self._state.addresses.get(origin))
        yield from tables.graph.steps()
        turn = self._turn()
        tables.graph.end_turn()
        return turn

    def _take(self, table: Input[Ref, M], model: type[M], changes: Changes) -> None:
        declared = self._state.table(model)
        for ref in changes.objects.get(model, ()):
            table.set(ref, declared.get(ref))

    def _turn(self) -> Turn:
        tables = self.tables
        gone = {ref for ref in tables.gateways.changed if ref not in tables.gateways}
        # Each gateway has an update, if an empty one: its Envoys are told when there is nothing.
        updates: dict[str, dict[TypeUrl, dict[str, Resource | None]]] = {
            gateway_name(ref): {} for ref in tables.gateways.changed - gone
        }
        for type_url, gateway, name, resource in self._changed():
            if gateway not in gone:
                by_type = updates.setdefault(gateway_name(gateway), {})
                by_type.setdefault(type_url, {})[name] = resource
        statuses = frozenset(tables.gateway_statuses.changed | tables.ingress_statuses.changed)
        return Turn(updates, tuple(sorted(gateway_name(ref) for ref in gone)), statuses)

    def _changed(self) -> Iterator[tuple[TypeUrl, Ref, str, Resource | None]]:
        """Every resource that differs, with the gateway that it belongs to."""
        tables = self.tables
        for key in tables.clusters.changed:
            yield TypeUrl.CLUSTER, key[0], cluster_name(key[1]), tables.clusters.get(key)
        for key in tables.assignments.changed:
            row = tables.assignments.get(key)
            yield TypeUrl.ENDPOINT, key[0], cluster_name(key[1]), row.resource if row else None
        for gateway, entry in tables.listeners.changed:
            listener = tables.listeners.get((gateway, entry))
            yield TypeUrl.LISTENER, gateway, listener_name(entry.at), listener
        for host in tables.host_tables.changed:
            table = tables.host_tables.get(host)
            yield TypeUrl.SCOPED_ROUTE, host.gateway, table_name(host.tables, host.host), table
        for gateway, tables_set in tables.star_tables.changed:
            table = tables.star_tables.get((gateway, tables_set))
            yield TypeUrl.SCOPED_ROUTE, gateway, table_name(tables_set, ""), table


class Translation:
    """An update that is done step by step: `turn` is None until the last one.

    `weight` is the number of parts that the next row is made of, where these are many.
    """

    def __init__(self, translator: Translator, changes: Changes) -> None:
        self.turn: Turn | None = None
        self.weight = 0
        self._steps = translator.steps(changes)

    def step(self) -> None:
        """Go on for a few rows, or for one of many parts."""
        try:
            self.weight = next(self._steps)
        except StopIteration as end:
            self.turn = end.value
