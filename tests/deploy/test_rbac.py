"""The accounts may do what fleetgate does, and nothing else."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
import yaml

from tests.deploy.rendered import (
    DEPLOY,
    NAMESPACE,
    helm,
    kustomize,
    kustomize_overlay,
    objects,
)
from tests.support.kube import Cluster, Clusters

EVERYWHERE = ""
OTHER = "shop"
MEMBERS_OWN = "fleetgate-member"


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """To do something with `resource.group/subresource`, maybe one of a name, somewhere."""

    verb: str
    resource: str
    namespace: str = EVERYWHERE
    name: str = ""

    def held_by(self, account: Account, cluster: Cluster) -> bool:
        """What the API server answers to `kubectl auth can-i`."""
        kind, _, subresource = self.resource.partition("/")
        resource, _, group = kind.partition(".")
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{account.namespace}:{account.name}",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "resourceAttributes": {
                    "verb": self.verb,
                    "group": group,
                    "resource": resource,
                    "subresource": subresource,
                    "namespace": self.namespace,
                    "name": self.name,
                },
            },
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        status, answer = cluster.ask("POST", path, review)
        assert status == 201, answer
        return bool(answer["status"]["allowed"])


def rights(verbs: str, resource: str, namespace: str = EVERYWHERE, name: str = "") -> list[Right]:
    return [Right(verb, resource, namespace, name) for verb in verbs.split()]


CONTROL_PLANE = Account(NAMESPACE, "fleetgate")
READER = Account(MEMBERS_OWN, "fleetgate-member")

ON_THE_HUB = [
    *rights("get list watch", "ingresses.networking.k8s.io"),
    *rights("get list watch", "ingressclasses.networking.k8s.io"),
    *rights("get list watch", "mseingressconfigs.mse.alibabacloud.com"),
    *rights("get list watch", "albconfigs.alibabacloud.com"),
    *rights("get list watch", "secrets", NAMESPACE),
    *rights("patch", "ingresses.networking.k8s.io/status"),
    *rights("patch", "mseingressconfigs.mse.alibabacloud.com/status"),
    *rights("patch", "albconfigs.alibabacloud.com/status"),
    *rights("get list create patch", "events"),
    *rights("list", "leases.coordination.k8s.io"),
    *rights("get list create update patch delete", "leases.coordination.k8s.io", NAMESPACE),
    *rights("update", "secrets", NAMESPACE, "fleetgate-xds-ca"),
    *rights("create", "secrets", NAMESPACE),
    *rights("list watch", "services", NAMESPACE),
]
"""What the control plane does with the hub, as its requests show, but for Secrets elsewhere."""

SECRETS = rights("get list watch", "secrets")
"""What it may read of them, unless that is narrowed."""

IN_ONE_NAMESPACE = rights("get list watch", "secrets", OTHER)
"""What it may read of them where each namespace says it for itself."""

FOR_GATEWAYS = [
    right
    for resource in (
        "deployments.apps",
        "poddisruptionbudgets.policy",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "services",
    )
    for right in rights("list watch create patch delete", resource, NAMESPACE)
]
"""What it does with --manage-gateways."""

NEVER_ON_THE_HUB = [
    *rights("create update patch delete", "ingresses.networking.k8s.io"),
    *rights("create update patch delete", "mseingressconfigs.mse.alibabacloud.com"),
    *rights("create update patch delete", "albconfigs.alibabacloud.com"),
    *rights("create update patch delete", "secrets", OTHER),
    *rights("update", "secrets", NAMESPACE, "member-c1"),
    *rights("create patch delete", "deployments.apps", OTHER),
    *rights("create patch delete", "services", OTHER),
    *rights("get list create delete", "pods", NAMESPACE),
    *rights("create", "pods/exec", NAMESPACE),
    *rights("create", "serviceaccounts/token", NAMESPACE),
    *rights("get update delete", "leases.coordination.k8s.io", OTHER),
    *rights("delete", "events"),
    *rights("create patch bind escalate", "roles.rbac.authorization.k8s.io", NAMESPACE),
    *rights("create patch bind escalate", "clusterroles.rbac.authorization.k8s.io"),
    *rights("get list", "nodes"),
    *rights("list", "namespaces"),
]

IN_A_MEMBER = [
    *rights("get list watch", "services"),
    *rights("get list watch", "pods"),
    *rights("list watch", "nodes"),
    *rights("get list watch", "endpointslices.discovery.k8s.io"),
]

NEVER_IN_A_MEMBER = [
    *rights("create update patch delete", "services"),
    *rights("create update patch delete", "pods"),
    *rights("create update patch delete", "endpointslices.discovery.k8s.io"),
    *rights("create update patch delete", "nodes"),
    *rights("get", "nodes/proxy"),
    *rights("get", "pods/log"),
    *rights("create", "pods/exec"),
    *rights("get list watch", "secrets"),
    *rights("get list watch", "secrets", MEMBERS_OWN),
    *rights("get list watch", "configmaps"),
    *rights("get list watch", "deployments.apps"),
]


def _hub() -> str:
    return kustomize(DEPLOY)


def _without_gateways() -> str:
    return helm(values={"manageGateways": False})


def _by_namespace() -> str:
    """Return the manifests that docs/installing.md shows for a Role in one namespace."""
    return kustomize_overlay(["secrets-by-namespace"]) + "---\n" + _role(OTHER)


def _chart_by_namespace() -> str:
    return helm(values={"secretNamespaces": [OTHER], "manageGateways": False})


def _role(namespace: str) -> str:
    """What `kubectl apply -n NAMESPACE -k deploy/secrets-role` makes."""
    made = objects(kustomize(DEPLOY / "secrets-role")).values()
    placed = [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in made]
    return yaml.safe_dump_all(placed)


def _member() -> str:
    return kustomize(DEPLOY / "member")


@pytest.mark.parametrize(
    ("render", "account", "allowed", "denied"),
    [
        pytest.param(
            _hub,
            CONTROL_PLANE,
            [*ON_THE_HUB, *SECRETS, *FOR_GATEWAYS],
            NEVER_ON_THE_HUB,
            id="hub",
        ),
        pytest.param(
            _without_gateways,
            CONTROL_PLANE,
            [*ON_THE_HUB, *SECRETS],
            [*NEVER_ON_THE_HUB, *(set(FOR_GATEWAYS) - set(ON_THE_HUB))],
            id="hub-without-gateways",
        ),
        pytest.param(
            _by_namespace,
            CONTROL_PLANE,
            [*ON_THE_HUB, *IN_ONE_NAMESPACE, *FOR_GATEWAYS],
            [*NEVER_ON_THE_HUB, *SECRETS, *rights("get list watch", "secrets", "default")],
            id="hub-by-namespace",
        ),
        pytest.param(
            _chart_by_namespace,
            CONTROL_PLANE,
            [*ON_THE_HUB, *IN_ONE_NAMESPACE],
            [*NEVER_ON_THE_HUB, *SECRETS, *rights("get list watch", "secrets", "default")],
            id="chart-by-namespace",
        ),
        pytest.param(_member, READER, IN_A_MEMBER, NEVER_IN_A_MEMBER, id="member"),
    ],
)
def test_an_account_may_do_what_is_needed_and_no_more(
    render: Callable[[], str],
    account: Account,
    allowed: list[Right],
    denied: list[Right],
    clusters: Clusters,
) -> None:
    hub = clusters.hub
    rendered = render()
    _grant(hub, rendered)

    assert set(_granted(rendered)) == set(allowed)
    missing = [right for right in allowed if not _soon_held(right, account, hub)]
    assert missing == []
    denied = [right for right in denied if not _implied(right, allowed)]
    assert [right for right in denied if right.held_by(account, hub)] == []


@pytest.mark.parametrize("table", [ON_THE_HUB, FOR_GATEWAYS, NEVER_ON_THE_HUB, NEVER_IN_A_MEMBER])
def test_the_tables_name_what_exists(table: list[Right], clusters: Clusters) -> None:
    clusters.hub.install_crds()
    known = set(clusters.hub.kubectl("api-resources", "--output=name").split())

    assert {right.resource.partition("/")[0] for right in table} <= known


def _soon_held(right: Right, account: Account, cluster: Cluster) -> bool:
    """Whether a right is held once the API server's authorizer has seen what was just granted."""
    end = time.monotonic() + 10
    while not right.held_by(account, cluster):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _implied(right: Right, allowed: Iterable[Right]) -> bool:
    """Whether a right on all of a hub is a right in one of its namespaces, too."""
    return any(
        (one.verb, one.resource, one.namespace, one.name)
        == (right.verb, right.resource, EVERYWHERE, "")
        for one in allowed
    )


def _granted(rendered: str) -> Iterator[Right]:
    """Every right that the manifests' roles hold, flat."""
    for role in objects(rendered).values():
        if role["kind"] not in {"ClusterRole", "Role"}:
            continue
        namespace = role["metadata"]["namespace"] if role["kind"] == "Role" else EVERYWHERE
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    kind, slash, subresource = resource.partition("/")
                    full = f"{kind}.{group}" if group else kind
                    for verb in rule["verbs"]:
                        for name in rule.get("resourceNames", [""]):
                            yield Right(verb, f"{full}{slash}{subresource}", namespace, name)


def _grant(cluster: Cluster, rendered: str) -> None:
    for namespace in (NAMESPACE, MEMBERS_OWN, OTHER):
        cluster.namespace(namespace)
    grants = [one for one in objects(rendered).values() if "rbac" in one["apiVersion"]]
    cluster.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(grants))
