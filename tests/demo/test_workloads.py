"""What a member's Deployments ask for; a mistake in one is a sentence and changes nothing."""

import logging
from pathlib import Path

import pytest

from fleetgate.demo.workloads import MemberManifests
from tests.support.running_fleet import deployment


@pytest.mark.parametrize(
    ("replicas", "shown"),
    [
        pytest.param("-2", "-2", id="negative"),
        pytest.param("many", "'many'", id="word"),
        pytest.param('"2"', "'2'", id="text"),
        pytest.param("2.5", "2.5", id="fraction"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_file_keeps_what_it_held(
    replicas: str, shown: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(deployment(replicas=2))
    manifests = MemberManifests(tmp_path, "running.yaml")
    before = manifests.read()

    file.write_text(deployment(replicas=2).replace("replicas: 2", f"replicas: {replicas}"))

    assert manifests.read() == before
    assert [record.getMessage() for record in caplog.records] == [
        f"{file}: Deployment web: spec.replicas: {shown} (expected an integer from 0); "
        "the file keeps what it held"
    ]


def test_a_port_that_is_neither_a_number_nor_a_name_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "web.yaml").write_text(
        "{kind: Service, metadata: {name: web}, spec: {ports: [{port: 80, targetPort: 2.5}]}}"
    )

    MemberManifests(tmp_path, "running.yaml").read()

    (message,) = [record.getMessage() for record in caplog.records]
    assert "Service web: spec.ports[0].targetPort: 2.5 (expected an integer from 1 to" in message


def test_what_is_no_yaml_is_left_to_the_fleet_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "web.yaml").write_text("a: b: c")

    MemberManifests(tmp_path, "running.yaml").read()

    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
