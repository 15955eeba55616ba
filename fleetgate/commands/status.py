"""`fleetgate status` prints the state of a running fleet."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import yaml

from fleet.member_settings import Addressing
from fleetgate.commands.findings import columns, problem_lines
from fleetgate.commands.options import RUNNING
from fleetgate.http.client import ask


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    show_default=True,
    help="text for people, json the same for programs; yaml prints each object's status as "
    "Kubernetes would hold it.",
)
@RUNNING
def status(output: str, admin_port: int) -> None:
    """Show how a running fleetgate is doing.

    This prints gateways with their phase and members, Ingresses, every problem, each connected
    Envoy with what it has acknowledged, and the hub while it cannot be read.

    Exit status: 0 shown, 2 no control plane answers.
    """
    if output == "yaml":
        click.echo(yaml.safe_dump(ask(admin_port, "/statuses"), sort_keys=False), nl=False)
        return
    report = ask(admin_port, "/status")
    if output == "json":
        click.echo(json.dumps(report, indent=2))
        return
    for title, head, rows in _tables(report):
        click.echo(click.style(title, bold=True))
        for line in columns(head, rows) if rows else ("none",):
            click.echo(f"  {line}")
        click.echo()
    _print_problems(report["problems"])


def _place(gateway: Any) -> str:  # noqa: ANN401 (JSON)
    """Return the addresses at which clients reach a gateway, or else those of its listeners."""
    if gateway["addresses"] not in ([], [gateway["address"]]):
        return ", ".join(gateway["addresses"])
    return ", ".join(f"{gateway['address']}:{port}" for port in gateway["ports"])


def _tables(report: Any) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:  # noqa: ANN401 (JSON)
    hub = report["hub"]
    if hub["state"] != "reachable":
        yield (
            "Hub",
            ("STATE", "SINCE", "MESSAGE"),
            [(hub["state"], _since(hub["since"]), hub["message"])],
        )
    yield (
        "Gateways",
        ("NAME", "STATUS", "ADDRESS", "MEMBERS", "MESSAGE"),
        [
            (
                gateway["name"],
                gateway["phase"],
                _place(gateway),
                ", ".join(map(_member, gateway["members"])) or "none",
                gateway["message"],
            )
            for gateway in report["gateways"]
        ],
    )
    yield from _kinds(report["gateways"])
    yield _members(report["members"])
    yield (
        "Ingresses",
        ("NAMESPACE", "NAME", "GATEWAYS", "ADDRESS", "PROBLEMS"),
        [
            (
                ingress["namespace"],
                ingress["name"],
                ", ".join(ingress["gateways"]) or "none",
                ", ".join(ingress["addresses"]),
                str(ingress["problems"] or "none"),
            )
            for ingress in report["ingresses"]
        ],
    )
    yield (
        _envoys_of(report["replica"]),
        ("NODE", "GATEWAY", "ACKNOWLEDGED", "PENDING", "ADMIN"),
        [
            (
                envoy["node"],
                envoy["gateway"],
                " ".join(f"{name} {t['acknowledged']}" for name, t in envoy["types"].items()),
                _pending(envoy),
                envoy["admin"],
            )
            for envoy in report["envoys"]
        ],
    )


def _members(members: Any) -> tuple[str, Sequence[str], list[Sequence[str]]]:  # noqa: ANN401 (JSON)
    """Return the table of members, with a column for each setting that some member has."""
    settings = {
        "ADDRESSING": [_addressing(member) for member in members],
        "REGION": [member["region"] for member in members],
        "ZONE": [member["zone"] for member in members],
    }
    shown = {head: cells for head, cells in settings.items() if any(cells)}
    rows: list[Sequence[str]] = [
        (
            member["id"],
            member["state"],
            *(cells[i] for cells in shown.values()),
            _since(member["since"]),
            member["message"],
        )
        for i, member in enumerate(members)
    ]
    return "Members", ("ID", "STATE", *shown, "SINCE", "MESSAGE"), rows


def _addressing(member: Any) -> str:  # noqa: ANN401 (JSON)
    """Return where requests for a member's Pods are sent, "" if that is to the Pods themselves."""
    addressing, gateway = member["addressing"], member["gateway"]
    if gateway:
        host = f"[{gateway['host']}]" if ":" in gateway["host"] else gateway["host"]
        tls = "" if gateway["tls"] == "off" else f" (TLS, {gateway['tls']})"
        return f"{addressing} {host}:{gateway['port']}{tls}"
    return "" if addressing == Addressing.PODS else str(addressing)


def _kinds(gateways: Any) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:  # noqa: ANN401 (JSON)
    """Yield a table for each kind of gateway that has columns of its own."""
    kinds: dict[str, list[Any]] = {}
    for gateway in gateways:
        if gateway["columns"]:
            kinds.setdefault(gateway["kind"], []).append(gateway)
    for kind, some in kinds.items():
        rows: list[Sequence[str]] = [(each["name"], *each["columns"].values()) for each in some]
        yield kind, ("NAME", *some[0]["columns"]), rows


def _envoys_of(replica: Any) -> str:  # noqa: ANN401 (JSON)
    """Return the title of the table of Envoys, which has no Envoys of other replicas."""
    others = replica["others"]
    if not others:
        return "Envoys"
    theirs = "1 other has its own" if others == 1 else f"{others} others have their own"
    return f"Envoys of replica {replica['name']} ({theirs})"


def _pending(envoy: Any) -> str:  # noqa: ANN401 (JSON)
    """Return the numbers of resources that an Envoy has still to acknowledge, by type."""
    if envoy["waits"]:
        return "gateway not declared"
    pending = (f"{name} {t['pending']}" for name, t in envoy["types"].items() if t["pending"])
    return " ".join(pending) or "none"


def short(span: timedelta) -> str:
    """Return a span in the largest unit of which it has at least two."""
    seconds = max(0, int(span.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("m", 60))
    return next((f"{seconds // s}{unit}" for unit, s in units if seconds >= 2 * s), f"{seconds}s")


def _since(moment: str) -> str:
    """Return a moment with its age."""
    if not moment:
        return ""
    return f"{moment} ({short(datetime.now(UTC) - datetime.fromisoformat(moment))} ago)"


def _member(member: Any) -> str:  # noqa: ANN401 (JSON)
    return str(member["clusterId"]) + (f" ({member['status']})" if "status" in member else "")


def _print_problems(problems: Any) -> None:  # noqa: ANN401 (JSON)
    click.echo(click.style("Problems", bold=True))
    if not problems:
        click.echo("  none")
    for line in problem_lines(problems):
        click.echo(f"  {line}".rstrip())
