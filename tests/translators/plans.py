"""Plans of hosts in a short form: Ingresses are built of lines, and routes are shown as lines."""

from fleet.models import Ingress
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import ingress
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
HIGRESS = "higress.io/"


def ingress_with(
    name: str,
    *paths: str,
    host: str = "example.com",
    created: str | None = None,
    default: str | None = None,
    annotations: dict[str, str] | None = None,
    ingress_class: str | None = None,
) -> Ingress:
    """Build an Ingress of one host from a text for each path, such as "Exact /a to svc:80"."""
    made = ingress(name, host=host if paths else None).annotate(annotations or {})
    for text in paths:
        kind, path, _, backend = text.split()
        made = made.path(path, to=backend, kind=kind)
    if created:
        made = made.created(created)
    if ingress_class:
        made = made.of_class(ingress_class)
    if default:
        made = made.default(default)
    return made.model()


def plan(*ingresses: Ingress, host: str = "example.com") -> HostPlan:
    """Plan a host. The Ingresses are reversed, because their order must not matter."""
    rows = [
        read_mse_ingress(Ref(HUB, "Ingress", "default", i.metadata.name), i)
        for i in reversed(ingresses)
    ]
    return plan_host([row for row in rows if (MSE_TABLES, host) in row.hosts], host, MSE_TABLES)


def routes(*ingresses: Ingress, host: str = "example.com") -> list[str]:
    """Show the routes of a host in order, such as "Exact /a header stage=gray -> svc/80"."""
    return [_line(rule) for rule in plan(*ingresses, host=host).everything]


def problems(*ingresses: Ingress, host: str = "example.com") -> list[Problem]:
    """Return the problems of each Ingress by itself, and those of the plan."""
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
