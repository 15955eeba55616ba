"""Builders that make an object of a fleet in one line.

    ingress("shop", host="example.com").path("/cart", to="cart:80", kind="Prefix").of_class("mse")
    service("cart", ports={"http": 80})
    slice_of("cart", addresses=["10.0.0.1"], port=8080, port_name="http")

Every step gives a new builder, so that a test can vary one object in several ways. `manifest` is
the object as a user writes it, `model()` as fleetgate reads it, and `ref()` is its name in the
fleet.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import yaml

from fleet.models import EndpointSlice, Ingress, IngressClass, Model, Node, Pod, Secret, Service
from fleet.ref import HUB, Ref
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.mse.objects import MseIngressConfig

Manifest: TypeAlias = Mapping[str, Any]  # as YAML has it
T = TypeVar("T", bound=Model)
B = TypeVar("B", bound="Builder[Any]")  # each builder gives its own kind of builder

_CLUSTER_SCOPED = (IngressClass, Node, MseIngressConfig, AlbConfig)


@dataclass(frozen=True)
class Builder(Generic[T]):
    """One object: its model, its apiVersion, and its content."""

    kind: type[T]
    api_version: str
    name: str
    body: Manifest = field(default_factory=dict)
    namespace: str = "default"
    metadata: Manifest = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        """The object as a user writes it."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.kind not in _CLUSTER_SCOPED:
            metadata["namespace"] = self.namespace
        metadata |= deepcopy(dict(self.metadata))
        head = {"apiVersion": self.api_version, "kind": self.kind.__name__, "metadata": metadata}
        return head | deepcopy(dict(self.body))

    def model(self) -> T:
        """The object as fleetgate reads it."""
        return self.kind.model_validate(self.manifest)

    def ref(self, origin: str = HUB) -> Ref:
        """The object's name in the fleet."""
        namespace = "" if self.kind in _CLUSTER_SCOPED else self.namespace
        return Ref(origin, self.kind.__name__, namespace, self.name)

    def annotate(self: B, annotations: Mapping[str, object]) -> B:
        """Add annotations. A value that is no text, such as `10`, is written without quotes."""
        return self._with_texts("annotations", annotations)

    def label(self: B, labels: Mapping[str, object]) -> B:
        """Add labels."""
        return self._with_texts("labels", labels)

    def created(self: B, moment: str) -> B:
        """Set the time of the creation, such as "2026-01-31T12:00:00Z"."""
        return replace(self, metadata={**self.metadata, "creationTimestamp": moment})

    def in_namespace(self: B, namespace: str) -> B:
        """Move the object to another namespace."""
        return replace(self, namespace=namespace)

    def with_spec(self: B, **fields: object) -> B:
        """Set or replace fields of the spec, by Kubernetes' names."""
        return replace(self, body={**self.body, "spec": {**self.body.get("spec", {}), **fields}})

    def _with_texts(self: B, part: str, texts: Mapping[str, object]) -> B:
        merged = {**self.metadata.get(part, {}), **texts}
        return replace(self, metadata={**self.metadata, part: merged})


@dataclass(frozen=True)
class IngressBuilder(Builder[Ingress]):
    """An Ingress. `path` adds to the host that was named last."""

    def host(self, host: str) -> "IngressBuilder":
        """Begin the rule of a host. "" stands for every host that no other rule names."""
        return self.with_spec(rules=[*self._rules, {"host": host} if host else {}])

    def path(self, path: str, *, to: str, kind: str | None = "Prefix") -> "IngressBuilder":
        """Add a path. `to` is "service:port", with the port by number or by name."""
        entry: dict[str, object] = {"path": path, "backend": _backend(to)}
        if kind is not None:
            entry["pathType"] = kind
        *before, rule = self._rules or [{}]
        paths = [*rule.get("http", {}).get("paths", []), entry]
        return self.with_spec(rules=[*before, {**rule, "http": {"paths": paths}}])

    def default(self, to: str) -> "IngressBuilder":
        """Set `spec.defaultBackend`."""
        return self.with_spec(defaultBackend=_backend(to))

    def of_class(self, name: str) -> "IngressBuilder":
        """Set `spec.ingressClassName`."""
        return self.with_spec(ingressClassName=name)

    def tls(self, secret_name: str, *hosts: str) -> "IngressBuilder":
        """Add a certificate for hosts."""
        entry = {"secretName": secret_name, "hosts": list(hosts)}
        return self.with_spec(tls=[*self._spec.get("tls", []), entry])

    @property
    def _spec(self) -> Manifest:
        return dict(self.body.get("spec", {}))

    @property
    def _rules(self) -> list[Any]:  # as YAML has it
        return list(self._spec.get("rules", []))


def _backend(text: str) -> dict[str, object]:
    service, _, port = text.partition(":")
    number = {"number": int(port)} if port.isdigit() else {"name": port}
    return {"service": {"name": service, "port": number}}


def ingress(name: str, *, host: str | None = None) -> IngressBuilder:
    """An Ingress without rules, or with an empty rule of a host."""
    made = IngressBuilder(Ingress, "networking.k8s.io/v1", name)
    return made if host is None else made.host(host)


