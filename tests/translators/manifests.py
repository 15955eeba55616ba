"""Short manifests."""

from typing import Any

Manifest = dict[str, Any]  # as YAML has it


def gateway(
    name: str = "gw", members: str = "c1,c2", ingress_class: str | None = "mse"
) -> Manifest:
    return {
        "kind": "MseIngressConfig",
        "metadata": {
            "name": name,
            "annotations": {"mse.alibabacloud.com/remote-clusters": members},
        },
        "spec": {"ingress": {"local": {"ingressClass": ingress_class}}},
    }


def alb_gateway(
    name: str = "alb", members: str = "c1,c2", ports: tuple[int, ...] = (80,)
) -> Manifest:
    return {
        "kind": "AlbConfig",
        "metadata": {
            "name": name,
            "annotations": {"alb.ingress.kubernetes.io/remote-clusters": members},
        },
        "spec": {"listeners": [{"port": port, "protocol": "HTTP"} for port in ports]},
    }


def alb_class(name: str = "alb", gateway: str = "alb") -> Manifest:
    parameters = {"apiGroup": "alibabacloud.com", "kind": "AlbConfig", "name": gateway}
    return {
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": "ingress.k8s.alibabacloud/alb", "parameters": parameters},
    }


def ingress(
    name: str,
    host: str = "example.com",
    path: str = "/",
    service: str = "web",
    *,
    kind: str = "Prefix",
    port: int = 80,
    ingress_class: str = "mse",
    annotations: dict[str, str] | None = None,
) -> Manifest:
    backend = {"service": {"name": service, "port": {"number": port}}}
    paths = [{"path": path, "pathType": kind, "backend": backend}]
    return {
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {
            "ingressClassName": ingress_class,
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
    }


def service(name: str = "web", port: int = 80, port_name: str = "http") -> Manifest:
    return {
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"name": port_name, "port": port}]},
    }


def endpoint_slice(
    *addresses: str, service: str = "web", name: str = "", port: int = 8080, port_name: str = "http"
) -> Manifest:
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": name or f"{service}-1",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [a], "targetRef": {"kind": "Pod", "name": f"{service}-{a}"}}
            for a in addresses
        ],
        "ports": [{"name": port_name, "port": port}],
    }
