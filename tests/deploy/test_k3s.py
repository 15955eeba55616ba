"""Installed as printed on a real cluster, with Pods: k3s, where images come from a registry."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from testcontainers.community.k3s import K3SContainer

from tests.deploy.engine import engine, no_registry
from tests.deploy.rendered import DEPLOY, NAMESPACE
from tests.servers.binaries import find

pytestmark = [
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("default"),  # of testcontainers and what it uses
]

IMAGE = "fleetgate:0.1.0"

GATEWAY = """\
apiVersion: mse.alibabacloud.com/v1alpha1
kind: MseIngressConfig
metadata:
  name: edge
spec:
  common:
    instance:
      replicas: 1
      spec: 1c1g
  ingress:
    local:
      ingressClass: mse
"""


@dataclass(frozen=True, slots=True)
class K3s:
    """A cluster with the image in it."""

    kubectl_path: Path
    kubeconfig: Path

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        done = subprocess.run(
            [self.kubectl_path, f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def k3s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[K3s]:
    # No requirement of CI, which has no registry: the manifests are held by real API servers too.
    kubectl = find("kubectl")
    if reason := no_registry() or (None if kubectl else "no kubectl"):
        pytest.skip(reason)
    assert kubectl
    place = tmp_path_factory.mktemp("k3s")
    with engine() as running, K3SContainer("rancher/k3s:v1.34.1-k3s1") as container:
        archive = place / "fleetgate.tar"
        running.run("build", f"--tag={IMAGE}", f"--file={DEPLOY / 'Dockerfile'}", DEPLOY.parent)
        running.run("save", f"--output={archive}", IMAGE)
        name = container.get_wrapped_container().name or ""
        running.run("cp", archive, f"{name}:/fleetgate.tar")
        running.run("exec", name, "ctr", "--namespace=k8s.io", "images", "import", "/fleetgate.tar")
        kubeconfig = place / "kubeconfig"
        kubeconfig.write_text(container.config_yaml())
        yield K3s(kubectl, kubeconfig)


def test_it_comes_up_and_runs_a_gateway(k3s: K3s) -> None:
    own = f"--namespace={NAMESPACE}"
    k3s.kubectl("apply", "--server-side", f"--kustomize={DEPLOY}")
    k3s.kubectl(own, "rollout", "status", "deployment/fleetgate", "--timeout=180s")

    k3s.kubectl("apply", "--filename=-", stdin=GATEWAY)

    # k3s gives the Service an address by itself, so nothing is left to be done by hand.
    listening = "--for=jsonpath={.status.phase}=Listening"
    k3s.kubectl("wait", listening, "mseingressconfig/edge", "--timeout=300s")
    k3s.kubectl(own, "rollout", "status", "deployment/envoy-mse-edge", "--timeout=300s")
