"""Attacks by a member: an API server that answers without end."""

import asyncio
import json
import subprocess
from typing import Any, Final

from fleetgate.http.client import ask
from tests.hostile.target import HOSTILE_MEMBER, Target
from tests.servers.binaries import find
from tests.support.hostile_api import (
    Answer,
    HostileApi,
    Link,
    endless,
    endless_items,
    endless_pages,
    nothing,
    quiet,
)
from tests.support.process import until

_NAMESPACE: Final = "fleetgate-system"
_DRIPS: Final = 30_000
_EVENTS: Final = 6_000_000


def lists_without_end(target: Target) -> str:
    """Pages of a list whose items have no end."""
    return _joined(target, endless_items(b"{},"), quiet)


def pages_without_end(target: Target) -> str:
    """Lists that always have one page more."""
    return _joined(target, endless_pages, quiet)


def lines_without_end(target: Target) -> str:
    """Watches whose line has no end."""
    return _joined(target, nothing, endless(b"x"))


def events_without_end(target: Target) -> str:
    """Watches that tell of ever more objects, as fast as they are read."""

    async def flood(link: Link) -> None:
        await link.head()
        kind = "Service" if link.path.endswith("/services") else "EndpointSlice"
        for number in range(10_000_000):
            metadata = {"name": f"n{number}", "namespace": "a", "resourceVersion": f"{number + 8}"}
            added = {"kind": kind, "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
            await link.send(json.dumps({"type": "ADDED", "object": added}).encode() + b"\n")

    return _joined(target, nothing, flood, taken=_EVENTS)


def drips(target: Target) -> str:
    """Lists that come a byte at a time."""

    async def drip(link: Link) -> None:
        await link.head()
        while True:
            await link.send(b" ")
            await asyncio.sleep(0)

    return _joined(target, drip, quiet, taken=_DRIPS)


def _joined(target: Target, lists: Answer, watches: Answer, *, taken: int = 0) -> str:
    """Join the fleet and be read for a while; gives how the member stands then, and its problems.

    The while is until so many bytes are taken, or else until it is out of reach and tried again.
    """
    with HostileApi(lists, watches) as api:
        _tell(target, api.kubeconfig())
        if taken:
            until(lambda: api.sent > taken)
        else:
            until(lambda: _standing(target).startswith("unreachable"))
            asked = len(api.asked)
            until(lambda: len(api.asked) > asked)
        return _standing(target)


def _tell(target: Target, kubeconfig: dict[str, Any]) -> None:
    """Have the hub name the member."""
    metadata = {"name": "hostile", "labels": {"fleetgate.dev/member": HOSTILE_MEMBER}}
    data = {"kubeconfig": json.dumps(kubeconfig)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    kubectl = (str(find("kubectl")), f"--kubeconfig={target.fleet}", "-n", _NAMESPACE)
    subprocess.run([*kubectl, "apply", "-f", "-"], input=json.dumps(secret), text=True, check=True)


def _standing(target: Target) -> str:
    """What `fleetgate status` says of the member."""
    told = ask(target.admin_port, "/status", timeout=60)
    stands = (f"{m['state']}: {m['message']}" for m in told["members"] if m["id"] == HOSTILE_MEMBER)
    reasons = (p["reason"] for p in told["problems"] if p["value"] == HOSTILE_MEMBER)
    return " ".join((*stands, *reasons))
