"""The Leases by which replicas tell each other which gateways listen at their Envoys.

An Envoy is connected to one replica, and the leader writes the statuses of all gateways. So every
replica keeps a Lease of its own on the hub, with the gateways of its Envoys as annotations, and
reads the Leases of the others. It ignores and deletes a Lease that is not renewed.
"""

import asyncio
import hashlib
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply, Unreached
from fleet.kubernetes.patience import BUSY, Patience
from fleetgate.core.control import ControlPlane, Progress
from fleetgate.hub.agreement import OPTIONS
from fleetgate.hub.moments import now_text
from fleetgate.hub.refusal_log import RefusalLog

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

LABEL: Final = "fleetgate.dev/replica"
ANNOTATION: Final = "fleetgate.dev/"
"""The beginning of two annotations, which end with `running` and `listening`.

The value of each lists the gateways in that state, with commas.
"""


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """Times in seconds.

    Leases are renewed and read at the interval `every`. One that is not renewed for `forget` is
    deleted.
    """

    every: float = 5.0
    forget: float = 20.0


class Replicas:
    """Exchanges the states of gateways with the other replicas while `run` runs."""

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
        # The holder's name has characters that names of objects may not have.
        self._name = f"fleetgate-replica-{hashlib.sha256(holder.encode()).hexdigest()[:12]}"
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._holder = holder
        self._seen: dict[str, tuple[str, float]] = {}
        self._options_of_others: frozenset[str] | None = None
        self._alive = 0
        self._looked = math.inf
        self._heard: dict[str, Progress] = {}
        self._refusals = RefusalLog(log)

    @property
    def others(self) -> int:
        """The number of other replicas."""
        return self._alive

    @property
    def options_of_others(self) -> frozenset[str] | None:
        """The texts of the other replicas' options, None while they are unknown."""
        return self._options_of_others

    async def run(self, control: ControlPlane) -> None:
        """Write and read Leases until cancelled, and then delete the own Lease."""
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
        self, control: ControlPlane, written: Mapping[str, Progress], changed: asyncio.Event
    ) -> None:
        """Wait until the Lease is to be renewed, or the states of gateways have changed."""
        try:
            async with asyncio.timeout(self._settings.every):
                while control.progress() == written:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass

    async def _tell(self, progress: Mapping[str, Progress]) -> None:
        path = f"{self._leases}/{self._name}"
        apply = partial(
            self._api.request,
            "PATCH",
            path,
            query=[("fieldManager", "fleetgate"), ("force", "true")],
            body=self._lease(progress),
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
            # A busy hub says nothing about the others, so the last answer counts. A hub that
            # refuses the request leaves them unknown.
            if reply.status not in BUSY:
                self._heard, self._options_of_others = {}, frozenset()
            return self._heard
        now = asyncio.get_running_loop().time()
        # While the hub did not answer, no replica could renew its Lease. That time does not count.
        unheard = max(0.0, now - self._looked - self._settings.every)
        self._looked = now
        heard: dict[str, Progress] = {}
        seen: dict[str, tuple[str, float]] = {}
        options: list[str] = []
        for lease in reply.json()["items"]:
            name, renewed = lease["metadata"]["name"], lease["spec"].get("renewTime", "")
            if name == self._name:
                continue
            known, since = self._seen.get(name, ("", now))
            # Clocks of hosts differ, so the age counts from the time at which this host has seen
            # the renewal.
            seen[name] = (renewed, since + unheard if known == renewed else now)
            if now - seen[name][1] > self._settings.forget:
                take_away = partial(self._api.request, "DELETE", f"{self._leases}/{name}")
                self._complain("taken away", await self._patience.ask(take_away))
            else:
                annotations = lease["metadata"].get("annotations", {})
                options.append(annotations.get(OPTIONS, ""))
                _merge(heard, annotations)
        self._seen, self._heard = seen, heard
        self._options_of_others, self._alive = frozenset(options), len(options)
        return heard

    def _lease(self, progress: Mapping[str, Progress]) -> Json:
        annotations = {
            f"{ANNOTATION}{state.value}": ",".join(
                sorted(name for name, its_state in progress.items() if its_state is state)
            )
            for state in Progress
        }
        annotations[OPTIONS] = self._options
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
                "renewTime": now_text(),
            },
        }

    def _complain(self, what: str, reply: Reply) -> None:
        self._refusals.note(what, f"Leases of replicas are not {what}", reply)


def _merge(heard: dict[str, Progress], annotations: Mapping[str, str]) -> None:
    """Add the states of one replica. A gateway that listens at one replica listens."""
    for state in Progress:
        for name in annotations.get(f"{ANNOTATION}{state.value}", "").split(","):
            if name and heard.get(name) is not Progress.LISTENING:
                heard[name] = state
