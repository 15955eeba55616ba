"""A mistake in the options that name the hub gives one sentence; an absent hub is awaited."""

import json
import socket
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from fleetgate.cli import main
from fleetgate.http.client import ask
from tests.cli.commands import fleetgate as command
from tests.kubernetes.rig import HOME, name_member
from tests.support import running_fleet as manifests
from tests.support.ads_client import listening
from tests.support.kube import Cluster, Clusters, free_port
from tests.support.process import fleetgate, starting

FREE_PORTS = ("--xds-port", "0", "--admin-port", "0")

CONFIG = {
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "main",
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(CONFIG))
    return path


def test_the_kubeconfig_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    ended = command("serve", "--hub-kubeconfig", missing, *FREE_PORTS)
    ended.says(f"{missing} cannot be used: No such file or directory")


def test_the_file_is_no_kubeconfig(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("{")
    ended = command("up", "--hub-kubeconfig", broken, *FREE_PORTS)
    ended.says(f"{broken} cannot be used: ")


def test_the_kubeconfig_has_no_such_context(kubeconfig: Path) -> None:
    hub = ("--hub-kubeconfig", kubeconfig, "--hub-context", "other")
    command("serve", *hub, *FREE_PORTS).says("Expected object with name other")


def test_a_member_is_no_context_of_the_kubeconfig(kubeconfig: Path) -> None:
    hub = ("--hub-kubeconfig", kubeconfig, "--member", "c1=kind-c1")
    command("serve", *hub, *FREE_PORTS).says("Expected object with name kind-c1")


def test_this_is_not_a_cluster() -> None:
    ended = command("serve", "--in-cluster", *FREE_PORTS)
    ended.says("not in a cluster: ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param((), "Say where the fleet is", id="nowhere"),
        pytest.param(("fleet", "--hub-kubeconfig", "k"), "in one place: fleet", id="twice"),
        pytest.param(("fleet", "--in-cluster"), "in one place: fleet", id="twice, in a cluster"),
        pytest.param(("--in-cluster", "--hub-kubeconfig", "k"), "two hubs", id="two hubs"),
        pytest.param(("--hub-context", "c"), "needs --hub-kubeconfig", id="context of nothing"),
        pytest.param(("--in-cluster", "--member", "a=b"), "--hub-kubeconfig", id="member"),
        pytest.param(("--hub-kubeconfig", "k", "--member", "a"), "ID=CONTEXT", id="no context"),
        pytest.param(("--hub-kubeconfig", "k", "--member", "=b"), "ID=CONTEXT", id="no ID"),
        pytest.param(
            ("--hub-kubeconfig", "k", "--member", "c!=b"), "an ID is made of", id="bad ID"
        ),
        pytest.param(
            ("--hub-kubeconfig", "k", "--member", "c1=a", "--member", "c1=b"),
            "--member c1=b: c1 is a already.",
            id="ID twice",
        ),
    ],
)
def test_the_fleet_is_in_one_place(options: tuple[str, ...], sentence: str) -> None:
    ended = CliRunner().invoke(main, ["serve", *options, *FREE_PORTS])
    assert ended.exit_code == 2
    assert sentence in ended.stderr.splitlines()[-1]


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    clusters.hub.namespace(HOME)
    return clusters.hub


