"""What a host serves, as lines that tests can compare."""

from fleet.models import Ingress
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.mse.ingress import read_mse_ingress
from translators.envoy.names import cluster_name
from translators.merge.hosts import plan_host
from translators.model.actions import Forward
from translators.model.conditions import Condition
from translators.model.host_plans import HostPlan
from translators.model.rules import Rule

NGINX = "nginx.ingress.kubernetes.io/"
MSE = "mse.ingress.kubernetes.io/"


def ingress(
    name: str,
    *paths: str,
    host: str = "example.com",
    created: str | None = None,
    default: str | None = None,
    annotations: dict[str, str] | None = None,
    ingress_class: str | None = None,
) -> Ingress:
    """An Ingress of one host; a path is "Exact /a to svc:80"."""
    rules = []
    for text in paths:
        kind, path, _, backend = text.split()
        rules.append({"path": path, "pathType": kind, "backend": _backend(backend)})
    spec: dict[str, object] = {"rules": [{"host": host, "http": {"paths": rules}}]} if rules else {}
    if ingress_class:
        spec["ingressClassName"] = ingress_class
    if default:
        spec["defaultBackend"] = _backend(default)
    metadata = {
        "name": name,
        "namespace": "default",
        "creationTimestamp": created,
        "annotations": annotations or {},
    }
    return Ingress.model_validate({"metadata": metadata, "spec": spec})


def _backend(text: str) -> dict[str, object]:
    service, _, port = text.partition(":")
    number = {"number": int(port)} if port.isdigit() else {"name": port}
    return {"service": {"name": service, "port": number}}


def plan(*ingresses: Ingress, host: str = "example.com") -> HostPlan:
    """Merge Ingresses; the order in which they are given must not matter, so it is turned."""
    rows = [
        read_mse_ingress(Ref(HUB, "Ingress", "default", i.metadata.name), i)
        for i in reversed(ingresses)
    ]
    return plan_host([row for row in rows if (MSE_TABLES, host) in row.hosts], host, MSE_TABLES)


def routes(*ingresses: Ingress, host: str = "example.com") -> list[str]:
    """The routes of a host in order, such as "Exact /a header stage=gray -> default/svc/80"."""
    return [_line(rule) for rule in plan(*ingresses, host=host).everything]


def problems(*ingresses: Ingress, host: str = "example.com") -> list[Problem]:
    """What is wrong with the Ingresses themselves, and between them."""
    own = [
        problem
        for i in ingresses
        for problem in read_mse_ingress(Ref(HUB, "Ingress", "default", i.metadata.name), i).problems
    ]
    return [*own, *plan(*ingresses, host=host).problems]


def _line(rule: Rule) -> str:
    assert isinstance(rule.action, Forward)
    shares = rule.action.shares
    names = [cluster_name(share.target).replace("default/", "") for share in shares]
    weights = [f" {share.weight}" if len(shares) > 1 else "" for share in shares]
    targets = [name + weight for name, weight in zip(names, weights, strict=True)]
    conditions = "".join(f" {_condition(c)}" for c in rule.conditions)
    return f"{rule.path}{conditions} -> {' | '.join(targets)}"


def _condition(condition: Condition) -> str:
    (value,) = condition.values
    return f"{condition.where.value} {condition.name}{'~' if value.regex else '='}{value.value}"
