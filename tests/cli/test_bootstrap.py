"""`bootstrap` prints a file with which a stock Envoy joins a gateway."""

from pathlib import Path

import pytest

from fleetgate.envoy import find_envoy
from tests.cli.commands import fleetgate, run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="defaults"),
        pytest.param(["--protocol", "sotw", "--full-statistics"], id="sotw"),
        pytest.param(
            ["--xds-address", "fleetgate.example", "--xds-port", "443", "--admin-port", "0"],
            id="elsewhere",
        ),
    ],
)
def test_envoy_takes_it_as_it_is(options: list[str], tmp_path: Path) -> None:
    printed = fleetgate("bootstrap", "mse/shop", "--node-id", "a", *options)
    file = tmp_path / "envoy.yaml"
    file.write_text(printed.out)

    validated = run((find_envoy(), "--mode", "validate", "-c", file))

    assert (printed.status, printed.err) == (0, "")
    assert validated.status == 0, validated.err


def test_the_images_file_is_what_the_command_in_its_dockerfile_prints() -> None:
    """After a change: run that command, `fleetgate bootstrap ... > envoy/bootstrap.yaml`."""
    lines = (ROOT / "envoy" / "Dockerfile").read_text().splitlines()
    (command,) = [line.removeprefix("#").split() for line in lines if "> envoy/" in line]
    program, *arguments, arrow, file = command
    assert (program, arrow) == ("fleetgate", ">")

    printed = fleetgate(*arguments)

    assert (ROOT / file).read_text() == printed.out


@pytest.mark.parametrize("name", ["shop", "nginx/shop", "mse/", "mse/a/b"])
def test_a_name_that_is_no_gateways_is_told_how_one_looks(name: str) -> None:
    fleetgate("bootstrap", name).says(f"'{name}' is not FLAVOUR/NAME, such as mse/ackone-gateway")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(
            ["--tls-dir", "tls"],
            "--tls-dir tls has to be an absolute path: Envoy would look from where it is started",
            id="relative-files",
        ),
        pytest.param(
            ["--tls-dir", "/tls", "--sds-dir", "sds"],
            "--sds-dir sds has to be an absolute path",
            id="relative-documents",
        ),
        pytest.param(["--sds-dir", "/sds"], "--sds-dir needs --tls-dir", id="no-files"),
    ],
)
def test_places_of_certificates_have_to_make_sense(options: list[str], sentence: str) -> None:
    fleetgate("bootstrap", "mse/shop", *options).says(sentence)
