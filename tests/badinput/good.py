"""A small fleet without a mistake, and where each object of it stands."""

from pathlib import Path

from fleet.models import EndpointSlice, Service
from tests.support.builders import Builder, ingress, mse_gateway, service, slice_of, write

ONE, TWO = "one", "two"

TARGET = "hub/target.yaml"
"""The file that mistakes are made in; it holds an Ingress and a canary of it."""

MAIN = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: main
spec:
  ingressClassName: mse
  rules:
  - host: target.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /more, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"""
CANARY = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: canary
  annotations:
    nginx.ingress.kubernetes.io/canary: "true"
    nginx.ingress.kubernetes.io/canary-by-header: stage
    nginx.ingress.kubernetes.io/canary-by-header-pattern: ^gray$
    nginx.ingress.kubernetes.io/canary-weight: "10"
spec:
  ingressClassName: mse
  rules:
  - host: target.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web-new, port: {number: 80}}}}
"""
GOOD = f"{MAIN}---\n{CANARY}"


def member_objects(number: int, name: str) -> tuple[Builder[Service], Builder[EndpointSlice]]:
    """A Service and its endpoints in the member of this number."""
    return service(name), slice_of(
        name, addresses=[f"10.0.0.{number + 1}" if name == "web" else f"10.1.0.{number + 1}"]
    )


def make(root: Path) -> None:
    """Write the fleet."""
    write(root, "hub/gateway.yaml", mse_gateway("gw", members=(ONE, TWO)))
    write(
        root,
        "hub/shop.yaml",
        ingress("shop", host="shop.test").path("/", to="web:80").of_class("mse"),
    )
    write(root, TARGET, GOOD)
    for number, member in enumerate((ONE, TWO)):
        for name in ("web", "web-new"):
            write(root, f"clusters/{member}/{name}.yaml", *member_objects(number, name))
