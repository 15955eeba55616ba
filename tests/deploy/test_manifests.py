"""Every manifest is accepted by a real API server, and runs under the restricted profile."""

from collections.abc import Callable

import pytest
import yaml

from tests.deploy.rendered import (
    DEPLOY,
    NAMESPACE,
    Object,
    helm,
    kustomize,
    kustomize_overlay,
    objects,
)
from tests.support.kube import Clusters

SMALL = {
    "manageGateways": False,
    "replicas": 1,
    "state.claim": "known",
    "networkPolicy.enabled": False,
}


NARROW = {"secretNamespaces": ["default"]}


@pytest.mark.parametrize(
    "render",
    [
        pytest.param(lambda: kustomize(DEPLOY), id="kustomize"),
        pytest.param(helm, id="helm"),
        pytest.param(lambda: helm(values=SMALL), id="helm-small"),
        pytest.param(lambda: helm(values=NARROW), id="helm-by-namespace"),
        pytest.param(lambda: kustomize_overlay(["secrets-by-namespace"]), id="by-namespace"),
        pytest.param(lambda: kustomize(DEPLOY / "secrets-role"), id="secrets-role"),
        pytest.param(lambda: kustomize(DEPLOY / "member"), id="member"),
    ],
)
def test_the_api_server_accepts_all_of_it(render: Callable[[], str], clusters: Clusters) -> None:
    rendered = render()
    for namespace in (NAMESPACE, "fleetgate-member"):
        clusters.hub.namespace(namespace)

    said = clusters.hub.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=rendered
    )

    assert said.count("(server dry run)") == len(objects(rendered))


def test_its_namespace_takes_its_pods(clusters: Clusters) -> None:
    hub = clusters.hub
    made = objects(kustomize(DEPLOY))
    hub.kubectl("apply", "--filename=-", stdin=yaml.safe_dump(made["Namespace", NAMESPACE]))

    hub.kubectl("create", "--dry-run=server", "--filename=-", stdin=_pod(made))


def test_its_namespace_takes_no_pod_that_may_become_root(clusters: Clusters) -> None:
    hub = clusters.hub
    made = objects(kustomize(DEPLOY))
    hub.kubectl("apply", "--filename=-", stdin=yaml.safe_dump(made["Namespace", NAMESPACE]))
    del made["Deployment", "fleetgate"]["spec"]["template"]["spec"]["securityContext"]

    refused = hub.try_kubectl("create", "--dry-run=server", "--filename=-", stdin=_pod(made))

    assert "violates PodSecurity" in refused.stderr


@pytest.mark.parametrize("render", [lambda: kustomize(DEPLOY), helm], ids=["kustomize", "helm"])
def test_the_network_policy_opens_xds_to_all_and_the_admin_http_to_who_scrapes(
    render: Callable[[], str],
) -> None:
    made = objects(render())
    spec = made["NetworkPolicy", "fleetgate"]["spec"]
    template = made["Deployment", "fleetgate"]["spec"]["template"]

    labels = template["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    assert spec["policyTypes"] == ["Ingress"]
    monitoring = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert spec["ingress"] == [
        {"ports": [{"port": "xds"}]},
        {"from": [{"namespaceSelector": monitoring}], "ports": [{"port": "admin"}]},
    ]
    (container,) = template["spec"]["containers"]
    assert {port["name"] for port in container["ports"]} == {"xds", "admin"}


def _pod(made: dict[tuple[str, str], Object]) -> str:
    """A Pod as the Deployment's controller would make it, of which there is none here."""
    template = made["Deployment", "fleetgate"]["spec"]["template"]
    metadata = {**template["metadata"], "name": "fleetgate-1", "namespace": NAMESPACE}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata})
