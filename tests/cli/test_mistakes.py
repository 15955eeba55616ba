"""A mistake of the operator is one clear sentence on stderr and exit status 2, never a traceback.

Each sentence names the mistake, its place, and the option or the step that mends it.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleetgate.cli import main
from tests.cli.commands import PORT_OFFSET, fleetgate, free_offset, run
from tests.support.builders import alb_gateway, write

FREE_PORTS = ("--xds-port", "0", "--admin-port", "0")
WITHOUT_ENVOY_PACKAGE = (
    "import sys; sys.modules['envoy'] = None; from fleetgate.cli import main; main()"
)


@contextmanager
def taken(address: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen()
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize("command", ["up", "serve", "check", "translate"])
def test_a_directory_that_does_not_exist(command: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    fleetgate(command, missing).says(f"{missing} is not a directory")


@pytest.mark.parametrize("command", ["up", "serve", "check", "translate"])
def test_a_directory_that_is_no_fleet(command: str, tmp_path: Path) -> None:
    fleetgate(command, tmp_path).says("it has no directory hub/")


def test_the_port_of_a_gateway_is_taken(fleet: Path, address: str) -> None:
    with taken(address, 80 + PORT_OFFSET):
        place = ("--bind", address, "--port-offset", str(PORT_OFFSET))
        ended = fleetgate("up", fleet, *place, *FREE_PORTS)

    ended.says(f"mse/shop cannot listen on {address}:{80 + PORT_OFFSET} (Address already in use)")
    ended.says("--port-offset")


def test_the_port_of_a_further_listener_is_taken(fleet: Path, address: str) -> None:
    write(fleet, "hub/gateway.yaml", alb_gateway("front", ports=[80, 81]))
    with taken(address, 81 + PORT_OFFSET):
        place = ("--bind", address, "--port-offset", str(PORT_OFFSET))
        ended = fleetgate("up", fleet, *place, *FREE_PORTS)

    ended.says(f"alb/front cannot listen on {address}:{81 + PORT_OFFSET} (Address already in use)")


def test_a_port_of_the_demo_is_taken() -> None:
    with taken() as port:
        ended = fleetgate("demo", "--port-offset", str(int(port) - 80), "--admin-port", "0")

    ended.says(f"cannot listen on 127.0.0.1:{port} (Address already in use)")
    assert "--bind" not in ended.err


@pytest.mark.parametrize("command", ["up", "serve"])
def test_the_xds_port_is_taken(command: str, fleet: Path) -> None:
    with taken() as port:
        ended = fleetgate(command, fleet, "--xds-port", port, "--admin-port", "0")

    ended.says(f"xDS cannot listen on 127.0.0.1:{port}")
    ended.says("--xds-port")


@pytest.mark.parametrize("command", ["up", "serve", "demo"])
def test_the_admin_port_is_taken(command: str, fleet: Path) -> None:
    demo = ("--port-offset", free_offset())
    rest = demo if command == "demo" else (fleet, "--xds-port", "0")
    with taken() as port:
        ended = fleetgate(command, *rest, "--admin-port", port)

    ended.says(f"the admin HTTP cannot listen on 127.0.0.1:{port} (Address already in use)")
    ended.says("--admin-port")


@pytest.mark.parametrize("command", ["up", "serve"])
def test_xds_and_admin_have_a_port_each(command: str, fleet: Path) -> None:
    ended = fleetgate(command, fleet, "--xds-port", "18123", "--admin-port", "18123")

    ended.says("xDS and the admin HTTP cannot both listen on port 18123; ")


@pytest.mark.parametrize("command", ["up", "demo"])
def test_there_is_no_envoy(command: str, fleet: Path, tmp_path: Path) -> None:
    demo = ("--port-offset", free_offset())
    rest = demo if command == "demo" else (fleet, "--xds-port", "0")
    program = (sys.executable, "-c", WITHOUT_ENVOY_PACKAGE)

    ended = run((*program, command, *rest, "--admin-port", "0"), env={"PATH": str(tmp_path)})

    ended.says("no Envoy found: put `envoy` on PATH, or install the package")


@pytest.mark.parametrize(
    ("option", "what"),
    [
        pytest.param("--admin-bind", "the admin HTTP", id="admin"),
        pytest.param("--xds-bind", "xDS", id="xds"),
    ],
)
def test_an_address_of_another_machine(option: str, what: str, fleet: Path) -> None:
    ended = fleetgate("serve", fleet, option, "192.0.2.1", "--insecure", *FREE_PORTS)

    ended.says(f"{what} cannot listen on 192.0.2.1:0 (Cannot assign requested address); ")
    ended.says(f"name an address of this machine with {option}")


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
@pytest.mark.parametrize("command", ["sync --timeout", "serve --start-deadline"])
def test_a_time_is_a_number(command: str, seconds: str) -> None:
    ended = CliRunner().invoke(main, [*command.split(), seconds])

    assert ended.exit_code == 2
    assert "is not in the range 0<=x<=3600." in ended.stderr


def test_xds_beyond_loopback_must_be_asked_for(fleet: Path) -> None:
    ended = fleetgate("serve", fleet, "--xds-bind", "0.0.0.0", *FREE_PORTS)  # noqa: S104

    ended.says("--insecure")


@pytest.mark.parametrize("command", ["serve", "up"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param(["c1"], "c1: ID:NAME=VALUE is expected, such as c1:region=eu.", id="shape"),
        pytest.param(["c1:zone"], "c1:zone: ID:NAME=VALUE is expected", id="no-value"),
        pytest.param(["c2:zone=a"], "c2:zone=a: no --member has the ID c2.", id="no-member"),
        pytest.param(
            ["c1:zone=a", "c1:zone=b"], "c1:zone=b: c1 has this setting already.", id="twice"
        ),
        pytest.param(["c1:zones=a"], "c1:zones=a: expected zone.", id="misspelt"),
        pytest.param(
            ["c1:addressing=node"],
            "c1:addressing=node: expected pods, nodePorts or gateway.",
            id="value",
        ),
        pytest.param(
            ["c1:addressing=gateway"],
            "c1:gateway-address: expected a host and a port, such as gw.example.com:443, "
            "192.0.2.10:80 or [2001:db8::1]:80, which addressing gateway needs; it is missing.",
            id="missing",
        ),
        pytest.param(
            ["c1:addressing=gateway", "c1:gateway-address=127.0.0.1:80"],
            "c1:gateway-address=127.0.0.1:80: expected the address of a gateway; "
            "this is a loopback address.",
            id="loopback",
        ),
        pytest.param(
            ["c1:region=-", "c1:zone=-"],
            "with a letter or a digit at both ends (1 more like this).",
            id="two",
        ),
    ],
)
def test_a_setting_of_a_member_is_one_that_it_can_have(
    command: str, settings: list[str], sentence: str
) -> None:
    members = ("--hub-kubeconfig", "/no/kubeconfig", "--member", "c1=kind-c1")
    flags = (word for setting in settings for word in ("--member-setting", setting))
    ended = CliRunner().invoke(main, [command, *members, *flags])

    assert ended.exit_code == 2
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("Error: --member-setting c")
    assert sentence in said


def test_settings_are_for_members_of_the_command_line(fleet: Path) -> None:
    ended = CliRunner().invoke(main, ["serve", str(fleet), "--member-setting", "east:zone=a"])

    assert ended.exit_code == 2
    assert "--member-setting east:zone=a: no --member has the ID east." in ended.stderr


@pytest.mark.parametrize("option", ["--xds-bind", "--bind", "--admin-bind"])
def test_an_address_is_an_ip_address(option: str, fleet: Path) -> None:
    ended = fleetgate("serve", fleet, option, "nowhere", *FREE_PORTS)

    assert ended.status == 2
    assert "nowhere" in ended.err
    assert "Traceback" not in ended.err


def test_managed_gateways_listen_on_the_addresses_of_their_pods(tmp_path: Path) -> None:
    """Ingresses would show an address on which no Envoy can listen."""
    hub = ("--hub-kubeconfig", tmp_path / "kubeconfig")

    ended = fleetgate("serve", *hub, "--manage-gateways", "--bind", "192.0.2.1", *FREE_PORTS)

    assert ended.status == 2
    assert "--bind 192.0.2.1 is no address of the Pods that --manage-gateways makes" in ended.err


@pytest.mark.parametrize("command", ["status", "sync"])
def test_no_control_plane_answers(command: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = str(bound.getsockname()[1])
        ended = fleetgate(command, "--admin-port", port)

    ended.says(f"no fleetgate answers on port {port} of this machine")
    ended.says("--admin-port")