def ingress_class(
    name: str, *, gateway: str | None = None, controller: str = "mse.alibabacloud.com/ingress"
) -> Builder[IngressClass]:
    """An IngressClass; `gateway` is the MseIngressConfig that its parameters name."""
    group, kind = "mse.alibabacloud.com", "MseIngressConfig"
    spec: dict[str, object] = {"controller": controller}
    if gateway is not None:
        spec["parameters"] = {"apiGroup": group, "kind": kind, "name": gateway}
    return Builder(IngressClass, "networking.k8s.io/v1", name, {"spec": spec})


def mse_gateway(
    name: str = "gw", *, members: Iterable[str] = (), ingress_class: str | None = "mse"
) -> Builder[MseIngressConfig]:
    """An MSE gateway. If `ingress_class` is None, it takes no Ingress."""
    local = {} if ingress_class is None else {"ingressClass": ingress_class}
    spec = {"name": name, "ingress": {"local": local}}
    made = Builder(MseIngressConfig, "mse.alibabacloud.com/v1alpha1", name, {"spec": spec})
    attached = ",".join(members)
    return made.annotate({"mse.alibabacloud.com/remote-clusters": attached}) if attached else made


def alb_class(name: str = "alb", *, gateway: str | None = "gw") -> Builder[IngressClass]:
    """An IngressClass of ALB's controller; `gateway` is the AlbConfig that its parameters name."""
    spec: dict[str, object] = {"controller": "ingress.k8s.alibabacloud/alb"}
    if gateway is not None:
        parameters = {"apiGroup": "alibabacloud.com", "kind": "AlbConfig", "name": gateway}
        spec["parameters"] = parameters
    return Builder(IngressClass, "networking.k8s.io/v1", name, {"spec": spec})


def alb_gateway(
    name: str = "gw",
    *,
    members: Iterable[str] = (),
    ports: Iterable[object] = (80,),
    listeners: Iterable[Mapping[str, object]] | None = None,
) -> Builder[AlbConfig]:
    """An ALB gateway with these listeners, or else one for HTTP on each of the ports."""
    if listeners is None:
        listeners = [{"port": port, "protocol": "HTTP"} for port in ports]
    made = Builder(AlbConfig, "alibabacloud.com/v1", name, {"spec": {"listeners": [*listeners]}})
    attached = ",".join(members)
    key = "alb.ingress.kubernetes.io/remote-clusters"
    return made.annotate({key: attached}) if attached else made


def secret(name: str, data: Mapping[str, str] | None = None) -> Builder[Secret]:
    """A TLS Secret. The values are in base64, as in manifests."""
    body = {"type": "kubernetes.io/tls", "data": dict(data or {})}
    return Builder(Secret, "v1", name, body)


def service(name: str, *, ports: Mapping[str, int] | None = None) -> Builder[Service]:
    """A Service with its ports by name, "" for a port without a name."""
    entries = [
        {"port": port, **({"name": key} if key else {})}
        for key, port in (ports or {"": 80}).items()
    ]
    return Builder(Service, "v1", name, {"spec": {"ports": entries}})


def slice_of(
    service: str,
    *,
    addresses: Iterable[str] = (),
    port: int = 8080,
    port_name: str = "",
    pods: Iterable[str] = (),
    nodes: Iterable[str] = (),
    unready: Iterable[str] = (),
    terminating: Iterable[str] = (),
    suffix: str = "1",
) -> Builder[EndpointSlice]:
    """An EndpointSlice of a Service. `pods` names the Pods behind the addresses, in order, and
    `nodes` those that they run on.

    The addresses in `terminating` still serve.
    """
    names = list(pods)
    ending = {"ready": False, "serving": True, "terminating": True}
    endpoints: list[dict[str, Any]] = [
        {"addresses": [address], "conditions": dict(conditions)}
        for conditions, group in (
            ({"ready": True}, addresses),
            ({"ready": False}, unready),
            (ending, terminating),
        )
        for address in group
    ]
    for endpoint, pod_name in zip(endpoints, names, strict=False):
        endpoint["targetRef"] = {"kind": "Pod", "name": pod_name}
    for endpoint, node_name in zip(endpoints, nodes, strict=False):
        endpoint["nodeName"] = node_name
    body = {
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"port": port, **({"name": port_name} if port_name else {})}],
    }
    made = Builder(EndpointSlice, "discovery.k8s.io/v1", f"{service}-{suffix}", body)
    return made.label({"kubernetes.io/service-name": service})


def pod(name: str, **labels: str) -> Builder[Pod]:
    """A Pod with labels."""
    return Builder(Pod, "v1", name).label(labels)


def node(name: str, *, ready: str = "True", **addresses: str) -> Builder[Node]:
    """A node with one address of each type; `ready` is the status of its condition Ready."""
    status = {
        "addresses": [{"type": kind, "address": address} for kind, address in addresses.items()],
        "conditions": [{"type": "Ready", "status": ready}],
    }
    return Builder(Node, "v1", name, {"status": status})


def write(root: Path, name: str, *objects: Builder[Any] | Manifest | str) -> Path:
    """Write a file of manifests, and replace an older one at once. A text is written unchanged."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}~")  # sources ignore hidden files
    draft.write_text("---\n".join(map(_text, objects)), encoding="utf-8")
    return draft.replace(path)


def _text(thing: Builder[Any] | Manifest | str) -> str:
    if isinstance(thing, str):
        return thing
    manifest = thing.manifest if isinstance(thing, Builder) else dict(thing)
    return yaml.safe_dump(manifest, sort_keys=False)
