"""The gateways of the documents are applied as printed, kept as written and shown as printed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.fields import Fields
from tests.support.kube import Cluster, Clusters
from tests.support.process import until
from translators.dialects import DIALECTS

DEPLOY = Path(__file__).parents[2] / "deploy" / "crds"
DOCUMENTS = sorted((Path(__file__).parent / "documents").glob("*.yaml"))
MSE = {
    "apiVersion": "mse.alibabacloud.com/v1alpha1",
    "kind": "MseIngressConfig",
    "metadata": {"name": "gw"},
}
ALB = {"apiVersion": "alibabacloud.com/v1", "kind": "AlbConfig", "metadata": {"name": "gw"}}


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    return clusters.hub


def apply(hub: Cluster, *manifests: object) -> None:
    hub.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))


def read(hub: Cluster, kind: str, name: str = "gw") -> dict[str, Any]:
    """An object as its author wrote it, without what Kubernetes keeps beside."""
    found: dict[str, Any] = yaml.safe_load(hub.kubectl("get", kind, name, "--output=yaml"))
    metadata = found["metadata"]
    for kept in ("creationTimestamp", "generation", "resourceVersion", "uid"):
        metadata.pop(kept)
    annotations = metadata.pop("annotations")
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration")
    if annotations:
        metadata["annotations"] = annotations
    return found


def say(hub: Cluster, kind: str, status: object) -> None:
    patch = yaml.safe_dump({"status": status})
    hub.kubectl("patch", kind, "gw", "--subresource=status", "--type=merge", f"--patch={patch}")


def table(hub: Cluster, *args: str) -> list[list[str]]:
    return [line.split() for line in hub.kubectl("get", *args).splitlines()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_manifest_of_the_documents_reads_back_as_written(hub: Cluster, path: Path) -> None:
    hub.kubectl("apply", f"--filename={path}")
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert read(hub, written["kind"], written["metadata"]["name"]) == written


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(
            MSE | {"spec": {"ingress": {"local": {"watchnamespace": "a"}}}}, id="misspelt"
        ),
        pytest.param(
            MSE | {"spec": {"common": {"instance": {"replicas": "3"}}}}, id="a number as text"
        ),
        pytest.param(
            MSE | {"spec": {"common": {"network": {"publicSLBSpec": False}}}}, id="a size as switch"
        ),
        pytest.param(
            MSE | {"spec": {"global": {"tls": [1, "a"]}}, "more": {"of": 1}}, id="unknown"
        ),
        pytest.param(MSE, id="no spec"),
        pytest.param(
            ALB | {"spec": {"listeners": [{"port": "80", "idleTimeout": "15"}]}},
            id="a port as text",
        ),
        pytest.param(ALB | {"spec": {"listeners": [{}, {"port": 80}, None]}}, id="half a listener"),
        pytest.param(ALB | {"spec": {"config": {"tags": [{"key": "a"}]}}}, id="unknown in config"),
    ],
)
def test_what_fleetgate_would_report_is_applied_and_kept(
    hub: Cluster, manifest: dict[str, Any]
) -> None:
    apply(hub, manifest)
    assert read(hub, manifest["kind"]) == manifest


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(
            MSE | {"spec": {"common": None, "ingress": None}}, id="parts of a MSE gateway"
        ),
        pytest.param(MSE | {"spec": None}, id="the spec of a MSE gateway"),
        pytest.param(ALB | {"spec": {"config": None, "listeners": None}}, id="parts of an ALB one"),
    ],
)
def test_keys_without_a_value_are_applied(hub: Cluster, manifest: dict[str, Any]) -> None:
    apply(hub, manifest)
    assert read(hub, manifest["kind"]).get("spec") in ({}, None)


@pytest.mark.parametrize(
    ("manifest", "path"),
    [
        pytest.param(
            MSE | {"spec": {"ingress": {"local": {"watchNamespace": ["a", "b"]}}}},
            "spec.ingress.local.watchNamespace",
            id="two namespaces",
        ),
        pytest.param(MSE | {"spec": {"name": 5}}, "spec.name", id="a number"),
        pytest.param(MSE | {"spec": []}, "spec", id="a list"),
        pytest.param(
            ALB | {"spec": {"listeners": [{"gzipEnabled": "true"}]}},
            "spec.listeners[0].gzipEnabled",
            id="a text for a switch",
        ),
    ],
)
def test_what_is_of_another_type_is_refused_by_the_api_server(
    hub: Cluster, manifest: dict[str, Any], path: str
) -> None:
    done = hub.try_kubectl("apply", "--filename=-", stdin=yaml.safe_dump(manifest))
    assert done.returncode != 0
    assert f"{path}: Invalid value" in done.stderr


def test_a_gateway_is_shown_as_the_documents_show_it(hub: Cluster) -> None:
    apply(hub, MSE)
    assert table(hub, "mseingressconfig", "gw")[0] == ["NAME", "STATUS", "AGE"]
    say(hub, "mseingressconfig", {"phase": "Listening"})
    assert table(hub, "mseingressconfig", "gw")[1][:2] == ["gw", "Listening"]


def test_an_alb_gateway_is_shown_as_the_documents_show_it(hub: Cluster) -> None:
    apply(hub, ALB)
    listeners = [
        {"portAndProtocol": "8001/HTTP"},
        {"portAndProtocol": "443/HTTPS", "certificates": [{"certificateId": "shop/tls"}]},
    ]
    say(
        hub,
        "albconfig",
        {"loadBalancer": {"id": "alb-1", "dnsname": "a.b", "listeners": listeners}},
    )
    shown = table(hub, "albconfig", "gw")
    assert shown[0] == ["NAME", "ALBID", "DNSNAME", "PORT&PROTOCOL", "CERTID", "AGE"]
    assert shown[1][:5] == ["gw", "alb-1", "a.b", "8001/HTTP", "shop/tls"]


def test_the_wide_output_shows_what_a_gateway_takes_and_why_it_does_not_listen(
    hub: Cluster,
) -> None:
    apply(
        hub, MSE | {"spec": {"ingress": {"local": {"ingressClass": "c", "watchNamespace": "team"}}}}
    )
    say(
        hub,
        "mseingressconfig",
        {"phase": "Failed", "message": "no-port", "remoteClusters": [{"clusterId": "c7"}]},
    )
    head, row = table(hub, "mse", "gw", "--output=wide")
    assert head == ["NAME", "STATUS", "CLASS", "NAMESPACE", "CLUSTERS", "MESSAGE", "AGE"]
    assert row[:-1] == ["gw", "Failed", "c", "team", '[{"clusterId":"c7"}]', "no-port"]


def test_the_wide_output_shows_the_clusters_of_an_alb_gateway_and_why_it_does_not_listen(
    hub: Cluster,
) -> None:
    apply(hub, ALB)
    condition = {"type": "Listening", "status": "False", "reason": "Failed", "message": "no-port"}
    other = {"type": "SubClustersReady", "status": "True", "reason": "AllReady", "message": ""}
    status = {"loadBalancer": {"id": "alb-1", "subClusters": ["c7", "cd"]}}
    say(hub, "albconfig", status | {"conditions": [other, condition]})
    head, row = table(hub, "alb", "gw", "--output=wide")
    assert head[5:] == ["LISTENING", "CLUSTERS", "MESSAGE", "AGE"]
    assert row[2:-1] == ["False", '["c7","cd"]', "no-port"]


@pytest.mark.parametrize(
    ("manifest", "name"),
    [
        pytest.param(MSE, "mseingressconfig", id="MSE"),
        pytest.param(MSE, "mseingressconfigs", id="MSE, plural"),
        pytest.param(ALB, "albconfig", id="ALB"),
        pytest.param(ALB, "albconfigs", id="ALB, plural"),
        pytest.param(MSE, "mse", id="MSE, short"),
        pytest.param(ALB, "alb", id="ALB, short"),
        pytest.param(MSE, "fleetgate", id="MSE, by category"),
        pytest.param(ALB, "fleetgate", id="ALB, by category"),
    ],
)
def test_kubectl_knows_the_kind_by_name(hub: Cluster, manifest: dict[str, Any], name: str) -> None:
    apply(hub, manifest)
    printed = hub.kubectl("get", name, "--output=jsonpath={.items[*].metadata.name}")
    assert printed == "gw"


@pytest.mark.parametrize(
    ("manifest", "status"),
    [
        pytest.param(MSE, {"phase": "Listening"}, id="MSE"),
        pytest.param(ALB, {"loadBalancer": {"id": "alb-1"}}, id="ALB"),
    ],
)
def test_a_manifest_cannot_claim_a_status(
    hub: Cluster, manifest: dict[str, Any], status: dict[str, Any]
) -> None:
    apply(hub, manifest | {"status": status})
    assert "status" not in read(hub, manifest["kind"])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param(
            "mseingressconfig.spec.ingress.local",
            ["ingressClass\t<string>", "watchNamespace\t<string>", "The one namespace whose"],
            id="which Ingresses",
        ),
        pytest.param(
            "mseingressconfig.spec.common.instance",
            ["replicas\t", "spec\t<string>", "Number of Envoys, 1 to 100"],
            id="Envoys",
        ),
        pytest.param(
            "albconfig.spec.listeners",
            ["port\t", "gzipEnabled\t<boolean>", "aclConfig\t<Object>"],
            id="listeners",
        ),
        pytest.param(
            "albconfig.status",
            ["observedGeneration\t<integer>", "conditions\t<[]Object>"],
            id="status",
        ),
    ],
)
def test_kubectl_explains_every_field_with_its_type(
    hub: Cluster, path: str, told: list[str]
) -> None:
    # The API server publishes a definition's schema a moment after it has taken it.
    until(lambda: hub.try_kubectl("explain", path).returncode == 0)
    shown = hub.kubectl("explain", path)
    assert [part for part in told if part not in shown] == [], shown


def _spec_in(file: str) -> dict[str, Any]:
    """The schema of `spec` in a definition."""
    definition = yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))
    (version,) = definition["spec"]["versions"]
    spec: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def _named(schema: dict[str, Any], fields: Fields, at: str) -> Iterator[str]:
    """Return the fields that only one of the two has."""
    schema = schema.get("items", schema)
    properties = schema.get("properties", {})
    for name in sorted(properties.keys() ^ fields.known.keys()):
        yield f"{at}.{name}"
    for name in properties.keys() & fields.known.keys():
        if (inside := fields.known[name]) is not None:
            yield from _named(properties[name], inside, f"{at}.{name}")


@pytest.mark.parametrize(
    ("file", "kind"),
    [("mseingressconfigs.yaml", "MseIngressConfig"), ("albconfigs.yaml", "AlbConfig")],
)
def test_the_schema_and_fleetgate_know_the_same_fields(file: str, kind: str) -> None:
    known = DIALECTS.kinds[kind].fields.known["spec"]
    assert known is not None
    assert list(_named(_spec_in(file), known, "spec")) == []


@pytest.mark.parametrize("file", ["mseingressconfigs.yaml", "albconfigs.yaml"])
def test_every_field_of_the_schema_says_what_it_is(file: str) -> None:
    def silent(schema: dict[str, Any], at: str) -> Iterator[str]:
        schema = schema.get("items", schema)
        for name, inside in schema.get("properties", {}).items():
            if "description" not in inside:
                yield f"{at}.{name}"
            yield from silent(inside, f"{at}.{name}")

    assert list(silent(_spec_in(file), "spec")) == []
