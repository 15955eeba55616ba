"""`docker compose up` serves the documents' examples on this machine."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from fleetgate.demo.fleet import CLUSTER_2
from fleetgate.demo.http import Question
from fleetgate.demo.load import Load, Tally, ask
from tests.deploy.engine import Engine, engine
from tests.support.kube import free_port

pytestmark = [
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(1200),  # the first time makes the base images
]

ROOT = Path(__file__).parents[2]
READY = 60.0

GRAY = Question("/service1", headers={"stage": "gray"})
CLUSTER1 = "This is env cluster1 !"
CLUSTER2 = "This is env cluster2 !"


@dataclass(frozen=True, slots=True)
class Project:
    """The composed containers."""

    engine: Engine
    files: tuple[Path, ...]
    env: Mapping[str, str]
    gateway: int
    admin: int

    def compose(self, *arguments: str) -> str:
        """What it prints; an AssertionError with its complaint where it fails."""
        files = [word for file in self.files for word in ("--file", str(file))]
        done = subprocess.run(
            [*self.engine.compose, *files, *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def ask(self, question: Question, n: int = 200) -> Tally:
        return asyncio.run(ask(("127.0.0.1", self.gateway), question, n))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project, up; nothing of it stays."""
    with engine() as running:
        builds = {
            service: {"build": {"network": running.network}}
            for service in ("envoy", "fleetgate", "members")
        }
        network = tmp_path_factory.mktemp("compose") / "network.yml"
        network.write_text(yaml.safe_dump({"services": builds}))
        gateway, tls, admin = free_port(), free_port(), free_port()
        env = {
            **running.env,
            "COMPOSE_PROJECT_NAME": "fleetgate-tests",
            "GATEWAY_PORT": str(gateway),
            "GATEWAY_TLS_PORT": str(tls),
            "ENVOY_ADMIN_PORT": str(admin),
        }
        made = Project(running, (ROOT / "docker-compose.yml", network), env, gateway, admin)
        try:
            made.compose("up", "--detach", "--build")
            _until_it_serves(made)
            yield made
        finally:
            made.compose("down", "--volumes")


def _until_it_serves(project: Project) -> None:
    end = time.monotonic() + READY
    while project.ask(Question("/svc1"), 1).failures:
        assert time.monotonic() < end, project.compose("logs", "--tail=20")
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("question", "promised"),
    [
        pytest.param(Question("/svc1"), {CLUSTER1: 50, CLUSTER2: 50}, id="by-replicas"),
        pytest.param(Question("/service1"), {CLUSTER1: 100}, id="one-cluster"),
        pytest.param(GRAY, {CLUSTER2: 100}, id="by-header"),
        pytest.param(Question("/svc1-w"), {CLUSTER1: 90, CLUSTER2: 10}, id="by-weight"),
    ],
)
def test_an_example_answers_as_the_document_says(
    project: Project, question: Question, promised: Mapping[str, float]
) -> None:
    tally = project.ask(question, 2000)

    assert tally.failures == {}
    assert {line: pytest.approx(share, abs=6) for line, share in promised.items()} == {
        line: tally.share(line) for line in tally.lines
    }


def test_envoys_own_pages_show_what_it_serves(project: Project) -> None:
    url = f"http://127.0.0.1:{project.admin}/config_dump?resource=dynamic_scoped_route_configs"
    with urlopen(url, timeout=5) as answer:
        assert b"example.com" in answer.read()


def test_an_edit_of_the_fleet_moves_traffic(project: Project) -> None:
    file = f"/fleet/clusters/{CLUSTER_2}/web-demo.yaml"

    _scale(project, file, 1, 0)
    assert _ask_until(project, CLUSTER1).failures == {}

    _scale(project, file, 0, 1)
    assert _ask_until(project, CLUSTER2).failures == {}


def test_no_request_fails_while_fleetgate_restarts(project: Project) -> None:
    async def restart_under_load() -> Tally:
        load = Load(("127.0.0.1", project.gateway), Question("/svc1"), connections=4)
        async with load.running():
            await load.answered(100)
            await asyncio.to_thread(project.compose, "restart", "fleetgate")
            await load.answered(100)
        return load.tally()

    assert asyncio.run(restart_under_load()).failures == {}


def test_ports_are_for_this_machine_alone(project: Project) -> None:
    container = project.compose("ps", "--quiet", "envoy").strip()

    ports = json.loads(project.engine.run("inspect", container))[0]["NetworkSettings"]["Ports"]

    published = [binding["HostIp"] for bindings in ports.values() for binding in bindings or []]
    assert published == ["127.0.0.1"] * 3


def test_the_image_of_fleetgate_runs_as_nobody_special(project: Project) -> None:
    assert project.engine.run("inspect", "--format={{.Config.User}}", "fleetgate") == (
        "10001:10001\n"
    )


def _scale(project: Project, file: str, before: int, after: int) -> None:
    edit = f"s/replicas: {before}/replicas: {after}/"
    project.compose("exec", "-T", "members", "sed", "--in-place", edit, file)


def _ask_until(project: Project, line: str) -> Tally:
    """Ask until this answers, and what it then says."""

    async def load_until() -> Tally:
        load = Load(("127.0.0.1", project.gateway), GRAY, connections=1)
        async with asyncio.timeout(30), load.running():
            await load.until(lambda one: one.line == line)
        return load.tally()

    return asyncio.run(load_until())
