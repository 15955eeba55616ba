"""Secrets that RBAC does not let fleetgate read affect only the Ingresses that reference them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from fleet.kubernetes.connection import ApiServer
from fleet.models import Ingress, Secret
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources.kubernetes import KubernetesSource
from tests.fleet.kubernetes_rig import HOME, declare
from tests.fleet.rigs import Listener, listening
from tests.support.builders import ingress, secret
from tests.support.kube import Cluster, Clusters
from translators.dialects import DIALECTS

OPEN, CLOSED, TRUSTED = "open", "closed", "trusted"
ALLOWED = Ref(HUB, "Secret", OPEN, "cert")
DENIED = Ref(HUB, "Secret", CLOSED, "cert")
EVERYTHING_ELSE = [
    {
        "apiGroups": ["networking.k8s.io", "mse.alibabacloud.com", "alibabacloud.com"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch"],
    },
]
READ = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}]
GET = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
ONE = [{**READ[0], "resourceNames": ["cert"]}]


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    """A hub with Ingresses in two namespaces, and an account that reads Secrets in a third one."""
    hub = clusters.hub
    hub.install_crds()
    for namespace in (HOME, OPEN, CLOSED, TRUSTED):
        hub.namespace(namespace)
    hub.kubectl("create", "serviceaccount", "reader", f"--namespace={HOME}")
    grant(hub, "ClusterRole", EVERYTHING_ELSE)
    grant(hub, "Role", READ, HOME)
    for namespace in (OPEN, CLOSED):
        shop = ingress("shop", host="example.com").path("/", to="shop:80").tls("cert")
        cert = secret("cert", {"tls.crt": "YQ==", "tls.key": "YQ=="})
        for thing in (shop, cert):
            declare(hub, thing.in_namespace(namespace).manifest)
    return hub


def grant(hub: Cluster, kind: str, rules: list[dict[str, Any]], namespace: str = "") -> None:
    """Grant rights to the account, in all namespaces or in one."""
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


def play(
    hub: Cluster,
    script: Callable[[Listener], Awaitable[None]],
    *,
    trusted: Sequence[str] = (),
    followed: Sequence[str] = (),
) -> None:
    """Read the hub by that account, and run the script once the hub has been listed."""
    token = hub.kubectl("create", "token", "reader", f"--namespace={HOME}").strip()
    config = hub.config(token)
    source = KubernetesSource(
        DIALECTS.kinds,
        lambda: ApiServer.from_kubeconfig(config),
        {},
        HOME,
        trusted,
        followed=followed,
    )

    async def run() -> None:
        async with listening(source) as listener:
            await listener.until(lambda: HUB in listener.state.origins)
            assert listener.state.origins[HUB].reachable, listener.state.origins[HUB].message
            assert listener.state.table(Ingress).keys() == {
                Ref(HUB, "Ingress", namespace, "shop") for namespace in (OPEN, CLOSED)
            }
            await script(listener)

    asyncio.run(run())


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(READ, id="all-of-a-namespace"),
        pytest.param(ONE, id="one-by-its-name"),
        pytest.param(GET, id="without-a-watch"),
    ],
)
def test_a_secret_that_may_not_be_read_is_a_problem_of_its_ingress_until_it_may(
    hub: Cluster, rules: list[dict[str, Any]]
) -> None:
    grant(hub, "Role", rules, OPEN)

    async def script(listener: Listener) -> None:
        assert listener.state.table(Secret).keys() == {ALLOWED}
        (problem,) = listener.problems
        assert problem.at == Ref(HUB, "Ingress", CLOSED, "shop")
        assert problem.reason == "SecretUnreadable"
        assert "does not let fleetgate get secrets" in problem.expected
        assert 'secrets "cert" is forbidden' in problem.expected
        await asyncio.to_thread(grant, hub, "Role", rules, CLOSED)
        await listener.until(lambda: DENIED in listener.state.table(Secret))
        assert not listener.problems
        changed = secret("cert", {"tls.crt": "Yg==", "tls.key": "Yg=="}).in_namespace(OPEN)
        declare(hub, changed.manifest)
        await listener.until(
            lambda: listener.state.table(Secret)[ALLOWED].data["tls.crt"] == "Yg=="
        )

    play(hub, script)


def test_a_trusted_namespace_that_may_not_be_read_is_told_and_delays_nobody(hub: Cluster) -> None:
    for namespace in (OPEN, CLOSED):
        grant(hub, "Role", READ, namespace)

    def told(listener: Listener) -> list[Problem]:
        return [p for p in listener.problems if p.reason == "SecretsUnreadable"]

    async def script(listener: Listener) -> None:
        assert listener.state.table(Secret).keys() == {ALLOWED, DENIED}
        (problem,) = told(listener)
        assert problem.at == Ref(HUB, "Namespace", "", TRUSTED)
        assert "does not let fleetgate list secrets" in problem.expected
        await asyncio.to_thread(grant, hub, "Role", READ, TRUSTED)
        await listener.until(lambda: not told(listener))

    play(hub, script, trusted=[TRUSTED])


def test_references_are_followed_where_the_operator_says(hub: Cluster) -> None:
    for namespace in (OPEN, CLOSED):
        grant(hub, "Role", READ, namespace)

    async def script(listener: Listener) -> None:
        assert listener.state.table(Secret).keys() == {ALLOWED}
        (problem,) = listener.problems
        assert problem.at == Ref(HUB, "Ingress", CLOSED, "shop")
        assert "--secret-namespace names open, and not closed" in problem.expected

    play(hub, script, followed=[OPEN])
