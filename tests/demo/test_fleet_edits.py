"""The demo edits a fleet's files the way kubectl edits objects, and keeps every other line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.ref import HUB
from fleetgate.demo.alb_examples import ALB_NORTH_SOUTH_TRAFFIC, alb_protocols
from fleetgate.demo.examples import DOCUMENTS, tls
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2, DemoFleet, manifest
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.steps import Apply, Document
from tests.support.running_fleet import ONE, TWO, deployment, service


def objects(path: Path) -> list[dict[str, Any]]:  # Any: parsed YAML
    return list(yaml.safe_load_all(path.read_text()))


@pytest.fixture
def fleet(tmp_path: Path) -> DemoFleet:
    return DemoFleet.create(tmp_path, (ONE, TWO))


def test_the_layout_is_a_hub_and_a_directory_for_each_member(tmp_path: Path) -> None:
    DemoFleet.create(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "clusters",
        f"clusters/{CLUSTER_1}",
        f"clusters/{CLUSTER_2}",
        "hub",
    ]


def test_apply_fills_in_cluster_ids_and_replaces_what_the_file_held(fleet: DemoFleet) -> None:
    fleet.apply("a: ${cluster1-id}", "x.yaml")
    path = fleet.apply("a: ${cluster1},${cluster2}", "x.yaml")
    assert path.read_text() == f"a: {CLUSTER_1},{CLUSTER_2}"


def test_apply_gives_a_namespace_to_objects_that_name_none(fleet: DemoFleet) -> None:
    bare = "kind: A\nmetadata:\n  # a comment\n  name: a\n"
    path = fleet.apply(f"{bare}---\n{bare}  namespace: own\n", "x.yaml", namespace="given")
    assert [each["metadata"]["namespace"] for each in objects(path)] == ["given", "own"]
    assert "# a comment" in path.read_text()


def test_remove_takes_the_file_away_and_forgives_a_second_time(fleet: DemoFleet) -> None:
    path = fleet.apply("a: 1", "x.yaml", to=ONE)
    for _ in range(2):
        fleet.remove("x.yaml", to=ONE)
        assert not path.exists()


def test_scale_changes_one_line(fleet: DemoFleet) -> None:
    path = fleet.apply("# kept\n" + deployment(replicas=2) + service(), "web.yaml", to=ONE)
    before = path.read_text()
    fleet.scale(ONE, "web", 7)
    assert path.read_text() == before.replace("replicas: 2", "replicas: 7")


def test_scale_writes_replicas_where_there_were_none(fleet: DemoFleet) -> None:
    text = deployment(replicas=2).replace("  replicas: 2\n", "")
    path = fleet.apply(text, "web.yaml", to=ONE)
    fleet.scale(ONE, "web", 3)
    assert objects(path)[0]["spec"]["replicas"] == 3


def test_scale_finds_the_deployment_among_others(fleet: DemoFleet) -> None:
    fleet.apply(deployment("a") + deployment("b"), "many.yaml", to=ONE)
    path = fleet.apply(deployment("c") + deployment("web"), "web.yaml", to=ONE)
    fleet.scale(ONE, "web", 1)
    fleet.scale(ONE, "web", 5)
    assert [each["spec"]["replicas"] for each in objects(path)] == [1, 5]


def test_delete_service_leaves_the_rest_of_the_file(fleet: DemoFleet) -> None:
    path = fleet.apply(deployment() + service(), "web.yaml", to=ONE)
    fleet.delete_service(ONE, "web")
    assert [each["kind"] for each in objects(path)] == ["Deployment"]


def test_deleting_the_only_object_removes_the_file(fleet: DemoFleet) -> None:
    """An empty file would mean that somebody is writing it, and its objects would stay."""
    path = fleet.apply(service(), "web.yaml", to=ONE)
    fleet.delete_service(ONE, "web")
    assert not path.exists()


def test_what_is_not_declared_cannot_be_edited(fleet: DemoFleet) -> None:
    with pytest.raises(LookupError, match=r"no Deployment web is declared in .*clusters/one"):
        fleet.scale(ONE, "web", 1)


def test_attach_names_the_members_and_no_others(fleet: DemoFleet) -> None:
    printed = manifest("north-south-traffic/mseingressconfig.yaml")
    path = fleet.apply(printed, "gateway.yaml")
    for members in ((ONE, TWO), (TWO,)):
        fleet.attach("gateway.yaml", members)
        [gateway] = objects(path)
        assert gateway["metadata"] == {
            "annotations": {"mse.alibabacloud.com/remote-clusters": ",".join(members)},
            "name": "ackone-gateway",
        }
    assert "# Configure a public-facing" in path.read_text()


def applied() -> Iterator[tuple[Document, Apply]]:
    signed = SelfSigned(b"certificate", b"key")
    of_alb = (ALB_NORTH_SOUTH_TRAFFIC, alb_protocols(signed))
    for document in (*DOCUMENTS, tls(signed), *of_alb):
        for step in (*document.preparation, *(s for e in document.examples for s in e.steps)):
            if isinstance(step, Apply):
                yield document, step


def test_every_manifest_is_used_by_an_example() -> None:
    folder = Path(__file__).parents[2] / "fleetgate" / "demo" / "manifests"
    carried = {path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml")}
    assert carried == {f"{document.folder}/{step.file}" for document, step in applied()}


@pytest.mark.parametrize(
    ("document", "step"),
    [pytest.param(d, s, id=f"{d.folder}/{s.file}:{s.to[:2]}") for d, s in applied()],
)
def test_an_applied_manifest_is_complete(tmp_path: Path, document: Document, step: Apply) -> None:
    fleet = DemoFleet.create(tmp_path)
    text = manifest(f"{document.folder}/{step.file}")
    path = fleet.apply(text, step.file, to=step.to, namespace=step.namespace, values=step.values)
    for left in ("${cluster", "${tls", "XXX"):
        assert left not in path.read_text()
    without_namespace = {"MseIngressConfig", "AlbConfig", "IngressClass"}
    on_the_hub = {*without_namespace, "Ingress", "Secret"}
    for each in objects(path):
        assert each["kind"] in {*on_the_hub, "Deployment", "Service"}
        assert ("namespace" in each["metadata"]) == (each["kind"] not in without_namespace)
        assert (step.to == HUB) == (each["kind"] in on_the_hub)
