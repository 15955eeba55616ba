"""The addresses of gateways whose Envoys run on the hub, from the statuses of their Services.

Where `--manage-gateways` is switched off, Services that fleetgate has written go on serving. So
their addresses remain the addresses of their gateways.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer
from fleet.models import GatewayObject
from fleet.ref import Ref
from fleetgate.hub.managed.manifests import Key, service_name
from fleetgate.hub.managed.observed import HubObjects, Words, owner_of
from translators.dialects.dialect import Dialects
from translators.dialects.gateway_settings import ADDRESSES

Json: TypeAlias = Any  # as an API server has it

_WORDS: Final = Words(
    "gateways' load balancers are not followed, and their addresses not known",
    "gateways' load balancers are followed again",
)


def services_of(gateway: str) -> tuple[Key, Key]:
    """Return the Services that a gateway may have, the public one first."""
    public, internal = (service_name(gateway, internal=internal) for internal in (False, True))
    return Key("Service", public), Key("Service", internal)


def addresses_in(services: Iterable[Json]) -> tuple[str, ...]:
    """Return the addresses and DNS names of the Services' load balancers, each once."""
    entries = [
        entry
        for service in services
        for entry in service.get("status", {}).get("loadBalancer", {}).get("ingress", ())
    ]
    texts = (entry.get("ip") or entry.get("hostname") for entry in entries)
    return tuple(dict.fromkeys(text for text in texts if text))


class StandingAddresses:
    """Follows the addresses of gateways' Services in `namespace` while `observe` runs.

    It leaves out gateways whose object says its addresses itself.
    """

    def __init__(self, api: ApiServer, namespace: str, dialects: Dialects) -> None:
        self._api = api
        self._dialects = dialects
        self._hub = HubObjects(namespace, self._on_change, ("Service",), _WORDS)
        self._gateways: frozenset[Ref] = frozenset()
        self._addresses: dict[Ref, tuple[str, ...]] = {}
        self._callbacks: list[Callable[[], None]] = []

    @property
    def addresses(self) -> Mapping[Ref, tuple[str, ...]]:
        """Addresses and DNS names of the gateways that have any, public ones first."""
        return self._addresses

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `addresses` have changed."""
        self._callbacks.append(callback)

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take in the declared gateways, in place of all before."""
        self._gateways = frozenset(
            ref
            for ref, config in gateways.items()
            if not config.metadata.annotations.get(ADDRESSES, "").strip()
        )
        self._read()

    async def observe(self) -> None:
        """Follow the Services until cancelled."""
        await self._hub.run(self._api)

    async def observed(self) -> None:
        """Return when all Services have been read, or the hub has refused to show them."""
        await self._hub.answered.wait()

    def _on_change(self, _: Key) -> None:
        self._read()

    def _read(self) -> None:
        all_addresses = {ref: self._addresses_of(ref) for ref in self._gateways}
        addresses = {ref: texts for ref, texts in all_addresses.items() if texts}
        if addresses != self._addresses:
            self._addresses = addresses
            for callback in self._callbacks:
                callback()

    def _addresses_of(self, gateway: Ref) -> tuple[str, ...]:
        services = (self._hub.get(key) for key in services_of(self._dialects.name_of(gateway)))
        return addresses_in(s for s in services if s is not None and owner_of(s) == gateway)
