"""Keeps the objects of managed gateways on the hub as they are wanted.

    want() ──▶ manifests ──┐
                           ├──differ──▶ apply ──▶ hub ──▶ Pods
    watch ──▶ what stands ─┘                       │
      └── Services ──▶ addresses ◀─────────────────┘

Every replica watches, so that all know the addresses; the leader writes, by server-side apply: the
API server keeps apart what fleetgate has set and what others have. An object of somebody else that
has the name of one of these is left alone, since it would go with the gateway.
"""

import asyncio
import base64
import binascii
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply
from fleet.kubernetes.patience import Patience
from fleet.models import GatewayObject
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.sinks.pending import Pending
from fleetgate.certificates.credential import Credential
from fleetgate.hub.managed.addresses import addresses_in, services_of
from fleetgate.hub.managed.compare import is_autoscaled, shown
from fleetgate.hub.managed.manifests import (
    Key,
    certificate_object,
    collection_path,
    key_of,
    objects,
)
from fleetgate.hub.managed.observed import HubObjects, owner_of
from fleetgate.hub.managed.settings import ManagedSettings
from fleetgate.hub.managed.workload_names import MANAGED_BY

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it


class GatewayCertificates(Protocol):
    """Where the certificates of gateways come from: `MadeCertificates`."""

    def client_of(self, gateway: str, held: Credential | None = None) -> Credential:
        """The one of a gateway such as mse/shop: `held` as long as it is good."""
        ...

    def forget(self, gateway: str) -> None:
        """The gateway is gone."""
        ...


FIELD_MANAGER: Final = "fleetgate"
"""Under this name the API server keeps what fleetgate has set."""

