"""`fleetgate serve` takes the arguments that the installations give it."""

from collections.abc import Callable

import click
import pytest
import yaml

from fleetgate.cli import main
from fleetgate.commands.serve import serve
from tests.deploy.rendered import DEPLOY, helm, kustomize, kustomize_overlay, objects


def _of_deployment(rendered: str) -> list[str]:
    deployment = objects(rendered)["Deployment", "fleetgate"]
    args: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return args


def _of_compose(file: str) -> list[str]:
    project = yaml.safe_load((DEPLOY.parent / file).read_text())
    command: list[str] = project["services"]["fleetgate"]["command"]
    return command


NARROW = {"secretNamespaces": ["shop"], "memberNamespaces": ["shop"]}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(lambda: _of_deployment(kustomize(DEPLOY)), id="kustomize"),
        pytest.param(lambda: _of_deployment(helm()), id="helm"),
        pytest.param(
            lambda: _of_deployment(kustomize_overlay(["secrets-by-namespace"])), id="by-namespace"
        ),
        pytest.param(lambda: _of_deployment(helm(values=NARROW)), id="helm-by-namespace"),
        pytest.param(lambda: _of_compose("docker-compose.yml"), id="compose"),
        pytest.param(lambda: _of_compose("deploy/kind/docker-compose.yml"), id="compose-kind"),
    ],
)
def test_serve_takes_the_arguments(arguments: Callable[[], list[str]]) -> None:
    command, *given = arguments()

    assert command == "serve"
    try:
        serve.make_context("serve", given, parent=main.make_context("fleetgate", [command]))
    except click.exceptions.UsageError as error:
        pytest.fail(error.format_message())
