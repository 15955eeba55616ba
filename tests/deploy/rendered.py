"""The manifests that `kubectl kustomize` and `helm template` make from deploy/."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import yaml

from tests.servers.binaries import find
from tests.support.requirement import require

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "fleetgate"
NAMESPACE = "fleetgate-system"

Object: TypeAlias = dict[str, Any]  # a manifest: JSON


def kustomize(directory: Path) -> str:
    """The manifests of a kustomization."""
    return _output("kubectl", "kustomize", directory)


def kustomize_overlay(components: Sequence[str]) -> str:
    """The manifests of an overlay of deploy/ with some of its components."""
    with TemporaryDirectory() as place:
        overlay = {
            "resources": [os.path.relpath(DEPLOY, Path(place).resolve())],
            "components": [
                os.path.relpath(DEPLOY / each, Path(place).resolve()) for each in components
            ],
        }
        (Path(place) / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        return kustomize(Path(place))


def helm(
    chart: Path = CHART,
    *,
    namespace: str = NAMESPACE,
    values: Mapping[str, object] | None = None,
) -> str:
    """The manifests of a release `fleetgate`, its CRDs too."""
    return _output("helm", *_template(chart, namespace, values or {}))


def helm_refuses(values: Mapping[str, object], chart: Path = CHART) -> str:
    """Return the error of Helm for these values of a chart."""
    done = _run("helm", *_template(chart, NAMESPACE, values))
    assert done.returncode != 0, done.stdout
    return done.stderr


def objects(manifests: str) -> dict[tuple[str, str], Object]:
    """Manifests by kind and name."""
    read = [one for one in yaml.safe_load_all(manifests) if one]
    found = {(one["kind"], one["metadata"]["name"]): one for one in read}
    assert len(found) == len(read), "two objects of one name"
    return found


def _template(chart: Path, namespace: str, values: Mapping[str, object]) -> Sequence[str]:
    given = [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]
    place = (f"--namespace={namespace}", "--include-crds", "--kube-version=1.36.0")
    return ("template", "fleetgate", str(chart), *place, *given)


def _output(program: str, *arguments: str | Path) -> str:
    done = _run(program, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    binary = find(program)
    require(None if binary else f"no {program}: `make test` builds it where Go is installed")
    command = [str(binary), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
