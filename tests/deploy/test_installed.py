"""fleetgate works with the rights of its installation: nothing that it asks for is refused."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.commands import FLEETGATE, Staying
from tests.deploy.attaching import ID, attach
from tests.deploy.rendered import DEPLOY, NAMESPACE, kustomize, objects
from tests.support.kube import Cluster, Clusters

WAIT = 60.0

GATEWAY = """\
apiVersion: mse.alibabacloud.com/v1alpha1
kind: MseIngressConfig
metadata:
  name: edge
  annotations:
    mse.alibabacloud.com/remote-clusters: %s
spec:
  ingress:
    local:
      ingressClass: mse
---
apiVersion: alibabacloud.com/v1
kind: AlbConfig
metadata:
  name: web
spec:
  listeners:
  - port: 8001
    protocol: HTTP
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: default
  annotations:
    nginx.ingress.kubernetes.io/canary: "maybe"
spec:
  ingressClassName: mse
  tls:
  - hosts: [shop.example.com]
    secretName: shop
  rules:
  - host: shop.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: shop
            port:
              number: 80
"""


@pytest.fixture
def installed(fleet: Clusters, tmp_path: Path) -> Path:
    """A kubeconfig of the installed account, on a hub with a member and a gateway."""
    hub = fleet.hub
    hub.install_crds()
    granted = [
        one
        for one in objects(kustomize(DEPLOY)).values()
        if one["kind"] in {"Namespace", "ServiceAccount"} or "rbac" in one["apiVersion"]
    ]
    hub.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(granted))
    assert attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}").returncode == 0
    hub.kubectl("apply", "--filename=-", stdin=GATEWAY % ID)
    token = hub.kubectl("create", "token", "fleetgate", f"--namespace={NAMESPACE}")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(hub.config(token.strip())))
    return kubeconfig


def test_everything_works_with_the_rights_of_the_installation(
    fleet: Clusters,
    installed: Path,
    tmp_path: Path,
) -> None:
    hub = fleet.hub
    hub_options = (f"--hub-kubeconfig={installed}", f"--namespace={NAMESPACE}")
    places = ("--xds-bind=0.0.0.0", "--xds-port=0", "--admin-port=0")
    more = ("--manage-gateways", f"--state-dir={tmp_path / 'state'}")

    with Staying((*FLEETGATE, "serve", *hub_options, *places, *more), "xDS on ") as serve:
        until(lambda: _status(hub, "remoteClusters") == [{"clusterId": ID}])
        until(lambda: "shop" in hub.kubectl("get", "events", "--namespace=default"))
        until(lambda: "fleetgate-xds-ca" in _own(hub, "secrets"))
        until(lambda: "fleetgate-leader" in _own(hub, "leases"))
        until(lambda: "envoy-mse-edge" in _own(hub, "deployments"))
        until(lambda: "envoy-alb-web" in _own(hub, "deployments"))
        _run_a_pod_of(hub, "envoy-mse-edge")
        _run_a_pod_of(hub, "envoy-alb-web")
        hub.kubectl("delete", "mseingressconfig/edge", "albconfig/web")
        until(lambda: "envoy-mse-edge" not in _own(hub, "deployments,services,secrets"))
        until(lambda: "envoy-alb-web" not in _own(hub, "deployments,services,secrets"))
        ended = serve.end(signal.SIGTERM)

    assert "forbidden" not in ended.err
    assert ended.status == 0, ended.err


def _status(hub: Cluster, field: str) -> object:
    _, found = hub.ask("GET", "/apis/mse.alibabacloud.com/v1alpha1/mseingressconfigs/edge")
    return found.get("status", {}).get(field)


def _run_a_pod_of(hub: Cluster, deployment: str) -> None:
    """See that the namespace takes a Pod of the Deployment, as its controller would make it."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{deployment}"
    template = hub.ask("GET", path)[1]["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": deployment, "namespace": NAMESPACE},
        "spec": template["spec"],
    }
    hub.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))


def _own(hub: Cluster, kind: str) -> str:
    return hub.kubectl("get", kind, f"--namespace={NAMESPACE}", "--output=name")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
