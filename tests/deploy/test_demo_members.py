"""The members of the compose demo: the documents' objects in a directory, and their Pods."""

import sys
from pathlib import Path

from fleetgate.core.offline import read_fleet
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.members import declare
from tests.cli.commands import Staying, run
from tests.support.requirement import require

PROGRAM = (sys.executable, "-m", "fleetgate.demo.members")
READY = "the Pods of"


def test_all_that_the_document_applies_is_declared(tmp_path: Path) -> None:
    declare(tmp_path)

    assert sorted(path.name for path in (tmp_path / "hub").iterdir()) == [
        "ingress-demo-cluster-one.yaml",
        "ingress-demo-header.yaml",
        "ingress-demo.yaml",
        "ingress-weight.yaml",
        "mseingressconfig.yaml",
    ]


def test_pods_run_and_edits_outlive_a_restart(tmp_path: Path) -> None:
    require(None if sys.platform == "linux" else "only Linux answers to all of 127.0.0.0/8")
    with Staying((*PROGRAM, tmp_path), READY):
        for member in (CLUSTER_1, CLUSTER_2):
            assert _endpoints(tmp_path, member) == 1
        assert read_fleet(tmp_path, "127.0.0.1", 0).problems == ()
    edited = tmp_path / "hub" / "ingress-demo.yaml"
    edited.write_text(edited.read_text().replace("/svc1", "/mine"))

    with Staying((*PROGRAM, tmp_path), READY):
        assert "/mine" in edited.read_text()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = run((*PROGRAM, tmp_path / "file"))

    assert ended.status == 2
    assert ended.err.startswith("members: ")
    assert ended.err.count("\n") == 1


def _endpoints(root: Path, member: str) -> int:
    running = root / "clusters" / member / "running.yaml"
    return running.read_text().count("ready: true")
