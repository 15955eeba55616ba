"""The objects that fleetgate reads, with only the fields that translation uses.

All other fields, such as `status`, `managedFields` and `resourceVersion`, are left out. So a model
stays equal when only these change, and a status that fleetgate writes causes no work.

Values are frozen. Field names are Kubernetes' own in snake_case. Types are strict: a number is not
read as text.
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
    """Read a time in RFC 3339; a time without a zone is in UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 (pydantic reports a ValueError as data)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_written(value: object) -> object:
    """Turn a value that is neither text nor an integer into text that a problem can quote."""
    match value:
        case bool():
            return str(value).lower()
        case int() | str():
            return value
        case None:
            raise ValueError("null stands for an absent field")
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


Timestamp: TypeAlias = Annotated[datetime, BeforeValidator(_timestamp)]
AsWritten: TypeAlias = Annotated[StrictInt | StrictStr, BeforeValidator(_as_written)]
"""A scalar that is checked where it is used, so that a mistake in it does not cost the object."""
Port: TypeAlias = Annotated[StrictInt, Field(ge=1, le=65535)]


class Model(BaseModel):
    """A frozen value read from a manifest; fields that it does not have are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


POSITION: Final = "\0position"
"""The key of `Item.position`. No manifest has it: texts with a NUL are cut out before."""


class Item(Model):
    """An item of a list.

    `position` is the index of the item in the manifest, if items before it were left out.
    """

    position: StrictInt | None = Field(default=None, alias=POSITION)


ItemT = TypeVar("ItemT", bound=Item)


def by_position(items: Iterable[ItemT]) -> Iterator[tuple[int, ItemT]]:
    """The items, each with its index in the manifest."""
    for i, item in enumerate(items):
        yield (i if item.position is None else item.position), item


class Metadata(Model):
    """An object's name, namespace and, if it has one, the time of its creation."""

    name: StrictStr
    namespace: StrictStr = ""
    creation_timestamp: Timestamp | None = None


UNREAD: Final = "\0unread"
"""The key under which `fleet.parse` notes the annotations that it cuts out. No manifest has it."""


class AnnotatedMetadata(Metadata):
    """Metadata of kinds whose annotations are read.

    `unread` are the keys of annotations whose value is no text. Such an annotation may restrict
    something, and its value does not say what.
    """

    annotations: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)
    unread: tuple[StrictStr, ...] = Field(default=(), alias=UNREAD)


class OwnerMetadata(AnnotatedMetadata):
    """Metadata of kinds that own objects which fleetgate writes.

    The API server raises `generation` whenever the spec changes.
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
    """An object of another kind in the Ingress's namespace. fleetgate serves none of these."""

    kind: StrictStr = ""
    name: StrictStr = ""


class IngressBackend(Model):
    """The backend of a path: a Service or another object."""

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
    """The Secret with the certificate of some hosts."""

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
    """Base of the objects that declare gateways. Each dialect of translation has one such kind."""

    metadata: OwnerMetadata

    @property
    def secret_names(self) -> Iterator[str]:
        """The Secrets of the hub that fields name, as NAMESPACE/NAME."""
        return iter(())


class Secret(FleetObject):
    """A Secret that an Ingress references. Its `repr` does not show its bytes."""

    metadata: Metadata
    type: StrictStr = "Opaque"
    data: Mapping[StrictStr, StrictStr] = Field(default_factory=dict, repr=False)


# -- members --------------------------------------------------------------------------------------


class ServicePort(Model):
    """One port of a Service. `app_protocol` says what its Pods speak.

    `node_port` is 0 if the nodes have no port for it.
    """

    name: StrictStr = ""
    port: Port
    node_port: StrictInt = 0
    protocol: StrictStr = "TCP"
    app_protocol: AsWritten | None = None


class ServiceSpec(Model):
    """`Service.spec`; the primary IP family comes first.

    `type`, `cluster_ip` and `selects` (whether there is a selector) explain why a Service has no
    endpoints.
    """

    ports: tuple[ServicePort, ...] = ()
    ip_families: tuple[Literal["IPv4", "IPv6"], ...] = ()
    type: AsWritten | None = None
    cluster_ip: AsWritten | None = Field(default=None, alias="clusterIP")
    external_traffic_policy: AsWritten | None = None
    selects: Annotated[bool, BeforeValidator(bool)] = Field(default=False, alias="selector")


class Service(FleetObject):
    """`v1` Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Model):
    """The state of an endpoint. As in kube-proxy, absent `ready` and `serving` mean true."""

    ready: StrictBool | None = None
    serving: StrictBool | None = None
    terminating: StrictBool | None = None


class TargetRef(Model):
    """The object behind an endpoint, usually a Pod."""

    kind: StrictStr = ""
    name: StrictStr = ""


class Endpoint(Item):
    """One endpoint of a slice. Its addresses are interchangeable, and only the first is used."""

    addresses: tuple[StrictStr, ...]
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None
    node_name: StrictStr = ""


class EndpointPort(Model):
    """One port of a slice; `name` is the name of the Service's port."""

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
    """`v1` Pod; Pods are read only if an Ingress selects Pods by label."""

    metadata: LabelledMetadata


class NodeAddress(Item):
    """One address of a node. Of its types, InternalIP and ExternalIP hold IP addresses."""

    type: StrictStr = ""
    address: StrictStr = ""


class NodeCondition(Item):
    """One condition of a node, such as Ready. `status` is True, False or Unknown."""

    type: StrictStr = ""
    status: StrictStr = ""


class NodeStatus(Model):
    """`Node.status`, without the times of heartbeats."""

    addresses: tuple[NodeAddress, ...] = ()
    conditions: tuple[NodeCondition, ...] = ()


class Node(FleetObject):
    """`v1` Node; nodes are read only in members whose Services are reached by node ports."""

    metadata: LabelledMetadata
    status: NodeStatus = NodeStatus()
