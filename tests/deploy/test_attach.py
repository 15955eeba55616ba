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


def secrets_of(hub: Cluster) -> list[Object]:
    text = hub.kubectl("get", f"--namespace={NAMESPACE}", "secrets", "--output=json")
    found: list[Object] = json.loads(text)["items"]
    return found


def secret_of(hub: Cluster) -> Object:
    [secret] = secrets_of(hub)
    return secret


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


def test_different_ids_are_different_secrets(fleet: Clusters) -> None:
    ids = ["prod", "Prod", "C1_east", "c1..east"]

    for identity in ids:
        done = attach(fleet, "--hub=hub", "--member=c1", f"--id={identity}")
        assert done.returncode == 0, done.stderr

    named = {s["metadata"]["labels"]["fleetgate.dev/member"]: s for s in secrets_of(fleet.hub)}
    assert named.keys() == set(ids)
    assert named["prod"]["metadata"]["name"] == "fleetgate-member-prod"
    assert named["C1_east"]["metadata"]["name"].startswith("fleetgate-member.c1-east-")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--hub=nohub"], 'context "nohub" does not exist', id="no-such-hub"),
        pytest.param(["--hub=hub", "--namespace=none"], '"none" not found', id="no-namespace"),
    ],
)
def test_nothing_is_made_in_a_member_whose_secret_the_hub_does_not_take(
    fleet: Clusters, options: list[str], said: str
) -> None:
    role = ("clusterrole", "fleetgate-member")
    fleet.c1.kubectl("delete", *role)

    done = attach(fleet, "--member=c1", f"--id={ID}", *options)

    assert done.returncode == 1
    assert said in done.stderr
    assert "NotFound" in fleet.c1.try_kubectl("get", *role).stderr


def test_detached_it_leaves_nothing_behind(fleet: Clusters) -> None:
    attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}")

    done = attach(fleet, "--hub=hub", "--member=c1", f"--id={ID}", "--detach")

    assert done.returncode == 0, done.stderr
    assert "other hubs and other IDs that use it lose their access" in done.stderr
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
        pytest.param(["--hub=h", "--member=m", "--id=c!"], "--id c! is no ID", id="no-id"),
    ],
)
def test_a_wrong_call_is_one_sentence(options: list[str], said: str) -> None:
    done = subprocess.run(
        [SCRIPT, *options], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"attach.sh: {said}")
    assert done.stderr.count("\n") == 1
