"""The interface of a dialect: a way to declare gateways and Ingresses, read into one model.

Nothing outside of `translators.dialects` distinguishes dialects. A new dialect is a directory here
with a value of `Dialect`, and a line in `translators.dialects.DIALECTS`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar, cast

from fleet.kinds import Kind, Kinds
from fleet.misspelt import Asked
from fleet.models import GatewayObject, Ingress, IngressClassParameters
from fleet.parse import is_name
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import FleetState
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.gateway_settings import read_settings, without_tls
from translators.model.binds import Bind
from translators.model.gateways import Gateway, Selector
from translators.model.ingresses import IngressRules
from translators.model.listeners import Entry, Protocol
from translators.model.policy import Policy
from translators.model.shapes import Shape
from translators.model.statuses import GatewayStatus

C = TypeVar("C", bound=GatewayObject)

Columns: TypeAlias = tuple[tuple[str, str], ...]
"""Columns of a table, each with its head and the text of one row."""


@dataclass(frozen=True, slots=True)
class GatewaySpec:
    """The part of a gateway's declaration that only its dialect can read.

    `entries` are the listeners that can be served, and `places` the fields that declare them, in
    the same order. `ingress_class` and `namespace` are as in `Selector`. `id` is the gateway's ID
    in its status; "" for dialects without one. `policies` hold for all of its listeners.
    """

    entries: tuple[Entry, ...]
    places: tuple[str, ...]
    ingress_class: str | None = None
    namespace: str = ""
    id: str = ""
    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()


def no_hints(_ref: Ref, _ingress: Ingress) -> Iterator[Problem]:
    """Give no hints. Most dialects have none for `fleetgate check`."""
    return iter(())


def no_columns(_: GatewayStatus) -> Columns:
    """Give no columns. Most dialects have nothing to show beyond what all gateways show."""
    return ()


@dataclass(frozen=True, slots=True)
class Dialect(Generic[C]):
    """One dialect: what differs between it and the others.

    Objects of `kind` declare its gateways. `flavour` is the prefix of their names. An IngressClass
    of `controller` names a gateway in its parameters; with `claims_classes`, every class of this
    controller belongs to the dialect, even one without parameters. `class_field` is the field of a
    gateway's object that selects Ingresses by class; "" if there is none. `annotations` are the
    annotations of a gateway's object that `shape` reads. `columns` are what the product documents
    show of a gateway in a table, for `fleetgate status`.
    """

    flavour: str
    kind: Kind
    controller: str
    features: tuple[Feature, ...]
    vocabulary: Vocabulary
    read_gateway: Callable[[Ref, C], GatewaySpec]
    read_ingress: Callable[[Ref, Ingress], IngressRules]
    status: Callable[[GatewayStatus], Mapping[str, Any]]  # JSON
    shape: Callable[[Ref, C, Bind], Shape]
    columns: Callable[[GatewayStatus], Columns] = no_columns
    hints: Callable[[Ref, Ingress], Iterator[Problem]] = no_hints
    claims_classes: bool = False
    class_field: str = ""
    annotations: tuple[str, ...] = ()


class Dialects:
    """The dialects of a fleet. It answers every question that depends on a gateway's dialect."""

    def __init__(self, dialects: Iterable[Dialect[Any]]) -> None:
        self._all = tuple(dialects)
        self._by_kind = {dialect.kind.name: dialect for dialect in self._all}
        self._by_flavour = {dialect.flavour: dialect for dialect in self._all}
        self._by_controller = {dialect.controller: dialect for dialect in self._all}
        self.kinds = Kinds(dialect.kind for dialect in self._all)
        self.models = tuple(
            cast("type[GatewayObject]", dialect.kind.model) for dialect in self._all
        )

    def __iter__(self) -> Iterator[Dialect[Any]]:
        """Iterate over the dialects in their order."""
        return iter(self._all)

    @property
    def shapes(self) -> str:
        """The forms of gateway names, for messages to people."""
        return " or ".join(f"{each.flavour}/NAME" for each in self._all)

    def of(self, gateway: Ref) -> Dialect[Any]:
        """Return the dialect of a gateway. Raises KeyError for a Ref of another kind of object."""
        return self._by_kind[gateway.kind]

    def of_class(
        self, controller: str, parameters: IngressClassParameters | None
    ) -> tuple[Dialect[Any] | None, Ref | None]:
        """Return the dialect that an IngressClass belongs to, and the gateway that it names.

        Either can be None.
        """
        dialect = self._by_controller.get(controller)
        if dialect is None:
            return None, None
        meant = (dialect.kind.group, dialect.kind.name)
        if parameters is not None and (parameters.api_group, parameters.kind) == meant:
            return dialect, Ref(HUB, parameters.kind, "", parameters.name)
        return (dialect if dialect.claims_classes else None), None

    def gateways_in(self, state: FleetState) -> dict[Ref, GatewayObject]:
        """Return every object that declares a gateway. O(gateways)."""
        tables = [state.table(model) for model in self.models]
        return {ref: config for table in tables for ref, config in table.items()}

    def name_of(self, gateway: Ref) -> str:
        """Return the name of a gateway, which its Envoys send in `node.cluster`: FLAVOUR/NAME."""
        return f"{self.of(gateway).flavour}/{gateway.name}"

    def parse_name(self, name: str) -> Ref:
        """Return the Ref of a gateway by its name. Raises ValueError for any other text."""
        flavour, _, rest = name.partition("/")
        dialect = self._by_flavour.get(flavour)
        if dialect is None or not is_name(rest):
            raise ValueError(f"{name!r} is no gateway's name: one looks like {self.shapes}")
        return Ref(HUB, dialect.kind.name, "", rest)

    def gateway(self, ref: Ref, config: GatewayObject) -> Gateway:
        """Read the object of a gateway."""
        dialect = self.of(ref)
        annotations = Asked(
            config.metadata.annotations, (dialect.kind.attaches, *dialect.annotations)
        )
        spec = dialect.read_gateway(ref, config)
        settings = read_settings(ref, self.name_of(ref), annotations)
        entries, places = spec.entries, spec.places
        idle = () if any(e.tls for e in entries) else without_tls(ref, annotations, settings)
        if settings.edge.http3:
            beside = tuple(_with_quic(entries, places))
            entries, places = tuple(e for e, _ in beside), tuple(place for _, place in beside)
        return Gateway(
            ref=ref,
            name=self.name_of(ref),
            entries=entries,
            places=places,
            members=self.kinds.attached(config),
            members_key=dialect.kind.attaches,
            selector=Selector(ref, spec.ingress_class, spec.namespace),
            settings=settings,
            id=spec.id,
            policies=spec.policies,
            problems=(*settings.problems, *idle, *spec.problems, *annotations.unread(ref)),
        )

    def shape(self, ref: Ref, config: GatewayObject, bind: Bind) -> Shape:
        """Read from a gateway's object how its Envoys are run; they will listen at `bind`."""
        shape = self.of(ref).shape(ref, config, bind)
        ports = (entry.at for entry in self.gateway(ref, config).entries if bind.takes(entry.at))
        quic = dict.fromkeys(at.port for at in ports if at.protocol is Protocol.QUIC)
        return replace(shape, quic_ports=tuple(quic))

    def columns(self, gateway: Ref, status: GatewayStatus) -> Columns:
        """Return what the product documents show of a gateway in a table."""
        return self.of(gateway).columns(status)

    def status(self, gateway: Ref, status: GatewayStatus) -> Mapping[str, Any]:  # JSON
        """Return the `status` field of a gateway's object."""
        observed = {"observedGeneration": status.generation} if status.generation else {}
        return {**observed, **self.of(gateway).status(status)}


def _with_quic(entries: Iterable[Entry], places: Iterable[str]) -> Iterator[tuple[Entry, str]]:
    """Add a listener for QUIC beside each one for TLS, and yield all with their places."""
    declared = tuple(zip(entries, places, strict=True))
    ports = {entry.at for entry, _ in declared}
    for entry, place in declared:
        yield entry, place
        quic = entry.at._replace(protocol=Protocol.QUIC)
        if entry.at.protocol is Protocol.HTTPS and quic not in ports and not entry.authorities:
            yield entry._replace(at=quic), place
