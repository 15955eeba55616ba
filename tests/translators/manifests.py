"""Manifests of single objects, made by tests.support.builders with defaults that fit together.

The Ingress leads to the Service, the EndpointSlice belongs to it, and the gateways attach the
members c1 and c2.
"""

from dataclasses import replace
from typing import Any, TypeAlias

from tests.support.builders import (
    alb_class,
    alb_gateway,
    ingress,
    mse_gateway,
    service,
    slice_of,
)

Manifest: TypeAlias = dict[str, Any]  # as YAML has it


def gateway_manifest(
    name: str = "gw", members: str = "c1,c2", ingress_class: str | None = "mse"
) -> Manifest:
    made = mse_gateway(name, ingress_class=ingress_class)
    return made.annotate({"mse.alibabacloud.com/remote-clusters": members}).manifest


def alb_gateway_manifest(
    name: str = "alb", members: str = "c1,c2", ports: tuple[int, ...] = (80,)
) -> Manifest:
    made = alb_gateway(name, ports=ports)
    return made.annotate({"alb.ingress.kubernetes.io/remote-clusters": members}).manifest


def alb_class_manifest(name: str = "alb", gateway: str = "alb") -> Manifest:
    return alb_class(name, gateway=gateway).manifest


def ingress_manifest(
    name: str,
    host: str = "example.com",
    path: str = "/",
    service: str = "web",
    *,
    kind: str = "Prefix",
    ingress_class: str = "mse",
    annotations: dict[str, str] | None = None,
) -> Manifest:
    made = ingress(name, host=host).path(path, to=f"{service}:80", kind=kind)
    return made.of_class(ingress_class).annotate(annotations or {}).manifest


def service_manifest(name: str = "web", port: int = 80) -> Manifest:
    return service(name, ports={"http": port}).manifest


def slice_manifest(*addresses: str, service: str = "web", name: str = "") -> Manifest:
    pods = [f"{service}-{address}" for address in addresses]
    made = slice_of(service, addresses=addresses, pods=pods, port_name="http")
    return replace(made, name=name or f"{service}-1").manifest
