"""Calls of `deploy/member/attach.sh`, and stand-ins for a member's controllers."""

import base64
import json
import os
import subprocess

from tests.deploy.rendered import DEPLOY
from tests.servers.binaries import find
from tests.support.kube import Cluster, Clusters

SCRIPT = DEPLOY / "member" / "attach.sh"
ID = "C7fb82"
"""The member's ID."""

ACCOUNT = "fleetgate-member"
"""The name of the member's ServiceAccount, of its token's Secret, and of their namespace."""


def attach(fleet: Clusters, *options: str) -> "subprocess.CompletedProcess[str]":
    kubectl = find("kubectl")
    assert kubectl
    env = {
        **os.environ,
        "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
        "KUBECONFIG": f"{fleet.hub.kubeconfig}:{fleet.c1.kubeconfig}",
    }
    return subprocess.run(
        [SCRIPT, *options], env=env, capture_output=True, text=True, timeout=100, check=False
    )


def fill_in_token(member: Cluster) -> None:
    """Do what the token controller does: give the ServiceAccount's Secret a token."""
    member.kubectl("apply", f"--kustomize={SCRIPT.parent}")
    token = member.kubectl("create", "token", f"--namespace={ACCOUNT}", ACCOUNT)
    data = {"data": {"token": base64.b64encode(token.encode()).decode()}}
    patch = f"--patch={json.dumps(data)}"
    member.kubectl("patch", f"--namespace={ACCOUNT}", "secret", ACCOUNT, patch)


def finish_deletion(member: Cluster) -> None:
    """Do what the namespace controller does last, if the member's namespace is being deleted."""
    path = f"/api/v1/namespaces/{ACCOUNT}"
    _, found = member.ask("GET", path)
    if found["status"]["phase"] == "Terminating":
        status, said = member.ask("PUT", f"{path}/finalize", {**found, "spec": {"finalizers": []}})
        assert status == 200, said