_SOMEBODY_ELSES: Final = (
    "there is one of somebody else, which is left alone: no label of fleetgate's is on it, and the "
    "gateway does not own it; where nobody needs it, delete it"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How the leader writes; times are in seconds.

    An object is put back at most once each `calm`, so that no other controller can make it a
    race. What the hub refused is tried again each `retry`. `writers` is the number of objects at
    a time.
    """

    calm: float = 5.0
    retry: float = 30.0
    writers: int = 4


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object of a gateway; a Secret's has no `data` yet."""

    gateway: Ref
    manifest: Json


@dataclass(frozen=True, slots=True)
class _Gateway:
    """A gateway and what follows from its object alone."""

    config: GatewayObject
    objects: Mapping[Key, _Wanted] = field(repr=False)


class ManagedGateways:
    """Runs gateways on the hub behind `api`. Call all of it in the event loop's thread.

    Without `certificates` they are somebody else's to make, in Secrets that are named as
    `secret_name` says. `refused_writes` is how often an object could not be brought to what is
    wanted of it.
    """

    def __init__(
        self,
        api: ApiServer,
        settings: ManagedSettings,
        certificates: GatewayCertificates | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._api = api
        self._settings = settings
        self._certificates = certificates
        self._pace = pace or Pace()
        self._patience = Patience("the writing of managed gateways")
        self._hub = HubObjects(settings.namespace, self._on_change)
        self._gateways: dict[Ref, _Gateway] = {}
        self._wanted: dict[Key, _Wanted] = {}
        self._known = asyncio.Event()
        self._pending: Pending[Key] = Pending()
        # What was applied last, and what the hub made of it: webhooks may see things differently.
        self._accepted: dict[Key, tuple[Json, Json]] = {}
        self._written: dict[Key, float] = {}
        self._refused: dict[Key, str] = {}
        self._addresses: dict[Ref, tuple[str, ...]] = {}
        self._callbacks: list[Callable[[], None]] = []
        self.refused_writes = 0

    @property
    def addresses(self) -> Mapping[Ref, tuple[str, ...]]:
        """Addresses and DNS names of the gateways that have any, public ones first."""
        return self._addresses

    @property
    def refusals(self) -> Mapping[Ref, str]:
        """Why the hub has not taken all objects of a gateway, on the leader."""
        found: dict[Ref, str] = {}
        for key, message in sorted(self._refused.items()):
            if key in self._wanted:
                found.setdefault(self._wanted[key].gateway, f"{key}: {message}")
        return found

    @property
    def problems(self) -> Iterator[Problem]:
        """What the hub has not taken of each gateway, on the leader; all of it."""
        for key, message in sorted(self._refused.items()):
            if (gateway := self._gateway_of(key)) is not None:
                yield Problem(
                    gateway,
                    "RefusedByHub",
                    "",
                    str(key),
                    f"the hub to let fleetgate write it: {message}",
                    "it stays as it is, and is tried again",
                )

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `addresses`, `refusals` or `problems` may have changed."""
        self._callbacks.append(callback)

    async def observed(self) -> None:
        """Return when `addresses` can be trusted: everything on the hub was read once."""
        await self._hub.listed.wait()

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take the gateways that there are now; all others are to go.

        To be called once all of the hub is known. Costs some 10 ms for a gateway that has changed.
        """
        before = self._wanted
        if self._certificates is not None:
            for ref in self._gateways.keys() - gateways.keys():
                self._certificates.forget(self._settings.dialects.name_of(ref))
        self._gateways = {ref: self._gateway(ref, config) for ref, config in gateways.items()}
        self._wanted = {
            key: wanted for g in self._gateways.values() for key, wanted in g.objects.items()
        }
        keys = [*self._wanted, *(before.keys() - self._wanted.keys())]
        self._pending.add(key for key in keys if before.get(key) != self._wanted.get(key))
        self._known.set()
        self._read_addresses()

    def certificates_changed(self) -> None:
        """Look at all certificates again: there may be others now."""
        self._pending.add(key for key in self._wanted if key.kind == "Secret")

    async def observe(self) -> None:
        """Follow what stands on the hub, until cancelled; each replica does."""
        await self._hub.run(self._api)

    async def run(self) -> None:
        """Bring the hub to what is wanted and keep it there, until cancelled; the leader does.

        Waits for the first `want`. Needs `observe` to run.
        """
        await self._known.wait()
        await self.observed()
        # Another leader may have written since, and another version of fleetgate other fields.
        self._accepted.clear()
        self._pending.add([*self._wanted, *self._hub])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pending.work(self._settle, self._pace.writers))
                group.create_task(self._retry())
        finally:
            self._refused.clear()  # whoever leads next has its own
            self._call_back()

    def _gateway(self, ref: Ref, config: GatewayObject) -> _Gateway:
        before = self._gateways.get(ref)
        if before is not None and before.config == config:
            return before
        manifests = list(objects(ref, config, self._settings))
        if self._certificates is not None and self._settings.xds_server_name:
            manifests.insert(0, certificate_object(ref, config, self._settings))
        wanted = {key_of(manifest): _Wanted(ref, manifest) for manifest in manifests}
        return _Gateway(config, wanted)

    async def _settle(self, key: Key) -> None:
        """Bring one object to what is wanted; asks nothing of the hub where it is."""
        wanted, live = self._wanted.get(key), self._hub.get(key)
        if wanted is None:
            if live is None:
                self._forget(key)
            else:
                await self._remove(key, live)
            return
        if live is None:
            reply = await self._patience.ask(partial(self._look, key))
            live = next(iter(reply.json()["items"]), None) if reply.ok else None
            refusal = "" if reply.ok else reply.message
            if live is not None and not _is_ours(live, wanted.gateway):
                refusal = _SOMEBODY_ELSES
            if refusal:
                self._refuse(key, refusal)
                return
        manifest = self._manifest(key, wanted, live)
        before = self._accepted.get(key)
        if live is not None and before == (manifest, shown(manifest, live)):
            return
        reply = await self._patience.ask(partial(self._apply, key, manifest))
        self._written[key] = asyncio.get_running_loop().time()
        if not reply.ok:
            self._refuse(key, reply.message)
            return
        self._accept(key)
        answer = reply.json()
        self._accepted[key] = (manifest, shown(manifest, answer))
        if live is None or _version(answer) != _version(live):
            put_back = before is not None and before[0] == manifest
            log.info("%s %s of %s", "put back" if put_back else "wrote", key, wanted.gateway)
        self._hub.take(answer)

    def _manifest(self, key: Key, wanted: _Wanted, live: Json) -> Json:
        """What is to be applied over `live`, which is None where there is nothing."""
        if key.kind == "Secret" and self._certificates is not None:
            credential = self._certificates.client_of(
                self._settings.dialects.name_of(wanted.gateway), _held(live)
            )
            data = {name: base64.b64encode(c).decode() for name, c in credential.files.items()}
            return {**wanted.manifest, "data": data}
        if key.kind == "Deployment" and live is not None and is_autoscaled(live):
            spec = {k: v for k, v in wanted.manifest["spec"].items() if k != "replicas"}
            return {**wanted.manifest, "spec": spec}
        return wanted.manifest

    async def _look(self, key: Key) -> Reply:
        """List what has this name: what is followed has our labels, and this may have lost them."""
        return await self._api.request(
            "GET",
            collection_path(key.kind, self._settings.namespace),
            query=[("fieldSelector", f"metadata.name={key.name}")],
        )

    async def _apply(self, key: Key, manifest: Json) -> Reply:
        return await self._api.request(
            "PATCH",
            self._path(key),
            query=[("fieldManager", FIELD_MANAGER), ("force", "true")],
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    async def _remove(self, key: Key, live: Json) -> None:
        """Delete what is not wanted any more.

        An Envoy whose gateway is still declared is left alone, whatever is the reason that it is
        not wanted: after a restart, that can be an object that cannot be read.
        """
        owner = owner_of(live)
        kind = self._settings.dialects.kinds.of_hub(owner) if owner else None
        if owner is None or kind is None:
            self._refuse(key, "it is not wanted, and kept, since it names no gateway as its owner")
            return
        if owner not in self._gateways:
            ask = partial(self._api.request, "GET", kind.path_of(owner))
            reply = await self._patience.ask(ask)
            if reply.status != HTTPStatus.NOT_FOUND:
                self._refuse(key, f"it is not wanted, and kept as long as there is {owner}")
                return
        reply = await self._patience.ask(partial(self._delete, key, live["metadata"]["uid"]))
        if not reply.ok and reply.status != HTTPStatus.NOT_FOUND:
            self._refuse(key, reply.message)
            return
        self._forget(key)
        log.info("removed %s of %s", key, owner)

    async def _delete(self, key: Key, uid: str) -> Reply:
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        return await self._api.request("DELETE", self._path(key), body=body)

    def _forget(self, key: Key) -> None:
        self._accept(key)
        self._accepted.pop(key, None)
        self._written.pop(key, None)

    def _refuse(self, key: Key, message: str) -> None:
        self.refused_writes += 1
        if self._refused.get(key) != message:
            self._refused[key] = message
            if self._gateway_of(key) is None:  # else it is a problem of the gateway
                log.warning("%s in %s: %s", key, self._settings.namespace, message)
            self._call_back()

    def _accept(self, key: Key) -> None:
        if self._refused.pop(key, None) is not None:
            self._call_back()

    def _gateway_of(self, key: Key) -> Ref | None:
        """The gateway that an object is of; None for one that is not declared any more."""
        if key in self._wanted:
            return self._wanted[key].gateway
        live = self._hub.get(key)
        owner = owner_of(live) if live is not None else None
        return owner if owner in self._gateways else None

    def _call_back(self) -> None:
        for callback in self._callbacks:
            callback()

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(self._pace.retry * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
            self._pending.add(self._refused)

    def _on_change(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        pause = self._written.get(key, 0.0) + self._pace.calm - loop.time()
        if key in self._written and pause > 0:
            loop.call_later(pause, self._pending.add, [key])
        else:
            self._pending.add([key])
        if key.kind == "Service":
            self._read_addresses()

    def _read_addresses(self) -> None:
        found = {ref: self._addresses_of(ref) for ref in self._gateways}
        addresses = {ref: those for ref, those in found.items() if those}
        if addresses != self._addresses:
            self._addresses = addresses
            self._call_back()

    def _addresses_of(self, gateway: Ref) -> tuple[str, ...]:
        services = (
            self._hub.get(key)
            for key in services_of(self._settings.dialects.name_of(gateway))
            if key in self._wanted
        )
        return addresses_in(service for service in services if service is not None)

    def _path(self, key: Key) -> str:
        return f"{collection_path(key.kind, self._settings.namespace)}/{key.name}"


def _held(live: Json) -> Credential | None:
    """The certificate that a Secret holds; None where it holds none that could be read."""
    data = (live or {}).get("data") or {}
    try:
        return Credential.of_files({k: base64.b64decode(v) for k, v in data.items()})
    except binascii.Error:
        return None


def _is_ours(live: Json, gateway: Ref) -> bool:
    """Whether an object was written for a gateway, be it that somebody took a label off it."""
    labels = live["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == "fleetgate" or owner_of(live) == gateway


def _version(item: Json) -> Json:
    return item["metadata"]["resourceVersion"]
