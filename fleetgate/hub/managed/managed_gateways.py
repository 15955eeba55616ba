"""The controller that keeps the objects of managed gateways on the hub as they are wanted.

    want() ──▶ manifests ───────┐
                                ├── differ ──▶ apply ──▶ hub ──▶ Pods
    watch ──▶ objects on the hub┘                         │
      └── Services ──▶ addresses ◀────────────────────────┘

Every replica watches, so that all replicas know the addresses. Only the leader writes. It uses
server-side apply, by which the API server keeps the fields of fleetgate and those of others apart.
An object with a wanted name that somebody else has made is left alone, since it would be deleted
together with the gateway.
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
    """A maker of gateways' certificates, such as MadeCertificates."""

    def client_of(self, gateway: str, held: Credential | None = None) -> Credential:
        """Return the credential of a gateway such as mse/shop: `held` as long as it is good."""
        ...

    def forget(self, gateway: str) -> None:
        """Renew no certificate for a gateway that is gone."""
        ...


FIELD_MANAGER: Final = "fleetgate"
"""The field manager of the fields that fleetgate sets."""

_SOMEBODY_ELSES: Final = (
    "there is one of somebody else, which is left alone: no label of fleetgate's is on it, and the "
    "gateway does not own it; where nobody needs it, delete it"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace at which the leader writes. Times are in seconds.

    A changed object is restored at most once in `calm`, so that another controller cannot cause
    endless writes. A refused write is tried again after `retry`. At most `writers` objects are
    written at a time.
    """

    calm: float = 5.0
    retry: float = 30.0
    writers: int = 4


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A wanted object of a gateway. The manifest of a Secret lacks its `data`."""

    gateway: Ref
    manifest: Json


@dataclass(frozen=True, slots=True)
class _Gateway:
    """A declared gateway, and the objects that are wanted for it."""

    config: GatewayObject
    objects: Mapping[Key, _Wanted] = field(repr=False)


class ManagedGateways:
    """Runs gateways on the hub behind `api`. Call all methods in the event loop's thread.

    Without `certificates`, somebody else provides the Secrets that `secret_name` names. `objects`
    are the objects on the hub, as far as they are known. `refused_writes` counts the writes that
    the hub refused.
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
        self.objects = HubObjects(settings.namespace, self._on_change)
        self._gateways: dict[Ref, _Gateway] = {}
        self._wanted: dict[Key, _Wanted] = {}
        self._known = asyncio.Event()
        self._pending: Pending[Key] = Pending()
        # The manifest that was applied last, and the object that the hub answered. The two may
        # differ where a webhook changes objects.
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
    def is_settled(self) -> bool:
        """Whether the hub has taken all wanted objects, and has no others, at the leader."""
        return self._accepted.keys() == self._wanted.keys()

    @property
    def refusals(self) -> Mapping[Ref, str]:
        """The first refusal of each gateway with any, at the leader."""
        refusals: dict[Ref, str] = {}
        for key, message in sorted(self._refused.items()):
            if key in self._wanted:
                refusals.setdefault(self._wanted[key].gateway, f"{key}: {message}")
        return refusals

    @property
    def problems(self) -> Iterator[Problem]:
        """A problem for each refused object of a declared gateway, at the leader."""
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
        """Call `callback` when `addresses`, `refusals` or `problems` may have changed."""
        self._callbacks.append(callback)

    async def observed(self) -> None:
        """Return when all objects on the hub have been read once, so that `addresses` are known."""
        await self.objects.listed.wait()

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take in the declared gateways. The objects of all other gateways will be deleted.

        Call it only once the whole hub is known. It takes about 10 ms for each changed gateway.
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
        """Compare the Secrets of all gateways again, since certificates may be new."""
        self._pending.add(key for key in self._wanted if key.kind == "Secret")

    async def observe(self) -> None:
        """Follow the objects on the hub until cancelled. Every replica does so."""
        await self.objects.run(self._api)

    async def run(self) -> None:
        """Write and delete objects as wanted until cancelled. Only the leader does so.

        It waits for the first call of `want`, and for `observe`, which has to run.
        """
        await self._known.wait()
        await self.observed()
        # Another leader may have written since this replica last led, perhaps of another version.
        self._accepted.clear()
        self._pending.add([*self._wanted, *self.objects])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pending.work(self._settle, self._pace.writers))
                group.create_task(self._retry())
        finally:
            self._refused.clear()  # the next leader finds refusals of its own
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
        """Write or delete one object as wanted. Send no request where it is as wanted."""
        wanted, live = self._wanted.get(key), self.objects.get(key)
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
        self.objects.take(answer)

    def _manifest(self, key: Key, wanted: _Wanted, live: Json) -> Json:
        """Return the manifest to apply over `live`, which is None where the object is missing."""
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
        """List the object of this name without the labels by which objects are followed.

        Somebody may have taken the labels off an object of ours.
        """
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
        """Delete an object that is not wanted, once its gateway is deleted on the hub.

        After a restart, a gateway whose object cannot be read is not known, though it exists. Its
        Envoys have to stay.
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
            if self._gateway_of(key) is None:  # `problems` has the refusals of all others
                log.warning("%s in %s: %s", key, self._settings.namespace, message)
            self._call_back()

    def _accept(self, key: Key) -> None:
        if self._refused.pop(key, None) is not None:
            self._call_back()

    def _gateway_of(self, key: Key) -> Ref | None:
        """Return the gateway of an object, None where it is not declared any more."""
        if key in self._wanted:
            return self._wanted[key].gateway
        live = self.objects.get(key)
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
        all_addresses = {ref: self._addresses_of(ref) for ref in self._gateways}
        addresses = {ref: texts for ref, texts in all_addresses.items() if texts}
        if addresses != self._addresses:
            self._addresses = addresses
            self._call_back()

    def _addresses_of(self, gateway: Ref) -> tuple[str, ...]:
        services = (
            self.objects.get(key)
            for key in services_of(self._settings.dialects.name_of(gateway))
            if key in self._wanted
        )
        return addresses_in(service for service in services if service is not None)

    def _path(self, key: Key) -> str:
        return f"{collection_path(key.kind, self._settings.namespace)}/{key.name}"


def _held(live: Json) -> Credential | None:
    """Return the certificate in a Secret, None where it has none, or one that is not base64."""
    data = (live or {}).get("data") or {}
    try:
        return Credential.of_files({k: base64.b64decode(v) for k, v in data.items()})
    except binascii.Error:
        return None


def _is_ours(live: Json, gateway: Ref) -> bool:
    """Return whether an object was written for a gateway: its label or its owner says so."""
    labels = live["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == "fleetgate" or owner_of(live) == gateway


def _version(item: Json) -> Json:
    return item["metadata"]["resourceVersion"]
