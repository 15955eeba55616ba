"""Where clients reach gateways whose Envoys run on the hub: what their Services' statuses say.

A Service that fleetgate has written carries its gateway as long as it stands, also where fleetgate
does not look after it any more: without `--manage-gateways`, its address is that of the gateway.
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
    """The Services behind the load balancers that a gateway may have, the public one first."""
    public, internal = (service_name(gateway, internal=internal) for internal in (False, True))
    return Key("Service", public), Key("Service", internal)


def addresses_in(services: Iterable[Json]) -> tuple[str, ...]:
    """Addresses and DNS names of load balancers, each once."""
    entries = [
        entry
        for service in services
        for entry in service.get("status", {}).get("loadBalancer", {}).get("ingress", ())
    ]
    texts = (entry.get("ip") or entry.get("hostname") for entry in entries)
    return tuple(dict.fromkeys(text for text in texts if text))


class StandingAddresses:
    """The addresses of gateways whose Services stand in `namespace`, while `observe` runs.

    What a gateway's object says of its addresses itself is not looked for here.
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
        """Have `callback` called when `addresses` have changed."""
        self._callbacks.append(callback)

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take the gateways that there are now."""
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
        """Return when `addresses` can be trusted, or may not be read."""
        await self._hub.answered.wait()

    def _on_change(self, _: Key) -> None:
        self._read()

    def _read(self) -> None:
        found = {ref: self._addresses_of(ref) for ref in self._gateways}
        addresses = {ref: those for ref, those in found.items() if those}
        if addresses != self._addresses:
            self._addresses = addresses
            for callback in self._callbacks:
                callback()

    def _addresses_of(self, gateway: Ref) -> tuple[str, ...]:
        services = (self._hub.get(key) for key in services_of(self._dialects.name_of(gateway)))
        return addresses_in(s for s in services if s is not None and owner_of(s) == gateway)
