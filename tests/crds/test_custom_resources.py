"""The gateways of the documents are applied as printed, kept as written and shown as printed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.kube import Cluster, Clusters

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
            MSE | {"spec": {"ingress": {"local": {"ingressClass": 5, "watchNamespace": True}}}},
            id="no texts",
        ),
        pytest.param(
            MSE | {"spec": {"name": 1, "common": {"instance": {"replicas": "3", "spec": 2}}}},
            id="a number as text",
        ),
        pytest.param(
            MSE | {"spec": {"global": {"tls": [1, "a"]}}, "more": {"of": 1}}, id="unknown"
        ),
        pytest.param(MSE, id="no spec"),
        pytest.param(
            ALB | {"spec": {"listeners": [{"port": "80", "protocol": 1, "gzipEnabled": "true"}]}},
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


@pytest.mark.parametrize(
    ("manifest", "name"),
    [
        pytest.param(MSE, "mseingressconfig", id="MSE"),
        pytest.param(MSE, "mseingressconfigs", id="MSE, plural"),
        pytest.param(ALB, "albconfig", id="ALB"),
        pytest.param(ALB, "albconfigs", id="ALB, plural"),
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


def test_kubectl_explains_what_fleetgate_reads(hub: Cluster) -> None:
    told = hub.kubectl("explain", "mseingressconfig.spec.ingress.local")
    assert "ingressClass" in told
    assert "watchNamespace" in told
