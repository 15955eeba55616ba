"""`bootstrap` prints a file with which a stock Envoy joins a gateway."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fleetgate.cli import main
from fleetgate.local.envoy_process import find_envoy
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


@pytest.mark.parametrize("name", ["shop", "nginx/shop", "mse/", "mse/a/b", "mse/A_B"])
def test_a_name_that_is_no_gateways_is_told_how_one_looks(name: str) -> None:
    fleetgate("bootstrap", name).says(f"'{name}' is no gateway's name: one looks like mse/NAME")


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


@pytest.mark.parametrize("host", ["", "a b", "http://x:1", "host:18000", "[::1]", "a\n"])
@pytest.mark.parametrize("option", ["--xds-address", "--xds-server-name"])
def test_a_host_is_a_dns_name_or_an_ip_address(option: str, host: str) -> None:
    ended = CliRunner().invoke(main, ["bootstrap", "mse/shop", "--tls-dir", "/tls", option, host])

    assert ended.exit_code == 2
    assert f"{host!r} is neither a DNS name nor an IP address." in ended.stderr


@pytest.mark.parametrize("host", ["fleetgate.example", "my_compose.service", "::1", "10.0.0.1"])
def test_hosts_of_every_form_are_taken(host: str) -> None:
    ended = CliRunner().invoke(main, ["bootstrap", "mse/shop", "--xds-address", host])

    assert ended.exit_code == 0


def test_the_name_in_a_certificate_needs_tls() -> None:
    ended = CliRunner().invoke(main, ["bootstrap", "mse/shop", "--xds-server-name", "a.example"])

    assert ended.exit_code == 2
    assert "--xds-server-name needs --tls-dir" in ended.stderr
