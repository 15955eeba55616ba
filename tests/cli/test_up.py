"""`up` serves a fleet until it is told to stop, and leaves nothing behind."""

import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import PORT_OFFSET, Staying, runs
from tests.support.builders import alb_gateway, ingress, mse_gateway, write


def _status(address: str, host: str) -> int:
    request = urllib.request.Request(
        f"http://{address}:{80 + PORT_OFFSET}/", headers={"host": host}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as e:
        return e.code


def test_it_says_where_each_gateway_listens_and_then_it_does(up: Staying, address: str) -> None:
    http, https = f"http://{address}:{80 + PORT_OFFSET}", f"https://{address}:{443 + PORT_OFFSET}"
    assert up.out[-1] == f"ready: mse/shop listens on {http}, {https}\n"

    assert _status(address, "nobody.example") == 404
    assert _status(address, "shop.example") == 503  # nobody listens at the Pod's address


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_with_everything_it_started(
    number: signal.Signals, fleet: Path, address: str
) -> None:
    with Staying.up(fleet, address) as up:
        pids = up.processes()
        assert up.processes("envoy")

        ended = up.end(number)

    assert (ended.status, ended.err) == (0, "")
    assert [pid for pid in pids if runs(pid)] == []


def test_sync_waits_for_the_envoys_that_it_starts(fleet: Path, address: str) -> None:
    with Staying.up(fleet, address).until("serving ") as up:
        synced = up.ask("sync")

        assert synced.out == "in sync: every Envoy has acknowledged what is declared\n"
        assert _status(address, "nobody.example") == 404


def test_a_signal_while_it_starts_leaves_nothing_behind_either(fleet: Path, address: str) -> None:
    with Staying.up(fleet, address).until("serving ") as up:
        pids = up.processes()

        ended = up.end(signal.SIGTERM)

    assert (ended.status, ended.err) == (0, "")
    assert [pid for pid in pids if runs(pid)] == []


def test_each_gateway_has_its_envoy(fleet: Path, address: str) -> None:
    second = mse_gateway("api", members=["east"], ingress_class="api")
    write(fleet, "hub/second.yaml", second)

    with Staying.up(fleet, address).until("ready: ", times=2) as up:
        assert len(up.processes("envoy")) == 2
        gateways = [line for line in up.out if line.startswith("ready: ")]

    assert len(gateways) == 2
    assert len({line.rpartition("//")[2] for line in gateways}) == 2


def test_a_gateway_with_several_listeners_says_all_of_them(fleet: Path, address: str) -> None:
    write(fleet, "hub/gateway.yaml", alb_gateway("front", members=["east"], ports=[80, 81]))

    with Staying.up(fleet, address) as up:
        first, second = (f"{address}:{port + PORT_OFFSET}" for port in (80, 81))
        assert up.out[-1] == f"ready: alb/front listens on http://{first}, http://{second}\n"
        assert f"{first}, {second}" in up.ask("status").out


def test_a_problem_is_logged_once_and_hinders_nobody(fleet: Path, address: str) -> None:
    bad = ingress("bad", host="bad_.example").path("/", to="web:80").of_class("mse")
    write(fleet, "hub/bad.yaml", bad)

    with Staying.up(fleet, address) as up:
        assert up.ask("sync").status == 0
        ended = up.end(signal.SIGTERM)

    assert ended.status == 0
    assert ended.err.count("bad_.example") == 1
    assert "Ingress default/bad: InvalidHost" in ended.err
