"""The translator: it takes changes of the fleet, and gives changes of resources and statuses."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from fleet.models import (
    EndpointSlice,
    Ingress,
    IngressClass,
    Model,
    Node,
    Pod,
    Secret,
    Service,
)
from fleet.ref import Ref
from fleet.state import Changes, FleetState
from translators.dialects.dialect import Dialects
from translators.graph.derive import Input, OnFailure
from translators.graph.inputs import NOW
from translators.graph.outputs import changed_resources
from translators.graph.tables import Tables
from translators.model.binds import Bind
from translators.model.statuses import Refusal, Runtime
from xds.resource import Resource, TypeUrl

K = TypeVar("K")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Turn:
    """The changes that one update made.

    `updates` holds resources by gateway name, type and resource name; None stands for a removed
    one. `dropped` are the names of gateways that are gone. `statuses` are the objects whose status
    has changed.
    """

    updates: Mapping[str, Mapping[TypeUrl, Mapping[str, Resource | None]]]
    dropped: tuple[str, ...]
    statuses: frozenset[Ref]


class Translator:
    """Keeps the tables of a fleet up to date. It is pure and synchronous, and costs O(changes).

    `on_failure` takes exceptions of rows that cannot be computed by a mistake of ours; these rows
    stay as they were. Without it, `update` raises the exception.
    """

    def __init__(
        self,
        state: FleetState,
        dialects: Dialects,
        default_bind: Bind | None = None,
        on_failure: OnFailure | None = None,
    ) -> None:
        self._state = state
        self.dialects = dialects
        self.tables = Tables(dialects, default_bind or Bind(), on_failure)

    def bind(self, gateway: Ref, bind: Bind | None) -> None:
        """Set the bind of a gateway's Envoys. The next update takes note of it."""
        self.tables.inputs.binds.set(gateway, bind)

    def locate(self, gateway: Ref, addresses: tuple[str, ...]) -> None:
        """Set the observed addresses of a gateway; () if there are none."""
        self.tables.inputs.addresses.set(gateway, addresses or None)

    def observe(self, gateway: Ref, runtime: Runtime | None) -> None:
        """Set the state of a gateway's Envoys for its status. The next update takes note of it."""
        self.tables.inputs.runtimes.set(gateway, runtime)

    def tell_time(self, now: datetime) -> None:
        """Set the present time, by which certificates end. The next update takes note of it.

        Each time that it is set, each certificate is looked at. So tell it in steps, such as hours.
        """
        self.tables.inputs.time.set(NOW, now)

    def lose_class(self, ingress_class: Ref, gateway: Ref | None) -> None:
        """Set the gateway that a deleted class stood for; None if the class is back."""
        self.tables.inputs.lost_classes.set(ingress_class, gateway)

    def update(self, changes: Changes) -> Turn:
        """Translate the changes without a pause."""
        translation = Translation(self, changes)
        while translation.turn is None:
            translation.step()
        return translation.turn

    def steps(self, changes: Changes) -> Generator[int, None, Turn]:
        """Translate the changes in steps; the generator returns the turn.

        It yields at the end of a step. Before a row of many parts, it yields their number. Until it
        returns, the tables are between two states, and no other method may be called.
        """
        tables, inputs = self.tables, self.tables.inputs
        self._remember_certificates(changes)
        self._take(inputs.ingresses, Ingress, changes)
        self._take(inputs.classes, IngressClass, changes)
        for model in self.dialects.models:
            self._take(inputs.configs, model, changes)
        self._take(inputs.secrets, Secret, changes)
        self._take(inputs.services, Service, changes)
        self._take(inputs.slices, EndpointSlice, changes)
        self._take(inputs.pods, Pod, changes)
        self._take(inputs.nodes, Node, changes)
        self._take_refusals(changes)
        for ref in changes.awaited:
            inputs.awaited.set(ref, ref in self._state.awaited or None)
        for origin in changes.origins:
            inputs.origins.set(origin, self._state.origins.get(origin))
            inputs.settings.set(origin, self._state.settings.get(origin))
        yield from tables.graph.steps()
        turn = self._turn()
        tables.graph.end_turn()
        self._forget_certificates()
        return turn

    def _remember_certificates(self, changes: Changes) -> None:
        """Remember the certificates of Secrets that change: they may have none afterwards."""
        certificates, last = self.tables.certificates, self.tables.inputs.last_certificates
        for ref in changes.objects.get(Secret, ()):
            reading = certificates.readings.get(ref)
            if reading and certificates.is_usable(ref):
                last.set(ref, reading.certificate)

    def _forget_certificates(self) -> None:
        """Forget remembered certificates that a usable one has replaced, or that no host needs.

        The next update takes note of it, which changes no resource.
        """
        certificates, last = self.tables.certificates, self.tables.inputs.last_certificates
        if last.rows:
            for ref in list(last.rows):
                if not certificates.is_used(ref) or certificates.is_usable(ref):
                    last.set(ref, None)

    def _take_refusals(self, changes: Changes) -> None:
        """Note which gateways exist, and which of their objects cannot be read."""
        touched = {ref for ref in changes.problems if self.dialects.kinds.declares_gateway(ref)}
        for model in self.dialects.models:
            touched |= changes.objects.get(model, frozenset())
        inputs, state = self.tables.inputs, self._state
        for ref in touched:
            refusal = None
            if ref in state.refused:
                message = " ".join(problem.message for problem in state.problems[ref])
                refusal = Refusal(message, state.refused_generation(ref))
            inputs.refusals.set(ref, refusal)
            inputs.gateway_refs.set(ref, (ref in inputs.configs or refusal is not None) or None)

    def _take(self, table: Input[Ref, M], model: type[M], changes: Changes) -> None:
        declared = self._state.table(model)
        for ref in changes.objects.get(model, ()):
            table.set(ref, declared.get(ref))

    def _turn(self) -> Turn:
        declared, statuses = self.tables.gateways.declared, self.tables.statuses
        gone = {ref for ref in declared.changed if ref not in declared}
        # A changed gateway has an update, perhaps an empty one, so that a snapshot of it exists.
        updates: dict[str, dict[TypeUrl, dict[str, Resource | None]]] = {
            self.dialects.name_of(ref): {} for ref in declared.changed - gone
        }
        for type_url, gateway, name, resource in changed_resources(self.tables):
            if gateway not in gone:
                by_type = updates.setdefault(self.dialects.name_of(gateway), {})
                by_type.setdefault(type_url, {})[name] = resource
        restated = frozenset(statuses.of_gateways.changed | statuses.of_ingresses.changed)
        return Turn(updates, tuple(sorted(self.dialects.name_of(ref) for ref in gone)), restated)


class Translation:
    """An update in steps. `turn` is None until the last step.

    `weight` estimates the number of parts of the next row (`translators.graph.row_weights`).
    """

    def __init__(self, translator: Translator, changes: Changes) -> None:
        self.turn: Turn | None = None
        self.weight = 0
        self._steps = translator.steps(changes)

    def step(self) -> None:
        """Compute a few rows, or one row of many parts."""
        try:
            self.weight = next(self._steps)
        except StopIteration as end:
            self.turn = end.value
