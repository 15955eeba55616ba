"""`fleetgate serve --manage-gateways`: each gateway of the hub gets its Envoys, as it says."""

import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.kubernetes.rig import HOME
from tests.managed.rig import alb, gateway
from tests.support.kube import Cluster, Clusters
from tests.support.process import fleetgate, until

Json: TypeAlias = Any  # as kubectl prints it

MSE, ALB = "envoy-mse-shop", "envoy-alb-web"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    clusters.hub.namespace(HOME)
    return clusters.hub


def declare(hub: Cluster, *manifests: Json) -> None:
    body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    hub.kubectl("apply", "--filename=-", stdin=json.dumps(body))


def spec(hub: Cluster, kind: str, name: str) -> Json:
    """What is wanted of an object, nothing where it is not there."""
    done = hub.try_kubectl(f"--namespace={HOME}", "get", kind, name, "--output=json")
    return json.loads(done.stdout)["spec"] if done.returncode == 0 else {}


def ports(hub: Cluster, name: str) -> list[int]:
    return [port["port"] for port in spec(hub, "service", name).get("ports", ())]


def test_gateways_of_both_flavours_are_run_and_followed(hub: Cluster, tmp_path: Path) -> None:
    free = ("--xds-port", "0", "--admin-port", "0")
    command = ("serve", "--hub-kubeconfig", str(hub.kubeconfig), *free, "--manage-gateways")
    declare(hub, gateway("shop"), alb("web", 80))
    log = tmp_path / "fleetgate.log"
    with fleetgate(log, *command):
        until(lambda: ports(hub, MSE) == [80, 443])
        assert "cannot reach xDS on 127.0.0.1" in log.read_text(encoding="utf-8")
        until(lambda: ports(hub, ALB) == [80])
        until(lambda: spec(hub, "deployment", ALB).get("replicas") == 3)
        # Nothing of these is translated for Envoys, and nothing of a status changes.
        declare(hub, gateway("shop", instance={"replicas": 5}))
        until(lambda: spec(hub, "deployment", MSE).get("replicas") == 5)
        declare(hub, alb("web", 80, addressType="Intranet"))
        until(lambda: ports(hub, f"{ALB}-internal") == [80])
        declare(hub, alb("web", 80, 8001, addressType="Intranet"))
        until(lambda: ports(hub, f"{ALB}-internal") == [80, 8001])
        hub.kubectl("delete", "albconfig/web", "mseingressconfig/shop")
        until(lambda: not spec(hub, "deployment", ALB) and not spec(hub, "deployment", MSE))
