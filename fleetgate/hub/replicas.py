"""What the replicas of fleetgate tell each other: which gateways listen, by the Envoys of each.

An Envoy is connected to one replica, and the leader writes the statuses of all gateways. So every
replica keeps a Lease of its own on the hub, with the gateways of its Envoys as annotations, and
reads those of the others. A Lease that is not renewed any more is left out, and taken away.
"""

import asyncio
import hashlib
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply, Unreached
from fleet.kubernetes.patience import BUSY, Patience
from fleetgate.core.control import ControlPlane, Progress
from fleetgate.hub.agreement import OPTIONS

log = logging.getLogger(__name__)

Json: TypeAlias = Any

LABEL: Final = "fleetgate.dev/replica"
ANNOTATION: Final = "fleetgate.dev/"
"""With `running` or `listening` behind it: the gateways of which that is true, with commas."""


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """Times in seconds: how often Leases are renewed and read, and when one is forgotten."""

    every: float = 5.0
    forget: float = 20.0


class Replicas:
    """Tells the other replicas, and the control plane what they tell, while `run` runs."""

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        holder: str,
        settings: ReplicaSettings | None = None,
        options: str = "",
    ) -> None:
        self._api = api
        self._options = options
        self._settings = settings or ReplicaSettings()
        self._patience = Patience("the talk between replicas")
        # Holders have underscores and capitals, names of objects have not.
        self._name = f"fleetgate-replica-{hashlib.sha256(holder.encode()).hexdigest()[:12]}"
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._holder = holder
        self._seen: dict[str, tuple[str, float]] = {}
        self._options_of_others: frozenset[str] | None = None
        self._alive = 0
        self._looked = math.inf
        self._heard: dict[str, Progress] = {}
        self._refusals: dict[str, str] = {}

    @property
    def others(self) -> int:
        """How many other replicas there are."""
        return self._alive

    @property
    def options_of_others(self) -> frozenset[str] | None:
        """The options with which other replicas run, as they say it; None until that is known."""
        return self._options_of_others

    async def run(self, control: ControlPlane) -> None:
        """Tell and listen until cancelled; gives the Lease back then."""
        changed = asyncio.Event()
        stop = control.cache.on_change(changed.set)
        try:
            while True:
                changed.clear()
                before = control.progress()
                await self._tell(before)
                control.heard_elsewhere(await self._listen())
                await self._until_due(control, before, changed)
        finally:
            stop()
            with suppress(Unreached):
                await self._api.request("DELETE", f"{self._leases}/{self._name}", timeout=2.0)

    async def _until_due(
        self, control: ControlPlane, told: Mapping[str, Progress], changed: asyncio.Event
    ) -> None:
        """Wait for the time to renew, or for something to tell."""
        try:
            async with asyncio.timeout(self._settings.every):
                while control.progress() == told:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass

    async def _tell(self, standing: Mapping[str, Progress]) -> None:
        path = f"{self._leases}/{self._name}"
        apply = partial(
            self._api.request,
            "PATCH",
            path,
            query=[("fieldManager", "fleetgate"), ("force", "true")],
            body=self._lease(standing),
            content_type="application/apply-patch+yaml",
        )
        self._complain("renewed", await self._patience.ask(apply))

    async def _listen(self) -> dict[str, Progress]:
        selector = [("labelSelector", LABEL)]
        reply = await self._patience.ask(
            partial(self._api.request, "GET", self._leases, query=selector)
        )
        self._complain("listed", reply)
        if not reply.ok:
            # A busy hub says nothing of the others; without the right to ask, nothing is known.
            if reply.status not in BUSY:
                self._heard, self._options_of_others = {}, frozenset()
            return self._heard
        now = asyncio.get_running_loop().time()
        # While the hub did not answer, nobody could renew: that time counts against no one.
        unheard = max(0.0, now - self._looked - self._settings.every)
        self._looked = now
        found: dict[str, Progress] = {}
        seen: dict[str, tuple[str, float]] = {}
        options: list[str] = []
        for lease in reply.json()["items"]:
            name, renewed = lease["metadata"]["name"], lease["spec"].get("renewTime", "")
            if name == self._name:
                continue
            known, since = self._seen.get(name, ("", now))
            # Clocks differ between hosts: what counts is how long ago we saw it change.
            seen[name] = (renewed, since + unheard if known == renewed else now)
            if now - seen[name][1] > self._settings.forget:
                take_away = partial(self._api.request, "DELETE", f"{self._leases}/{name}")
                self._complain("taken away", await self._patience.ask(take_away))
            else:
                annotations = lease["metadata"].get("annotations", {})
                options.append(annotations.get(OPTIONS, ""))
                _merge(found, annotations)
        self._seen, self._heard = seen, found
        self._options_of_others, self._alive = frozenset(options), len(options)
        return found

    def _lease(self, standing: Mapping[str, Progress]) -> Json:
        annotations = {
            f"{ANNOTATION}{each.value}": ",".join(
                sorted(n for n, s in standing.items() if s is each)
            )
            for each in Progress
        }
        annotations[OPTIONS] = self._options
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "labels": {LABEL: "true"},
                "annotations": annotations,
            },
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": round(self._settings.forget),
                "renewTime": now,
            },
        }

    def _complain(self, what: str, reply: Reply) -> None:
        """Log each refusal once; requests of different sorts are refused for different reasons."""
        said = "" if reply.ok or reply.status == HTTPStatus.NOT_FOUND else reply.message
        if said and said != self._refusals.get(what):
            log.warning("Leases of replicas are not %s, the hub refuses it: %s", what, said)
        self._refusals[what] = said


def _merge(found: dict[str, Progress], annotations: Mapping[str, str]) -> None:
    """Listening with one replica is listening."""
    for each in Progress:
        for name in annotations.get(f"{ANNOTATION}{each.value}", "").split(","):
            if name and found.get(name) is not Progress.LISTENING:
                found[name] = each
