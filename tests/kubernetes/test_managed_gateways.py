"""`fleetgate serve --manage-gateways` runs the Envoys that each gateway of the hub asks for."""

import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.kubernetes.rig import HOME
from tests.managed.rig import alb, gateway
from tests.support import running_fleet as manifests
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
    """The spec of an object, {} if the object does not exist."""
    done = hub.try_kubectl(f"--namespace={HOME}", "get", kind, name, "--output=json")
    return json.loads(done.stdout)["spec"] if done.returncode == 0 else {}


def ports(hub: Cluster, name: str) -> list[int]:
    return [port["port"] for port in spec(hub, "service", name).get("ports", ())]


def locate(hub: Cluster, service: str, address: str) -> None:
    """Write the status of a Service's load balancer, as a cloud does."""
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    where = (service, f"--namespace={HOME}", "--subresource=status", "--type=merge")
    hub.kubectl("patch", "service", *where, f"--patch={json.dumps(status)}")


def addresses(hub: Cluster, ingress: str) -> list[str]:
    path = "-ojsonpath={.status.loadBalancer.ingress[*].ip}"
    return hub.kubectl("get", "ingress", ingress, path).split()


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
        # These fields are not translated for Envoys, and they change no status.
        declare(hub, gateway("shop", instance={"replicas": 5}))
        until(lambda: spec(hub, "deployment", MSE).get("replicas") == 5)
        declare(hub, alb("web", 80, addressType="Intranet"))
        until(lambda: ports(hub, f"{ALB}-internal") == [80])
        declare(hub, alb("web", 80, 8001, addressType="Intranet"))
        until(lambda: ports(hub, f"{ALB}-internal") == [80, 8001])
        hub.kubectl("delete", "albconfig/web", "mseingressconfig/shop")
        until(lambda: not spec(hub, "deployment", ALB) and not spec(hub, "deployment", MSE))


def test_addresses_stay_where_management_is_switched_off_and_its_services_stand(
    hub: Cluster, tmp_path: Path
) -> None:
    free = ("--xds-port", "0", "--admin-port", "0")
    command = ("-v", "serve", "--hub-kubeconfig", str(hub.kubeconfig), *free)
    declare(hub, gateway("shop"))
    hub.kubectl("apply", "--filename=-", stdin=manifests.ingress())
    with fleetgate(tmp_path / "managing.log", *command, "--manage-gateways"):
        until(lambda: bool(ports(hub, MSE)))
        locate(hub, MSE, "203.0.113.7")
        until(lambda: addresses(hub, "web") == ["203.0.113.7"])
    with fleetgate(tmp_path / "not.log", *command) as serving:
        serving.until(lambda: "leads now" in serving.text)
        assert addresses(hub, "web") == ["203.0.113.7"]
        locate(hub, MSE, "203.0.113.8")
        until(lambda: addresses(hub, "web") == ["203.0.113.8"])
        hub.kubectl("annotate", "mseingressconfig/shop", "fleetgate.dev/addresses=198.51.100.1")
        until(lambda: addresses(hub, "web") == ["198.51.100.1"])
        hub.kubectl("annotate", "mseingressconfig/shop", "fleetgate.dev/addresses-")
        until(lambda: addresses(hub, "web") == ["203.0.113.8"])
        hub.kubectl("delete", "service", MSE, f"--namespace={HOME}")
        until(lambda: addresses(hub, "web") == [])
