"""Where RBAC lets fleetgate read some Secrets only, the others cost nobody anything."""

import asyncio
import json
from typing import Any

import pytest

from fleet.kubernetes.connection import ApiServer
from fleet.models import Ingress, Secret
from fleet.ref import HUB, Ref
from fleet.sources.kubernetes import KubernetesSource
from tests.fleet.kubernetes_rig import HOME, declare
from tests.fleet.rigs import Listener, listening
from tests.support.builders import ingress, secret
from tests.support.kube import Cluster, Clusters

OPEN, CLOSED = "open", "closed"
ALLOWED = Ref(HUB, "Secret", OPEN, "cert")
DENIED = Ref(HUB, "Secret", CLOSED, "cert")
WITHOUT_GET = [
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
    {
        "apiGroups": ["networking.k8s.io", "mse.alibabacloud.com", "alibabacloud.com"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch"],
    },
]
GET = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    """An account that may get Secrets in one of two namespaces, each with an Ingress with TLS."""
    hub = clusters.hub
    hub.install_crds()
    for namespace in (HOME, OPEN, CLOSED):
        hub.namespace(namespace)
    hub.kubectl("create", "serviceaccount", "reader", f"--namespace={HOME}")
    grant(hub, "ClusterRole", WITHOUT_GET)
    grant(hub, "Role", GET, OPEN)
    for namespace in (OPEN, CLOSED):
        shop = ingress("shop", host="example.com").path("/", to="shop:80").tls("cert")
        cert = secret("cert", {"tls.crt": "YQ==", "tls.key": "YQ=="})
        for thing in (shop, cert):
            declare(hub, thing.in_namespace(namespace).manifest)
    return hub


def grant(hub: Cluster, kind: str, rules: list[dict[str, Any]], namespace: str = "") -> None:
    """Give the account rights, everywhere or in a namespace."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "reader"} | ({"namespace": namespace} if namespace else {})
    account = {"kind": "ServiceAccount", "name": "reader", "namespace": HOME}
    items = [
        {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": kind, "name": "reader"},
            "subjects": [account],
        },
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    hub.kubectl("apply", "--filename=-", stdin=body)


def test_a_secret_that_may_not_be_read_is_a_problem_of_its_ingress_until_it_may(
    hub: Cluster,
) -> None:
    token = hub.kubectl("create", "token", "reader", f"--namespace={HOME}").strip()
    config = hub.config(token)
    source = KubernetesSource(lambda: ApiServer.from_kubeconfig(config), {}, HOME)

    async def story() -> None:
        async with listening(source) as listener:
            await listener.until(lambda: HUB in listener.state.origins)
            assert listener.state.origins[HUB].reachable, listener.state.origins[HUB].message
            assert listener.state.table(Ingress).keys() == {
                Ref(HUB, "Ingress", namespace, "shop") for namespace in (OPEN, CLOSED)
            }
            assert listener.state.table(Secret).keys() == {ALLOWED}
            assert_told(listener)
            await asyncio.to_thread(grant, hub, "Role", GET, CLOSED)
            await listener.until(lambda: DENIED in listener.state.table(Secret))
            assert not listener.state.problems

    asyncio.run(story())


def assert_told(listener: Listener) -> None:
    ((problem,),) = listener.state.problems.values()
    assert problem.at == Ref(HUB, "Ingress", CLOSED, "shop")
    assert problem.reason == "SecretUnreadable"
    assert "does not let fleetgate get secrets" in problem.expected
    assert 'secrets "cert" is forbidden' in problem.expected
