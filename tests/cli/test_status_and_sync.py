"""`status` shows how a running fleetgate is doing; `sync` waits until Envoys have it all."""

import json
import os
import re
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.events import Configured, Listed, Members, Unreachable
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.ref import HUB
from fleet.sources.memory import MemorySource
from fleetgate.commands.findings import columns
from fleetgate.commands.status import _tables, short
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.core.view import FleetView, Replica
from fleetgate.http.status import report
from tests.cli.commands import PATIENCE, PORT_OFFSET, Staying, fleetgate
from tests.support.authority import Authority
from tests.support.builders import alb_gateway, ingress, mse_gateway, secret, write
from tests.support.certificates import tls_data
from tests.support.translation import upserted
from translators.dialects import DIALECTS
from xds.cache import SnapshotCache


def _declare(fleet: Path, name: str, *, host: str = "more.example") -> None:
    more = ingress(name, host=host).path("/", to="web:80").of_class("mse")
    write(fleet, f"hub/{name}.yaml", more)


def _rows(text: str, title: str) -> list[list[str]]:
    block = text.partition(f"{title}\n")[2].partition("\n\n")[0]
    return [line.split() for line in block.splitlines()[1:]]


def test_text_shows_gateways_members_ingresses_and_envoys(up: Staying, address: str) -> None:
    shown = up.ask("status")

    assert (shown.status, shown.err) == (0, "")
    places = [f"{address}:{80 + PORT_OFFSET},", f"{address}:{443 + PORT_OFFSET}"]
    assert _rows(shown.out, "Gateways") == [["mse/shop", "Listening", *places, "east"]]
    assert _rows(shown.out, "Members") == [["east", "reachable"]]
    assert _rows(shown.out, "Ingresses") == [["default", "web", "mse/shop", address, "none"]]
    ((node, gateway, *acknowledged, pending, admin),) = _rows(shown.out, "Envoys")
    assert node.startswith("mse/shop@")
    assert gateway == "mse/shop"
    assert set(acknowledged[::2]) == {"CDS", "EDS", "LDS", "SRDS"}
    assert pending == "none"
    assert admin.startswith("127.0.0.1:")
    assert shown.out.endswith("\nProblems\n  none\n")


def test_text_shows_problems_by_object(up: Staying, fleet: Path) -> None:
    _declare(fleet, "bad", host="bad_.example")
    up.ask("sync")

    shown = up.ask("status").out

    assert next(row for row in _rows(shown, "Ingresses") if row[1] == "bad")[-1] == "1"
    problems = shown.partition("\nProblems\n")[2]
    assert problems.startswith("  hub/bad.yaml: Ingress default/bad\n")
    assert "spec.rules[0].host: 'bad_.example'\n" in problems


def test_text_marks_a_member_that_the_fleet_does_not_have(up: Staying, fleet: Path) -> None:
    gateway = fleet / "hub" / "gateway.yaml"
    gateway.write_text(gateway.read_text().replace("east", "east,wset"))
    up.ask("sync")

    assert "east, wset (Failed)" in up.ask("status").out


def test_text_shows_since_when_a_member_is_lost(up: Staying, fleet: Path) -> None:
    (fleet / "clusters" / "east").rename(fleet / "away")
    up.ask("sync", "--timeout", "2")

    (row,) = _rows(up.ask("status").out, "Members")

    assert row[:2] == ["east", "unreachable"]
    lost = datetime.now(UTC) - datetime.fromisoformat(row[2])
    assert timedelta() <= lost < timedelta(seconds=PATIENCE)
    assert re.fullmatch(r"\(\d+s", row[3])
    message = "the directory clusters/east is gone; what it held stays in force"
    assert " ".join(row[4:]) == f"ago) {message}"


def test_text_shows_the_hub_while_it_is_not_read(up: Staying, fleet: Path) -> None:
    assert not up.ask("status").out.startswith("Hub\n")
    (fleet / "hub").rename(fleet / "away")
    up.ask("sync", "--timeout", "2")

    shown = up.ask("status").out

    assert shown.startswith("Hub\n")
    ((state, _, *told),) = _rows(shown, "Hub")
    assert state == "unreachable"
    message = "the directory hub is gone; what it held stays in force"
    assert re.fullmatch(rf"\(\d+s ago\) {message}", " ".join(told))
    assert _rows(shown, "Gateways")[0][1] == "Listening"


def test_a_member_that_has_not_listed_yet_is_told_from_one_that_has() -> None:
    control = ControlPlane(MemorySource(DIALECTS.kinds), SnapshotCache(), ControlSettings())
    control.state.apply([Members(frozenset({"one", "two", "three"}), frozenset({"four"}))])
    control.state.apply([Listed("one"), Unreachable("two", "the cable is cut")])

    shown = report(FleetView(control), lambda _: "", lambda _: "")

    states = {member["id"]: member["state"] for member in shown["members"]}
    assert states == {
        "one": "reachable",
        "two": "unreachable",
        "three": "unread",
        "four": "unattached",
    }
    assert shown["hub"]["state"] == "unread"


