"""The objects that fleetgate reads, with only the fields that translation uses.

`status`, `managedFields`, `resourceVersion` and whatever else is left out: a change there is not
a change here, so our own status write wakes nobody. Values are frozen; field names are Kubernetes'
own in snake_case. Types are checked strictly where text comes in (`fleet.parse`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic.alias_generators import to_camel


def _timestamp(value: object) -> object:
    """Read RFC 3339 text; no zone means UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 (pydantic reports a ValueError as data)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_written(value: object) -> object:
    """Text for what is neither text nor an integer, so that whoever judges it can show it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | str():
            return value
        case None:
            raise ValueError("null is absent, and no value")
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


Timestamp: TypeAlias = Annotated[datetime, BeforeValidator(_timestamp)]
AsWritten: TypeAlias = Annotated[StrictInt | StrictStr, BeforeValidator(_as_written)]
"""A scalar that is judged where it is used: a mistake in it must not cost the whole object."""
Port: TypeAlias = Annotated[StrictInt, Field(ge=1, le=65535)]


class Model(BaseModel):
    """A frozen value read from a manifest; fields that it does not have are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


POSITION: Final = "\0position"
"""The key that no manifest has, since no text with a NUL gets here."""


class Item(Model):
    """An item of a list that problems name by its position.

    `position` says where the manifest has it, if items before it were left out.
    """

    position: StrictInt | None = Field(default=None, alias=POSITION)


ItemT = TypeVar("ItemT", bound=Item)


def by_position(items: Iterable[ItemT]) -> Iterator[tuple[int, ItemT]]:
    """The items, each with the position that its manifest has it at."""
    for i, item in enumerate(items):
        yield (i if item.position is None else item.position), item


class Metadata(Model):
    """An object's name, and its age where it has one."""

    name: StrictStr
    namespace: StrictStr = ""
    creation_timestamp: Timestamp | None = None


UNREAD: Final = "\0unread"
"""Under which key `fleet.parse` notes the annotations that it has cut out. No manifest has it."""


class AnnotatedMetadata(Metadata):
    """Metadata of kinds whose annotations are read.

    `unread` are those whose value is no text: what they restrict is not known, but that they do.
    """

    annotations: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)
    unread: tuple[StrictStr, ...] = Field(default=(), alias=UNREAD)


class OwnerMetadata(AnnotatedMetadata):
    """Metadata of kinds that own objects which fleetgate writes.

    `generation` is which version of what is wanted this is, as the API server counts.
    """

    uid: StrictStr = ""
    generation: StrictInt = 0


class LabelledMetadata(Metadata):
    """Metadata of kinds whose labels are read."""

    labels: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)


class FleetObject(Model):
    """Base of the kinds that are read. A kind narrows the type of its metadata."""

    metadata: Metadata


# -- hub ------------------------------------------------------------------------------------------


class ServiceBackendPort(Model):
    """A Service's port, by number or by name."""

    number: Port | None = None
    name: StrictStr = ""


class ServiceBackend(Model):
    """A Service of the Ingress's own namespace, in every attached member."""

    name: StrictStr
    port: ServiceBackendPort = ServiceBackendPort()


class ResourceBackend(Model):
    """Some other object of the Ingress's namespace; nothing is served by one."""

    kind: StrictStr = ""
    name: StrictStr = ""


class IngressBackend(Model):
    """What serves a path: one of the two."""

    service: ServiceBackend | None = None
    resource: ResourceBackend | None = None


class HttpPath(Item):
    """One path of a rule."""

    path: StrictStr = ""
    path_type: Literal["Exact", "Prefix", "ImplementationSpecific"] = "ImplementationSpecific"
    backend: IngressBackend


class HttpPaths(Model):
    """The `http` part of a rule."""

    paths: tuple[HttpPath, ...] = ()


class IngressRule(Item):
    """One host of an Ingress; "" means every host that no other rule names."""

    host: StrictStr = ""
    http: HttpPaths | None = None


class IngressTls(Model):
    """The certificate of some hosts."""

    hosts: tuple[StrictStr, ...] = ()
    secret_name: StrictStr = ""


class IngressSpec(Model):
    """`Ingress.spec`."""

    ingress_class_name: StrictStr | None = None
    default_backend: IngressBackend | None = None
    rules: tuple[IngressRule, ...] = ()
    tls: tuple[IngressTls, ...] = ()


class Ingress(FleetObject):
    """`networking.k8s.io/v1` Ingress."""

    metadata: AnnotatedMetadata
    spec: IngressSpec = IngressSpec()


class IngressClassParameters(Model):
    """The gateway object that a class stands for."""

    api_group: StrictStr = ""
    kind: StrictStr = ""
    name: StrictStr = ""


class IngressClassSpec(Model):
    """`IngressClass.spec`."""

    controller: StrictStr = ""
    parameters: IngressClassParameters | None = None


class IngressClass(FleetObject):
    """`networking.k8s.io/v1` IngressClass."""

    metadata: AnnotatedMetadata
    spec: IngressClassSpec = IngressClassSpec()


class GatewayObject(FleetObject):
    """Base of the objects that declare gateways, one kind a dialect (`translators.dialects`)."""

    metadata: OwnerMetadata


class Secret(FleetObject):
    """A Secret that somebody references; its bytes never reach a log or a dump."""

    metadata: Metadata
    type: StrictStr = "Opaque"
    data: Mapping[StrictStr, StrictStr] = Field(default_factory=dict, repr=False)


# -- members --------------------------------------------------------------------------------------


class ServicePort(Model):
    """One port of a Service."""

    name: StrictStr = ""
    port: Port
    protocol: StrictStr = "TCP"


class ServiceSpec(Model):
    """`Service.spec`; the primary IP family comes first.

    Why it has no endpoints is told by its type, its address, and whether it has a `selector`.
    """

    ports: tuple[ServicePort, ...] = ()
    ip_families: tuple[Literal["IPv4", "IPv6"], ...] = ()
    type: AsWritten | None = None
    cluster_ip: AsWritten | None = Field(default=None, alias="clusterIP")
    selects: Annotated[bool, BeforeValidator(bool)] = Field(default=False, alias="selector")


class Service(FleetObject):
    """`v1` Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Model):
    """The state of an endpoint; absent means that it is ready and serves, as kube-proxy has it."""

    ready: StrictBool | None = None
    serving: StrictBool | None = None
    terminating: StrictBool | None = None


class TargetRef(Model):
    """The object behind an endpoint, usually a Pod."""

    kind: StrictStr = ""
    name: StrictStr = ""


class Endpoint(Item):
    """One endpoint of a slice; its addresses are interchangeable and only the first is used."""

    addresses: tuple[StrictStr, ...]
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None


class EndpointPort(Model):
    """One port of a slice; `name` is the Service port's name."""

    name: StrictStr = ""
    port: Port | None = None
    protocol: StrictStr = "TCP"


class EndpointSlice(FleetObject):
    """`discovery.k8s.io/v1` EndpointSlice."""

    metadata: LabelledMetadata
    address_type: StrictStr = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class Pod(FleetObject):
    """`v1` Pod; read only where subsets by label are asked for."""

    metadata: LabelledMetadata
