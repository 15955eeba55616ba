"""The scripts of deploy/kind do the right steps, by their dry run. kind needs an image registry.

A test compares the dry run with a run with stand-ins for the programs that the scripts call.
"""

import ipaddress
import itertools
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendered import DEPLOY, kustomize, objects
from tests.support.kube import Cluster, Clusters

KIND = DEPLOY / "kind"
CLUSTERS = ("fleetgate-hub", "fleetgate-c1", "fleetgate-c2")
DOCUMENTS = DEPLOY.parent / "fleetgate" / "demo" / "manifests" / "north-south-traffic"
OWN_EXAMPLE = "ingress-tls.yaml"
"""An example of the demo that no document prints."""
ADDRESS = "172.18.0.9"

STAND_IN = r"""#!/usr/bin/env bash
case "$*" in
  inspect*) echo {address} ;;
  *--output\ jsonpath=*data.token*) echo dG9rZW4= ;;
  *--output\ jsonpath=*) echo value ;;
  *) printf '%s' "${{0##*/}}" >>"$CALLS"; printf ' %q' "$@" >>"$CALLS"; echo >>"$CALLS" ;;
esac
"""

Call = tuple[str, ...]


def dry_run(script: str) -> str:
    done = subprocess.run(
        [KIND / script, "--dry-run"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def calls(shown: str) -> list[Call]:
    """The commands of a dry run."""
    lines = [line[2:] for line in shown.splitlines() if line.startswith("+ ")]
    return [tuple(shlex.split(line.removesuffix(" <<EOF"))) for line in lines]


def texts(shown: str, command: str) -> list[tuple[Call, str]]:
    """What is fed to commands that begin so."""
    found = re.findall(r"^\+ ([^\n]*) <<EOF\n(.*?)\nEOF$", shown, re.MULTILINE | re.DOTALL)
    return [(tuple(shlex.split(line)), text) for line, text in found if line.startswith(command)]


def done(script: str, tmp_path: Path) -> list[Call]:
    """The commands of a run with stand-ins."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "kind", "kubectl"):
        (programs / name).write_text(STAND_IN.format(address=ADDRESS))
        (programs / name).chmod(0o755)
    record = tmp_path / "calls"
    record.touch()
    env = {"PATH": f"{programs}:/usr/bin:/bin", "CALLS": str(record), "HOME": os.environ["HOME"]}
    ended = subprocess.run(
        [KIND / script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return [tuple(shlex.split(line)) for line in record.read_text().splitlines()]


@pytest.mark.parametrize("script", ["up.sh", "down.sh"])
def test_a_dry_run_shows_every_command(script: str, tmp_path: Path) -> None:
    shown = re.sub(r"ADDRESS-OF-\w+", ADDRESS, dry_run(script))
    promised = [call for call in calls(shown) if call[0] in {"docker", "kind", "kubectl"}]

    run = done(script, tmp_path)

    attaching = [call for call in run if call[0] == "kubectl" and call not in promised]
    assert [call for call in run if call not in attaching] == promised
    # Beside what is shown, only attach.sh asks for something: three calls for each member.
    assert len(attaching) == (6 if script == "up.sh" else 0)


def test_every_cluster_that_is_made_is_removed() -> None:
    made = [call for call in calls(dry_run("up.sh")) if call[:3] == ("kind", "create", "cluster")]
    gone = [call for call in calls(dry_run("down.sh")) if call[:3] == ("kind", "delete", "cluster")]

    assert [call[4] for call in made] == list(CLUSTERS)
    assert [call[4] for call in gone] == list(CLUSTERS)


def test_no_two_clusters_share_an_address() -> None:
    configs = [yaml.safe_load(text) for _, text in texts(dry_run("up.sh"), "kind create")]

    subnets = [ipaddress.ip_network(n) for config in configs for n in config["networking"].values()]

    assert len(subnets) == 6
    assert not [pair for pair in itertools.combinations(subnets, 2) if pair[0].overlaps(pair[1])]


def test_every_cluster_has_a_route_to_the_pods_of_the_others() -> None:
    shown = dry_run("up.sh")
    pods = {
        call[4]: yaml.safe_load(text)["networking"]["podSubnet"]
        for call, text in texts(shown, "kind create")
    }

    routes = {
        (call[2].removesuffix("-control-plane"), call[6], call[8])
        for call in calls(shown)
        if call[:2] == ("docker", "exec")
    }

    assert routes == {
        (here, pods[there], f"ADDRESS-OF-{there.removeprefix('fleetgate-').upper()}")
        for here, there in itertools.permutations(CLUSTERS, 2)
    }


def test_the_documents_manifests_are_applied_as_they_are_printed() -> None:
    applied = [text for _, text in texts(dry_run("up.sh"), "kubectl")]

    for path in DOCUMENTS.glob("*.yaml"):
        if path.name == OWN_EXAMPLE:
            continue
        printed = path.read_text().rstrip("\n")
        if path.name != "mseingressconfig.yaml":  # its placeholders are in comments
            for placeholder, value in (("${cluster1-id}", "c1"), ("${cluster2-id}", "c2")):
                printed = printed.replace(placeholder, value)
            printed = printed.replace("c15d48ca9d1fd43f9bbb89c56a474843c", "c2")
        assert printed in applied, path.name


def test_an_api_server_accepts_what_is_applied(clusters: Clusters) -> None:
    by_context = {"hub": clusters.hub, "c1": clusters.c1, "c2": clusters.c2}
    for cluster in by_context.values():
        cluster.namespace("web-demo")
    clusters.hub.install_crds()

    fed = texts(dry_run("up.sh"), "kubectl")

    assert len(fed) == 10
    for call, text in fed:
        _accept(by_context[call[2].removeprefix("kind-fleetgate-")], text)


def _accept(cluster: Cluster, text: str) -> None:
    cluster.kubectl("apply", "--dry-run=server", "--filename=-", stdin=text)


def test_the_image_that_is_loaded_is_the_one_that_runs() -> None:
    deployment = objects(kustomize(DEPLOY))["Deployment", "fleetgate"]

    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]

    loaded = ("kind", "load", "docker-image", image, "--name", "fleetgate-hub")
    assert loaded in calls(dry_run("up.sh"))
    compose = yaml.safe_load((KIND / "docker-compose.yml").read_text())
    assert compose["services"]["fleetgate"]["image"] == image


def test_without_its_programs_it_is_one_sentence() -> None:
    refused = subprocess.run(
        [KIND / "up.sh"],
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert refused.returncode == 2
    assert refused.stderr.startswith("up.sh: needs ")
    assert refused.stderr.count("\n") == 1
