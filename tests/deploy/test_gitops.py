"""The Argo CD Applications and the chart that they distribute give what the documents show."""

from typing import Any

import pytest
import yaml

from tests.deploy.rendered import DEPLOY, Object, helm, helm_refuses, objects
from tests.support.kube import Clusters

GITOPS = DEPLOY / "gitops"
WEB_DEMO = GITOPS / "web-demo"
DOCUMENTS = DEPLOY.parent / "fleetgate" / "demo" / "manifests"

APPLICATIONS: list[Object] = [
    one for path in sorted(GITOPS.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())
]


def _by_argo_cd(application: Object) -> str:
    """What Argo CD makes of an Application's chart."""
    source = application["spec"]["source"]
    values = {p["name"]: p["value"] for p in source["helm"]["parameters"]}
    namespace = application["spec"]["destination"]["namespace"]
    return helm(DEPLOY.parent / source["path"], namespace=namespace, values=values)


def _as_printed(document: str, value: str = "") -> dict[tuple[str, str], Object]:
    text = (DOCUMENTS / document / "web-demo.yaml").read_text()
    return objects(text.replace("${envCluster}", value))


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda one: one["metadata"]["name"])
def test_an_application_names_a_chart_of_ours_and_values_that_it_knows(
    application: Object,
) -> None:
    chart = DEPLOY.parent / application["spec"]["source"]["path"]

    assert (chart / "Chart.yaml").exists()
    assert _by_argo_cd(application)


def test_each_member_says_who_it_is() -> None:
    envs = [
        _env(objects(_by_argo_cd(one))["Deployment", "web-demo"])
        for one in APPLICATIONS
        if one["metadata"]["name"].startswith("web-demo")
    ]

    assert envs == ["cluster-demo-1", "cluster-demo-2"]


@pytest.mark.parametrize(
    ("document", "namespace", "values"),
    [
        pytest.param(
            "north-south-traffic",
            "web-demo",
            {
                "envName": "cluster1",
                "image": "acr-multiple-clusters-registry.cn-hangzhou.cr.aliyuncs.com"
                "/ack-multiple-clusters/web-demo:0.4.0",
            },
            id="envName",
        ),
        pytest.param(
            "zone-disaster-recovery",
            "gateway-demo",
            {"envCluster": "cluster1"},
            id="envCluster",
        ),
    ],
)
def test_the_chart_gives_what_the_document_shows(
    document: str, namespace: str, values: dict[str, object]
) -> None:
    made = objects(helm(WEB_DEMO, namespace=namespace, values=values))

    assert {key: _bare(one) for key, one in made.items()} == {
        key: _bare(one) for key, one in _as_printed(document, "cluster1").items()
    }


def test_a_member_without_a_name_is_refused() -> None:
    assert "envName" in helm_refuses({}, chart=WEB_DEMO)


def test_the_api_server_accepts_the_chart(clusters: Clusters) -> None:
    clusters.c1.namespace("gateway-demo")
    rendered = helm(WEB_DEMO, namespace="gateway-demo", values={"envCluster": "x"})

    said = clusters.c1.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=rendered
    )

    assert said.count("(server dry run)") == 2


def _env(deployment: Object) -> str:
    value: str = deployment["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    return value


def _bare(manifest: Object) -> Object:
    """Without the Deployment's own labels, of which Argo CD adds one, and the pull policy."""
    bare: dict[str, Any] = yaml.safe_load(yaml.safe_dump(manifest))  # a copy to change
    bare["metadata"].pop("labels", None)
    if bare["kind"] == "Deployment":
        bare["spec"]["template"]["spec"]["containers"][0].pop("imagePullPolicy", None)
    return bare
