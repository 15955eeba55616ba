"""docs/installing.md names what there is."""

import re

import pytest
import yaml

from tests.deploy.rendered import CHART, DEPLOY, NAMESPACE, kustomize, objects

ROOT = DEPLOY.parent
PAGE = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./-]*[\w/]", PAGE))))
def test_files_that_it_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", sorted(set(re.findall(r"\]\(([\w-]+\.md)", PAGE))))
def test_pages_that_it_links_exist(page: str) -> None:
    assert (ROOT / "docs" / page).exists()


def test_services_and_their_ports_are_as_it_says() -> None:
    told = re.findall(r"^\| Service `([\w-]+)`, port (\d+)", PAGE, re.MULTILINE)

    services = {
        name: str(one["spec"]["ports"][0]["port"])
        for (kind, name), one in objects(kustomize(DEPLOY)).items()
        if kind == "Service"
    }
    assert dict(told) == services


def test_the_namespace_is_as_it_says() -> None:
    assert f"| Namespace `{NAMESPACE}`" in PAGE


@pytest.mark.parametrize("value", ["manageGateways", "state.claim", "image.repository"])
def test_values_that_it_names_are_the_charts(value: str) -> None:
    assert value in PAGE
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for key in value.split("."):
        assert key in values
        values = values[key]
