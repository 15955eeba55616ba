"""What a dialect is: a way to declare gateways and Ingresses, read into one model.

Nothing outside of `translators.dialects` knows one dialect from another. A new one is a directory
here with a value of `Dialect`, and a line in `translators.dialects.DIALECTS`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from fleet.kinds import Kind, Kinds
from fleet.misspelt import Asked
from fleet.models import GatewayObject, Ingress, IngressClassParameters
from fleet.parse import is_name
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import FleetState
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.gateway_settings import read_settings
from translators.model.binds import Bind
from translators.model.gateways import Gateway, Selector
from translators.model.ingresses import IngressRules
from translators.model.listeners import Entry
from translators.model.policy import Policy
from translators.model.shapes import Shape
from translators.model.statuses import GatewayStatus

C = TypeVar("C", bound=GatewayObject)


@dataclass(frozen=True, slots=True)
class GatewaySpec:
    """What the object of a gateway says in the words of its dialect.

    `entries` are the listeners that can be served, `places` the fields that declare them, in the
    same order. `ingress_class` and `namespace` are as in `Selector`. `id` is what the gateway is
    shown as, "" where its dialect shows no such thing. `policies` are those of all its listeners.
    """

    entries: tuple[Entry, ...]
    places: tuple[str, ...]
    ingress_class: str | None = None
    namespace: str = ""
    id: str = ""
    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()


def no_hints(_ref: Ref, _ingress: Ingress) -> Iterator[Problem]:
    """What `check` says of Ingresses of most dialects: nothing."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Dialect(Generic[C]):
    """One dialect.

    `flavour` stands in front of the names of its gateways. Its gateways are declared by objects of
    `kind`, and chosen by IngressClasses of `controller` whose parameters name such an object; where
    it `claims_classes`, a class of that controller is nobody else's, even without parameters.
    `class_field` is the field of the object that chooses Ingresses by the name of their class, ""
    where there is none. `annotations` are those of the object that `shape` reads.
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
    hints: Callable[[Ref, Ingress], Iterator[Problem]] = no_hints
    claims_classes: bool = False
    class_field: str = ""
    annotations: tuple[str, ...] = ()


class Dialects:
    """The dialects of a fleet: what depends on the kind of a gateway is asked here."""

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
        """All of them, in their order."""
        return iter(self._all)

    @property
    def shapes(self) -> str:
        """What the names of gateways look like, for people."""
        return " or ".join(f"{each.flavour}/NAME" for each in self._all)

    def of(self, gateway: Ref) -> Dialect[Any]:
        """The dialect of a gateway; KeyError where the object declares none."""
        return self._by_kind[gateway.kind]

    def of_class(
        self, controller: str, parameters: IngressClassParameters | None
    ) -> tuple[Dialect[Any] | None, Ref | None]:
        """The dialect that an IngressClass is for, if any, and the gateway that it names."""
        dialect = self._by_controller.get(controller)
        if dialect is None:
            return None, None
        meant = (dialect.kind.group, dialect.kind.name)
        if parameters is not None and (parameters.api_group, parameters.kind) == meant:
            return dialect, Ref(HUB, parameters.kind, "", parameters.name)
        return (dialect if dialect.claims_classes else None), None

    def gateways_in(self, state: FleetState) -> dict[Ref, GatewayObject]:
        """Every object that declares a gateway. O(gateways)."""
        tables = [state.table(model) for model in self.models]
        return {ref: config for table in tables for ref, config in table.items()}

    def name_of(self, gateway: Ref) -> str:
        """The name of a gateway, as its Envoys give it in `node.cluster`: mse/NAME, alb/NAME."""
        return f"{self.of(gateway).flavour}/{gateway.name}"

    def parse_name(self, name: str) -> Ref:
        """The gateway's object; ValueError where the text is no gateway's name."""
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
        return Gateway(
            ref=ref,
            name=self.name_of(ref),
            entries=spec.entries,
            places=spec.places,
            members=self.kinds.attached(config),
            members_key=dialect.kind.attaches,
            selector=Selector(ref, spec.ingress_class, spec.namespace),
            settings=settings,
            id=spec.id,
            policies=spec.policies,
            problems=(*settings.problems, *spec.problems, *annotations.unread(ref)),
        )

    def shape(self, ref: Ref, config: GatewayObject, bind: Bind) -> Shape:
        """What the object of a gateway says of its Envoys; they are to listen as `bind` says."""
        return self.of(ref).shape(ref, config, bind)

    def status(self, gateway: Ref, status: GatewayStatus) -> Mapping[str, Any]:  # JSON
        """The status of a gateway's object, as Kubernetes has it."""
        observed = {"observedGeneration": status.generation} if status.generation else {}
        return {**observed, **self.of(gateway).status(status)}
