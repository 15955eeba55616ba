"""The toy dialect: a ToyGateway listens on one port, and its Ingresses know one annotation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import StrictInt

from fleet.fields import fields_of, object_of
from fleet.kinds import Kind
from fleet.models import GatewayObject, Ingress, Model
from fleet.ref import Ref
from translators.dialects import DIALECTS
from translators.dialects.annotations.feature import Feature, Wanted, policy_feature
from translators.dialects.annotations.reader import Key, Reader
from translators.dialects.annotations.values import integer, printable
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.classes import effective_class
from translators.dialects.dialect import Dialect, Dialects, GatewaySpec
from translators.dialects.paths import plain_path
from translators.dialects.reading import IngressReader, age_of
from translators.envoy.messages import HeaderValue, HeaderValueOption
from translators.envoy.parts import ClusterParts, HostParts, ListenerParts, RouteParts
from translators.model.binds import Bind
from translators.model.ingresses import IngressRules
from translators.model.listeners import Entry, ListenerPort, TableSet
from translators.model.paths import Path, PathKind
from translators.model.policy import Policy, Scope
from translators.model.shapes import Shape
from translators.model.statuses import GatewayStatus
from translators.policies.policy import EnvoyPolicy

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core

TABLES = TableSet("toy")
PREFIX = "toy.example/"


class ToySpec(Model):
    port: StrictInt = 80
    listens: str = "toy"
    sign: str = ""


class ToyGateway(GatewayObject):
    spec: ToySpec = ToySpec()


@dataclass(frozen=True, slots=True)
class Greeting(EnvoyPolicy):
    """Adds a header to every response of a route."""

    scope: ClassVar[Scope] = Scope.ROUTE
    text: str

    def route(self, parts: RouteParts) -> None:
        parts.route.add("response_headers_to_add", _header("x-greeting", self.text))


@dataclass(frozen=True, slots=True)
class Motto(EnvoyPolicy):
    """Adds a header to every response of a host."""

    scope: ClassVar[Scope] = Scope.HOST
    text: str

    def host(self, parts: HostParts) -> None:
        parts.virtual_host.add("response_headers_to_add", _header("x-motto", self.text))


@dataclass(frozen=True, slots=True)
class Patience(EnvoyPolicy):
    """Sets how long a Service may take to accept a connection."""

    scope: ClassVar[Scope] = Scope.SERVICE
    milliseconds: int

    def cluster(self, parts: ClusterParts) -> None:
        parts.cluster.put("connect_timeout", timedelta(milliseconds=self.milliseconds))


@dataclass(frozen=True, slots=True)
class Sign(EnvoyPolicy):
    """Sets the name of a gateway in its responses."""

    scope: ClassVar[Scope] = Scope.GATEWAY
    name: str

    def listener(self, parts: ListenerParts) -> None:
        parts.manager.put("server_name", self.name)


def _header(key: str, value: str) -> "core.HeaderValueOption":
    return HeaderValueOption(header=HeaderValue(key=key, value=value))


GREETING, MOTTO, PATIENCE = (
    Key(name, (PREFIX,), meaning)
    for name, meaning in (
        ("greeting", "what every answer says"),
        ("motto", "what every answer of the host says"),
        ("patience", "milliseconds"),
    )
)


def _policy(key: Key, parse: Callable[[str], Policy]) -> Feature:
    return policy_feature(key.name, (key,), lambda reader: reader.find(key, parse))


FEATURES = (
    _policy(GREETING, lambda text: Greeting(printable(text))),
    _policy(MOTTO, lambda text: Motto(printable(text))),
    _policy(PATIENCE, lambda text: Patience(integer(1, 1000)(text))),
)
VOCABULARY = Vocabulary((PREFIX,), (GREETING, MOTTO, PATIENCE), ())


def _read_gateway(_: Ref, config: ToyGateway) -> GatewaySpec:
    entry = Entry(ListenerPort(config.spec.port), TABLES)
    policies = (Sign(config.spec.sign),) if config.spec.sign else ()
    return GatewaySpec((entry,), ("spec.port",), config.spec.listens, policies=policies)


def _read_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    wanted, reader = Wanted(), Reader(ref, ingress.metadata.annotations, VOCABULARY.prefixes)
    for feature in FEATURES:
        feature.read(reader, wanted)
    return IngressReader(
        ref,
        age_of(ingress),
        effective_class(ingress),
        wanted,
        [*reader.problems, *VOCABULARY.unknown(ref, ingress.metadata.annotations)],
        _path,
        lambda _: (TABLES,),
    ).everything(ingress)


def _path(_: str, text: str) -> Path:
    return plain_path(PathKind.PREFIX, text)


def _status(status: GatewayStatus) -> Mapping[str, Any]:
    return {"state": status.phase.value.lower()}


def _shape(_ref: Ref, _config: ToyGateway, _bind: Bind) -> Shape:
    return Shape(replicas=1)


TOY: Dialect[ToyGateway] = Dialect(
    flavour="toy",
    kind=Kind(
        ToyGateway,
        "toy.example/v1",
        object_of(spec=fields_of("port listens sign")),
        on_hub=True,
        complete=True,
        namespaced=False,
        attaches="toy.example/members",
        has_status=True,
    ),
    controller="toy.example/controller",
    features=FEATURES,
    vocabulary=VOCABULARY,
    read_gateway=_read_gateway,
    read_ingress=_read_ingress,
    status=_status,
    shape=_shape,
    class_field="spec.listens",
)

WITH_TOY = Dialects((*DIALECTS, TOY))
