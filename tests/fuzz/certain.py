"""Objects that stand beside random ones, so that what is counted does not depend on chance."""

from collections.abc import Iterator
from typing import Any, Final

from tests.support.builders import IngressBuilder, ingress, service, slice_of

Json = Any  # a manifest

SERVICE: Final = "certain"
_TO: Final = f"{SERVICE}:80"
_NGINX: Final = "nginx.ingress.kubernetes.io/"
_MSE: Final = "mse.ingress.kubernetes.io/"
_AUTH: Final = f"{_NGINX}auth-url"

_EFFECTS: Final = (
    *({f"{_NGINX}backend-protocol": name} for name in ("HTTP2", "GRPC", "HTTPS", "GRPCS")),
    {_AUTH: f"http://{SERVICE}.default.svc.cluster.local/check"},
    {_AUTH: "http://auth.invalid/check"},
    {f"{_NGINX}default-backend": SERVICE},
    {f"{_MSE}subset-labels": "\n".join(f"label-{n}.example.com v{n}" for n in range(32))},
    *({f"{_NGINX}force-ssl-redirect": "true"} for _ in range(4)),
)
"""Annotations, each with an effect of its own."""

_FAULTS: Final = (
    {f"{_NGINX}proxy-read-timeout": "soon"},
    {f"{_NGINX}server-snippet": "deny all;"},
    {f"{_NGINX}rewrite-targe": "/"},
    {f"{_MSE}destination": f"{SERVICE}.other.svc.cluster.local:80"},
)
"""Annotations, each with a problem of its own."""

_CANARIES: Final = 20
"""Canaries of a path with a pattern each; not all of them may have one."""


def ingresses() -> list[Json]:
    """Return Ingresses that have each effect and each problem that is counted."""
    return [each.of_class("mse").manifest for each in _of_mse()] + [
        _on(f"alb-{number}").of_class("alb").manifest for number in range(20)
    ]


def backends() -> list[Json]:
    """Return their Service, without a usable Pod."""
    made = service(SERVICE), slice_of(SERVICE, addresses=["10.0.0.1"])
    return [each.manifest for each in made]


def _of_mse() -> Iterator[IngressBuilder]:
    for number, annotations in enumerate((*_EFFECTS, *_FAULTS)):
        yield _on(f"one-{number}").annotate(annotations)
    for name in ("first", "second"):
        yield ingress(name, host="conflict.certain.test").path("/", to=_TO)
    yield ingress("path", host="path.certain.test").path("no-slash", to=_TO)
    yield ingress("field", host="field.certain.test").with_spec(rules=5)
    yield _on("shared")
    yield ingress("foreign", host="shared.certain.test").path("/b", to=_TO).in_namespace("other")
    yield _on("crowd")
    for number in range(_CANARIES):
        by_header = {"": "true", "-by-header": "stage", "-by-header-pattern": f"v{number}"}
        annotations = {f"{_NGINX}canary{end}": value for end, value in by_header.items()}
        canary = ingress(f"crowd-{number}", host="crowd.certain.test").path("/", to=_TO)
        yield canary.annotate(annotations)


def _on(name: str) -> IngressBuilder:
    return ingress(name, host=f"{name}.certain.test").path("/", to=_TO)