def _configured(*settings: Configured) -> dict[str, Any]:
    """The report about a fleet whose members have these settings."""
    control = ControlPlane(MemorySource(DIALECTS.kinds), SnapshotCache(), ControlSettings())
    control.state.apply([Members(frozenset(each.origin for each in settings)), *settings])
    return report(FleetView(control), lambda _: "", lambda _: "")


def _members_of(shown: dict[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    ((head, rows),) = ((head, rows) for title, head, rows in _tables(shown) if title == "Members")
    return head, rows


V6 = MemberGateway("2001:db8::1", 443, GatewayTls.VERIFIED, "gw.example.com")
SETTINGS = (
    Configured("a", MemberSettings()),
    Configured("b", MemberSettings(addressing=Addressing.NODE_PORTS, region="eu", zone="eu-a")),
    Configured(
        "c", MemberSettings(addressing=Addressing.GATEWAY, gateway=MemberGateway("gw.test", 80))
    ),
    Configured("d", MemberSettings(addressing=Addressing.GATEWAY, gateway=V6)),
)


def test_text_shows_settings_of_members_that_are_no_defaults() -> None:
    assert _members_of(_configured(*SETTINGS)) == (
        ("ID", "STATE", "ADDRESSING", "REGION", "ZONE", "SINCE", "MESSAGE"),
        [
            ("a", "unread", "", "", "", "", ""),
            ("b", "unread", "nodePorts", "eu", "eu-a", "", ""),
            ("c", "unread", "gateway gw.test:80", "", "", "", ""),
            ("d", "unread", "gateway [2001:db8::1]:443 (TLS, verified)", "", "", "", ""),
        ],
    )


def test_text_shows_no_column_of_defaults() -> None:
    head, _ = _members_of(_configured(SETTINGS[0], Configured("e", MemberSettings(zone="z"))))
    assert head == ("ID", "STATE", "ZONE", "SINCE", "MESSAGE")
    assert _members_of(_configured(SETTINGS[0]))[0] == ("ID", "STATE", "SINCE", "MESSAGE")


def test_json_shows_all_settings_of_members() -> None:
    a, b, _, d = _configured(*SETTINGS)["members"]
    names = ("addressing", "gateway", "region", "zone")
    assert [a[name] for name in names] == ["pods", None, "", ""]
    assert [b[name] for name in names] == ["nodePorts", None, "eu", "eu-a"]
    gateway = {"host": "2001:db8::1", "port": 443, "tls": "verified", "sni": "gw.example.com"}
    assert [d[name] for name in names] == ["gateway", gateway, "", ""]


def test_an_alb_gateway_is_shown_as_the_documents_show_it() -> None:
    control = ControlPlane(MemorySource(DIALECTS.kinds), SnapshotCache(), ControlSettings())
    pair = Authority.make("ours").issue("a.test", addresses=[], names=["a.test"])
    named = [{"CertificateId": "edge/a"}, {"CertificateId": "edge/missing"}]
    secure = {"port": 443, "protocol": "HTTPS", "certificates": named}
    gateway = alb_gateway("web", listeners=[{"port": 80, "protocol": "HTTP"}, secure])
    gateway = gateway.annotate({"fleetgate.dev/addresses": "alb.example"})
    certificate = secret("a", tls_data(pair)).in_namespace("edge")
    declared = (gateway, certificate, mse_gateway("shop"))
    changes = control.state.apply([Listed(HUB), *(upserted(each.manifest) for each in declared)])
    control.translator.update(changes)

    shown = report(FleetView(control), lambda _: "", lambda _: "")

    (table,) = ((head, rows) for title, head, rows in _tables(shown) if title == "AlbConfig")
    assert table == (
        ("NAME", "ALBID", "DNSNAME", "PORT&PROTOCOL", "CERTID"),
        [("alb/web", "alb-web", "alb.example", "80/HTTP,443/HTTPS", "edge/a")],
    )


def test_whatever_a_message_holds_its_row_is_one_row() -> None:
    rows: list[Sequence[str]] = [("one", "all\nis\r\x1b[31m \u2028well"), ("two", "")]
    shown = list(columns(("ID", "MESSAGE"), rows))
    assert shown == ["ID   MESSAGE", "one  all is \\x1b[31m well", "two"]


@pytest.mark.parametrize(
    ("others", "title"),
    [
        pytest.param(0, "Envoys", id="alone"),
        pytest.param(1, "Envoys of replica a (1 other has its own)", id="two-replicas"),
        pytest.param(2, "Envoys of replica a (2 others have their own)", id="three-replicas"),
    ],
)
def test_the_envoys_that_are_shown_are_those_of_one_replica(others: int, title: str) -> None:
    control = ControlPlane(MemorySource(DIALECTS.kinds), SnapshotCache(), ControlSettings())
    shown = report(FleetView(control), lambda _: "", lambda _: "", Replica("a", others))

    assert [found for found, _, _ in _tables(shown)][-1] == title


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        pytest.param(timedelta(seconds=0), "0s", id="now"),
        pytest.param(timedelta(seconds=119), "119s", id="under-two-minutes"),
        pytest.param(timedelta(seconds=120), "2m", id="two-minutes"),
        pytest.param(timedelta(minutes=119), "119m", id="under-two-hours"),
        pytest.param(timedelta(hours=47), "47h", id="under-two-days"),
        pytest.param(timedelta(days=21, hours=5), "21d", id="weeks"),
        pytest.param(timedelta(seconds=-2), "0s", id="a-clock-that-was-set-back"),
    ],
)
def test_ages_are_short(span: timedelta, shown: str) -> None:
    assert short(span) == shown


