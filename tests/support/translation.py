"""A fleet in memory with its translator, whose resources a test can look at."""

from collections.abc import Iterable, Mapping
from typing import Any

from fleet.events import Deleted, Event, Listed, Upserted
from fleet.kinds import Kinds
from fleet.ref import HUB, Ref
from fleet.state import FleetState
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.graph.translator import Translator
from translators.model.binds import Bind
from xds.resource import Resource, TypeUrl

Manifest = Mapping[str, Any]  # as YAML has it

_LOOPBACK = Bind("127.0.0.1")


def ref_of(manifest: Manifest, origin: str = HUB, kinds: Kinds = DIALECTS.kinds) -> Ref:
    """The Ref of a manifest."""
    kind, metadata = manifest["kind"], manifest["metadata"]
    namespace = metadata.get("namespace", "default") if kinds[kind].namespaced else ""
    return Ref(origin, kind, namespace, metadata["name"])


def upserted(manifest: Manifest, origin: str = HUB, kinds: Kinds = DIALECTS.kinds) -> Upserted:
    """The event that a source would emit for a manifest."""
    ref = ref_of(manifest, origin, kinds)
    metadata = {**manifest["metadata"], "namespace": ref.namespace}
    value = kinds[ref.kind].model.model_validate({**manifest, "metadata": metadata})
    return Upserted(ref, value)


class World:
    """A fleet in memory, its translator, and the snapshots that its turns add up to.

    No file, Envoy or Pod is involved, unlike in the fleets of `tests.support.running_fleet`.
    """

    def __init__(self, dialects: Dialects = DIALECTS, bind: Bind = _LOOPBACK) -> None:
        self.state = FleetState()
        self.dialects = dialects
        self.translator = Translator(self.state, dialects, bind)
        self.snapshots: dict[str, dict[tuple[TypeUrl, str], Resource]] = {}
        self.sent = 0

    def put(self, *manifests: Manifest, origin: str = HUB) -> dict[str, int]:
        """Declare objects, and give the number of rows that each table computed for them."""
        return self.apply(upserted(manifest, origin, self.dialects.kinds) for manifest in manifests)

    def remove(self, *manifests: Manifest, origin: str = HUB) -> dict[str, int]:
        """Remove objects, and give the number of rows that each table computed for that."""
        return self.apply(
            Deleted(ref_of(manifest, origin, self.dialects.kinds)) for manifest in manifests
        )

    def attach(self, *origins: str) -> dict[str, int]:
        """Let members be listed, and give the number of rows that each table computed for that."""
        return self.apply(Listed(origin) for origin in origins)

    def apply(self, events: Iterable[Event]) -> dict[str, int]:
        """Run one turn, and give the number of rows of each table that computed any."""
        graph = self.translator.tables.graph
        before = dict(graph.computed())
        turn = self.translator.update(self.state.apply(list(events)))
        self.sent = 0
        for gateway, update in turn.updates.items():
            snapshot = self.snapshots.setdefault(gateway, {})
            for type_url, resources in update.items():
                for name, resource in resources.items():
                    self.sent += 1
                    if resource is None:
                        snapshot.pop((type_url, name), None)
                    else:
                        snapshot[type_url, name] = resource
        for gateway in turn.dropped:
            del self.snapshots[gateway]
        return {n: c - before[n] for n, c in graph.computed().items() if c != before[n]}

    def names(self, type_url: TypeUrl, gateway: str = "mse/gw") -> list[str]:
        """The names of a gateway's resources of one type."""
        return sorted(name for kind, name in self.snapshots[gateway] if kind is type_url)

    def versions(self) -> dict[str, dict[tuple[TypeUrl, str], str]]:
        """The versions of all resources by gateway."""
        return {
            gateway: {key: resource.version for key, resource in snapshot.items()}
            for gateway, snapshot in self.snapshots.items()
        }

    def problems(self, name: str, namespace: str = "default") -> list[str]:
        """The reasons of an Ingress's problems."""
        row = self.translator.tables.statuses.of_ingresses.get(Ref(HUB, "Ingress", namespace, name))
        return sorted(p.reason for p in row.problems) if row else []
