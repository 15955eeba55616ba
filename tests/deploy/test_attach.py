"""`deploy/member/attach.sh` makes a cluster a member, and takes it out of the fleet again."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.attaching import ID, SCRIPT, attach
from tests.deploy.rendered import NAMESPACE, Object
from tests.support.kube import Cluster, Clusters


def secret_of(hub: Cluster) -> Object:
    name = "fleetgate-member-c7fb82"
    text = hub.kubectl("get", f"--namespace={NAMESPACE}", "secret", name, "--output=json")
    found: Object = json.loads(text)
    return found


def test_the_hub_gets_a_kubeconfig_that_reads_the_member_and_no_more(
    fleet: Clusters, tmp_path: Path
) -> None:
    done = attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}")
    assert done.returncode == 0, done.stderr

    secret = secret_of(fleet.hub)
    assert secret["metadata"]["labels"] == {"fleetgate.dev/member": ID}
    assert secret["data"].keys() == {"kubeconfig"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_bytes(base64.b64decode(secret["data"]["kubeconfig"]))
    as_fleetgate = f"--kubeconfig={kubeconfig}"
    assert fleet.c1.kubectl(as_fleetgate, "get", "services", "--all-namespaces")
    refused = fleet.c1.try_kubectl(as_fleetgate, "get", "secrets", "--all-namespaces")
    assert "forbidden" in refused.stderr


def test_no_copy_of_the_token_is_left_in_an_annotation(fleet: Clusters) -> None:
    attach(fleet, "--hub", "hub", "--member", "c1", "--id", ID)

    assert "annotations" not in secret_of(fleet.hub)["metadata"]


def test_the_hub_may_reach_the_member_at_another_address(fleet: Clusters) -> None:
    url = "https://10.0.0.7:6443"

    attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}", f"--server={url}")

    written = base64.b64decode(secret_of(fleet.hub)["data"]["kubeconfig"])
    assert yaml.safe_load(written)["clusters"][0]["cluster"]["server"] == url


def test_attaching_again_is_no_mistake(fleet: Clusters) -> None:
    for _ in range(2):
        assert attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}").returncode == 0


def test_detached_it_leaves_nothing_behind(fleet: Clusters) -> None:
    attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}")

    done = attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}", "--detach")

    assert done.returncode == 0, done.stderr
    left = fleet.hub.kubectl("get", "secrets", f"--namespace={NAMESPACE}", "--output=name")
    assert left == ""
    for kind in ("clusterroles", "clusterrolebindings"):
        assert "fleetgate-member" not in fleet.c1.kubectl("get", kind, "--output=name")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param([], "--id, --member and --hub are needed", id="nothing"),
        pytest.param(["--id"], "--id needs a value", id="no-value"),
        pytest.param(["--force"], "--force is not known", id="unknown"),
    ],
)
def test_a_wrong_call_is_one_sentence(options: list[str], said: str) -> None:
    done = subprocess.run(
        [SCRIPT, *options], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"attach.sh: {said}")
    assert done.stderr.count("\n") == 1