def test_json_is_for_programs(up: Staying, address: str) -> None:
    shown = up.ask("status", "-o", "json")

    report = json.loads(shown.out)
    parts = {"gateways", "hub", "members", "ingresses", "problems", "replica", "envoys"}
    assert set(report) == parts
    assert report["hub"] == {"state": "reachable", "message": "", "since": ""}
    assert report["gateways"][0]["address"] == address
    assert report["envoys"][0]["protocol"] == "delta"


def test_yaml_shows_each_objects_status_as_kubernetes_would_hold_it(
    up: Staying, address: str
) -> None:
    shown = up.ask("status", "-o", "yaml")

    listed = yaml.safe_load(shown.out)
    assert listed["kind"] == "List"
    statuses = {item["kind"]: item["status"] for item in listed["items"]}
    assert statuses["MseIngressConfig"]["phase"] == "Listening"
    assert statuses["MseIngressConfig"]["remoteClusters"] == [{"clusterId": "east"}]
    assert statuses["Ingress"] == {"loadBalancer": {"ingress": [{"ip": address}]}}


def test_sync_counts_what_was_written_before_the_call(up: Staying, fleet: Path) -> None:
    for number in range(3):
        _declare(fleet, f"more-{number}", host=f"more-{number}.example")

        synced = up.ask("sync")

        assert (synced.status, synced.err) == (0, "")
        assert synced.out == "in sync: every Envoy has acknowledged what is declared\n"
        ingresses = json.loads(up.ask("status", "-o", "json").out)["ingresses"]
        assert f"more-{number}" in {found["name"] for found in ingresses}


def test_sync_says_what_is_missing_when_time_is_up(up: Staying, fleet: Path) -> None:
    (envoy,) = up.processes("envoy")
    os.kill(envoy, signal.SIGSTOP)
    try:
        _declare(fleet, "more")

        late = up.ask("sync", "--timeout", "0.2")
    finally:
        os.kill(envoy, signal.SIGCONT)

    assert (late.status, late.out) == (1, "")
    assert late.err.startswith("not in sync after 0.2 s:\n  mse/shop@")
    assert "more.example" in late.err
    assert up.ask("sync").status == 0


def test_sync_names_a_member_that_cannot_be_read(up: Staying, fleet: Path) -> None:
    (fleet / "clusters" / "east").rename(fleet / "away")

    late = up.ask("sync", "--timeout", "2")

    assert (late.status, late.out) == (1, "")
    assert late.err == (
        "not in sync after 2 s:\n"
        "  member east cannot be read: the directory clusters/east is gone; "
        "what it held stays in force\n"
    )


def test_sync_without_time_says_no(up: Staying) -> None:
    late = up.ask("sync", "--timeout", "0")

    assert late.status == 1
    assert late.err.startswith("not in sync after 0 s:\n")


def test_sync_of_a_fleet_without_envoys_says_that_there_are_none(fleet: Path) -> None:
    with Staying.serve(fleet) as serve:
        synced = serve.ask("sync")

    assert synced.status == 0
    assert synced.out == "in sync: what is declared is published; no Envoy is connected\n"


@pytest.mark.parametrize("command", ["status", "sync"])
def test_a_proxy_in_the_environment_is_not_asked(
    up: Staying, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert up.ask(command).status == 0


def test_an_http_server_that_is_no_fleetgate_is_told_apart(up: Staying) -> None:
    envoys = json.loads(up.ask("status", "-o", "json").out)["envoys"]
    port = envoys[0]["admin"].rpartition(":")[2]

    fleetgate("status", "--admin-port", port).says(f"what answers on port {port} is no fleetgate")
