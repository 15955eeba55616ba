"""Runs the documents' examples, command by command, on real API servers with a real Envoy.

fleetgate has only the rights that deploy/ gives it.
"""

import asyncio
import io
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleetgate.demo.page import Page
from fleetgate.demo.walk import Walk
from tests.kubernetes.readers_view import ReadersView
from tests.kubernetes.rig import least_privileged, site
from tests.servers.binaries import find
from tests.support import netns
from tests.support.kube import Cluster, Clusters
from tests.support.process import fleetgate
from tests.support.requirement import require

GATEWAYS = ("ackone-gateway", "ackone-gateway-hongkong", "annotated-gateway")
PHASES = ["Pending", "Running", "Listening"]


@pytest.mark.timeout(300)  # 38,000 requests, 100 commands
def test_every_example_of_the_documents_holds(
    clusters: Clusters, tmp_path: Path, real_envoy: None
) -> None:
    require(netns.available())
    page = Page.on(io.StringIO(), {})

    async def walk() -> None:
        async with site(clusters, tmp_path) as ready:
            kubeconfig = await asyncio.to_thread(least_privileged, clusters, tmp_path)
            hub = ("--hub-kubeconfig", str(kubeconfig), "--write-status")
            command = ("up", *hub, *ready.listening)
            with (
                fleetgate(tmp_path / "fleetgate.log", *command) as serving,
                statuses(ready.hub, tmp_path / "watch.log") as seen,
            ):
                reading = ReadersView(ready, serving)
                outcome = await Walk(ready.reader, ready.kubelet, reading, page).run()
                refusals = [line for line in serving.text.splitlines() if "forbidden" in line]
        shown = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
        assert (outcome.held, outcome.failed) == (14, 0), shown
        assert reading.gateways == [*GATEWAYS]
        assert reading.looks > outcome.held
        assert refusals == []
        for gateway in GATEWAYS:
            walked = [phase for name, phase in seen if name == gateway]
            assert (walked[0], walked[-1]) == (PHASES[0], PHASES[-1])
            assert walked == sorted(walked, key=PHASES.index), "never back"

    asyncio.run(walk())


@contextmanager
def statuses(hub: Cluster, log: Path) -> Iterator[list[tuple[str, str]]]:
    """Watch gateways by kubectl while the block runs. At the end, the list has their STATUS."""
    seen: list[tuple[str, str]] = []
    columns = "-ocustom-columns=NAME:.metadata.name,STATUS:.status.phase"
    command = ("get", "mseingressconfigs", "--watch", "--no-headers", columns)
    with log.open("wb") as output:
        kubectl = [str(find("kubectl")), f"--kubeconfig={hub.kubeconfig}", *command]
        watching = subprocess.Popen(kubectl, stdout=output, stdin=subprocess.DEVNULL)
    try:
        yield seen
    finally:
        watching.terminate()
        watching.wait()
    rows = (line.split() for line in log.read_text().splitlines())
    seen += [(name, phase) for name, phase in rows if phase != "<none>"]
