"""The chart gives what the kustomization gives, from values that are checked."""

import tomllib
from typing import Any

import pytest
import yaml

from tests.deploy.rendered import CHART, DEPLOY, Object, helm, helm_refuses, kustomize, objects

_OF_HELM = {"app.kubernetes.io/managed-by", "helm.sh/chart"}


def _deployment(rendered: str) -> Object:
    [found] = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] == "Deployment"]
    made: Object = found
    return made


def _args(rendered: str) -> list[str]:
    args: list[str] = _deployment(rendered)["spec"]["template"]["spec"]["containers"][0]["args"]
    return args


def _without_helms_labels(manifest: Object) -> Object:
    metadata: dict[str, Any] = dict(manifest["metadata"])  # a manifest
    if labels := metadata.get("labels"):
        metadata["labels"] = {k: v for k, v in labels.items() if k not in _OF_HELM}
    return {**manifest, "metadata": metadata}


def test_by_default_the_chart_is_the_kustomization_but_for_the_namespace() -> None:
    by_kustomize = objects(kustomize(DEPLOY))
    del by_kustomize["Namespace", "fleetgate-system"]

    by_helm = {key: _without_helms_labels(one) for key, one in objects(helm()).items()}

    assert by_helm == by_kustomize


def test_the_charts_resource_definitions_are_those_of_deploy() -> None:
    source = {path.name: path.read_text() for path in (DEPLOY / "crds").glob("*.yaml")}

    copied = {path.name: path.read_text() for path in (CHART / "crds").glob("*.yaml")}

    assert copied == source, "cp deploy/crds/*.yaml deploy/helm/fleetgate/crds/"


def test_all_name_the_version_of_the_package() -> None:
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == project["version"]
    assert f"image: fleetgate:{project['version']}\n" in kustomize(DEPLOY)


def test_without_managed_gateways_neither_flag_nor_rights() -> None:
    rendered = helm(values={"manageGateways": False})

    assert "--manage-gateways" not in _args(rendered)
    assert ("Role", "fleetgate-gateways") not in objects(rendered)
    assert ("RoleBinding", "fleetgate-gateways") not in objects(rendered)


def test_secrets_may_be_read_in_some_namespaces_only() -> None:
    rendered = helm(values={"secretNamespaces": ["shop", "web"], "memberNamespaces": ["argocd"]})

    assert ("ClusterRole", "fleetgate-secrets") not in {
        (one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(rendered) if one
    }
    roles = [
        one["metadata"]["namespace"]
        for one in yaml.safe_load_all(rendered)
        if one and (one["kind"], one["metadata"]["name"]) == ("Role", "fleetgate-secrets")
    ]
    assert roles == ["shop", "web", "argocd"]


@pytest.mark.parametrize(
    ("values", "given"),
    [
        pytest.param({}, [], id="usual"),
        pytest.param(
            {"secretNamespaces": ["shop"]},
            ["--secret-namespace=shop", "--member-namespace=$(NAMESPACE)"],
            id="some-secrets",
        ),
        pytest.param(
            {"secretNamespaces": ["shop"], "memberNamespaces": ["argocd"]},
            ["--secret-namespace=shop", "--member-namespace=argocd"],
            id="some-secrets-and-members",
        ),
        pytest.param(
            {"memberNamespaces": ["mesh"]}, ["--member-namespace=mesh"], id="some-members"
        ),
    ],
)
def test_fleetgate_reads_where_it_has_rights(values: dict[str, object], given: list[str]) -> None:
    assert [arg for arg in _args(helm(values=values)) if "-namespace=" in arg] == [
        "--namespace=$(NAMESPACE)",
        *given,
    ]


def test_further_arguments_come_last() -> None:
    assert _args(helm(values={"extraArgs": ["--start-deadline=20"]}))[-1] == "--start-deadline=20"


def test_a_claim_keeps_the_state() -> None:
    volumes = _deployment(helm(values={"state.claim": "known"}))["spec"]["template"]["spec"]

    assert {"name": "state", "persistentVolumeClaim": {"claimName": "known"}} in volumes["volumes"]


def test_one_replica_has_no_disruption_budget_to_hold_up_a_node() -> None:
    rendered = objects(helm(values={"replicas": 1}))

    assert ("PodDisruptionBudget", "fleetgate") not in rendered


def test_another_image() -> None:
    rendered = helm(values={"image": {"repository": "registry.example/gate", "tag": "7"}})

    containers = _deployment(rendered)["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "registry.example/gate:7"


def test_scheduling_is_yours() -> None:
    chosen = {
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"pool": "edge"},
        "tolerations": [{"key": "edge", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    }

    spec = _deployment(helm(values=chosen))["spec"]["template"]["spec"]

    assert {key: spec[key] for key in chosen} == chosen


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"replicas": 0}, "replicas", id="no-replicas"),
        pytest.param({"replica": 3}, "replica", id="unknown-value"),
        pytest.param({"manageGateways": "yes"}, "manageGateways", id="no-boolean"),
        pytest.param({"image.pullPolicy": "Sometimes"}, "pullPolicy", id="no-pull-policy"),
        pytest.param({"secretNamespaces": "shop"}, "secretNamespaces", id="no-list-of-namespaces"),
        pytest.param({"memberNamespaces": ["Shop"]}, "memberNamespaces", id="no-namespace"),
        pytest.param({"extraArgs": "--start-deadline=20"}, "extraArgs", id="no-list"),
    ],
)
def test_a_mistaken_value_is_refused_by_name(values: dict[str, object], named: str) -> None:
    assert named in helm_refuses(values)