def ready(port: int) -> tuple[int, str]:
    """The answer to Kubernetes' readiness probe."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_a_hub_that_is_away_is_waited_for(hub: Cluster, tmp_path: Path) -> None:
    hub.kubectl("apply", "-f", "-", stdin=manifests.gateway("gw", []))
    hub.kill()
    port = free_port()
    options = ("--start-deadline", "0.2", "--xds-port", "0", "--admin-port", str(port))
    command = ("serve", "--hub-kubeconfig", str(hub.kubeconfig), *options)
    with starting(tmp_path / "fleetgate.log", *command) as serving:
        serving.until(lambda: "the hub has not been read within 0.2 s" in serving.text)
        refused = f"{hub.url}: Connection refused"
        waiting = f"waiting for the sources to list\nthe hub cannot be read: {refused}\n"
        serving.until(lambda: ready(port) == (503, waiting))
        assert f"Hub hub: Unreachable: '{refused}'" in serving.text
        shown = ask(port, "/status")
        assert (shown["hub"]["state"], shown["hub"]["message"]) == ("unreachable", refused)
        assert [(p["kind"], p["reason"]) for p in shown["problems"]] == [("Hub", "Unreachable")]
        assert "xDS on" not in serving.text
        hub.start()
        serving.until(lambda: "xDS on" in serving.text)
        assert ready(port)[0] == 200
        with listening(serving.xds_port, "mse/gw"):
            serving.until(lambda: serving.status()["gateways"][0]["phase"] == "Listening")


def test_a_member_that_says_nothing_delays_nobody_beyond_the_deadline(
    clusters: Clusters, hub: Cluster, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = clusters.c2.config()
        place = f"https://127.0.0.1:{silent.getsockname()[1]}"
        config["clusters"][0]["cluster"]["server"] = place
        name_member(hub, "silent", config)
        name_member(hub, "well", clusters.c1.config())
        hub.kubectl("apply", "-f", "-", stdin=manifests.gateway("gw", ["silent", "well"]))
        options = ("--start-deadline", "3", *FREE_PORTS)
        command = ("serve", "--hub-kubeconfig", str(hub.kubeconfig), *options)
        with fleetgate(tmp_path / "fleetgate.log", *command) as serving:
            assert "starting without silent: not read in time" in serving.text
            lost, well = serving.status()["members"]
            assert (lost["id"], lost["state"]) == ("silent", "unread")
            assert (well["id"], well["state"]) == ("well", "reachable")
            serving.until(lambda: serving.status()["members"][0]["state"] == "unreachable")


def joined(*clusters: Cluster) -> dict[str, Any]:
    """A kubeconfig with a context for each cluster; the first one is the current one."""
    configs = [each.config() for each in clusters]
    users = [{"name": each.name, "user": {"token": each.token}} for each in clusters]
    contexts = [
        {"name": each.name, "context": {"cluster": each.name, "user": each.name}}
        for each in clusters
    ]
    entries = [entry for config in configs for entry in config["clusters"]]
    return {
        **configs[0],
        "clusters": entries,
        "users": users,
        "contexts": contexts,
        "current-context": clusters[0].name,
    }


def test_members_of_the_command_line_have_the_settings_of_its_flags(
    clusters: Clusters, hub: Cluster, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(joined(hub, clusters.c1, clusters.c2)))
    hub.kubectl("apply", "-f", "-", stdin=manifests.gateway("gw", ["one", "two"]))
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "first"}}
    assert clusters.c1.ask("POST", "/api/v1/nodes", node)[0] == 201
    assert clusters.c2.ask("POST", "/api/v1/nodes", node)[0] == 201
    members = ("--member", f"one={clusters.c1.name}", "--member", f"two={clusters.c2.name}")
    by_gateway = ("two:addressing=gateway", "two:gateway-address=[2001:db8::1]:80")
    settings = ("one:addressing=nodePorts", "one:zone=a", *by_gateway)
    flags = [word for setting in settings for word in ("--member-setting", setting)]
    command = ("serve", "--hub-kubeconfig", str(kubeconfig), *members, *flags, *FREE_PORTS)
    with fleetgate(tmp_path / "fleetgate.log", *command) as serving:
        one, two = serving.status()["members"]
        assert (one["state"], one["addressing"], one["zone"]) == ("reachable", "nodePorts", "a")
        gateway = {"host": "2001:db8::1", "port": 80, "tls": "off", "sni": ""}
        assert (two["state"], two["addressing"]) == ("reachable", "gateway")
        assert two["gateway"] == gateway
        with urlopen(f"http://127.0.0.1:{serving.admin_port}/metrics", timeout=10) as answer:
            counted = answer.read().decode()
        assert 'fleetgate_objects{kind="Node",member="one"} 1.0' in counted
        assert 'fleetgate_objects{kind="Node",member="two"}' not in counted
