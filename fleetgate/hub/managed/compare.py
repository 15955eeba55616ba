"""The comparison of an object on the hub with its wanted manifest.

Only fields of the manifest count. The API server adds defaults and statuses, and others may add
fields of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any  # as an API server has it

_IDENTITIES: Final = ("uid", "mountPath", "topologyKey", "name")
"""The fields that may tell the items of a list apart. The first one that an item has counts."""

_AUTOSCALER: Final = "kube-controller-manager"
"""The field manager under which horizontal Pod autoscalers write to the subresource `scale`."""


def shown(wanted: Json, live: Json) -> Json:
    """Return `live` with the fields of `wanted` only. Fields that it lacks are None."""
    match wanted:
        case Mapping():
            fields = live if isinstance(live, Mapping) else {}
            return {key: shown(value, fields.get(key)) for key, value in wanted.items()}
        case list() if wanted and (identity := _identity(wanted)):
            items = live if isinstance(live, Sequence) else ()
            by_identity = {item.get(identity): item for item in items}
            return [shown(item, by_identity.get(item[identity])) for item in wanted]
        case _:
            return live


def is_autoscaled(live: Json) -> bool:
    """Return whether an autoscaler has set the number of replicas. fleetgate then leaves it."""
    fields = live["metadata"].get("managedFields", ())
    return any(f["manager"] == _AUTOSCALER and f.get("subresource") == "scale" for f in fields)


def _identity(items: Sequence[Json]) -> str | None:
    """Return the field that tells items apart. None means a list of plain values."""
    first = items[0]
    if not isinstance(first, Mapping):
        return None
    return next(key for key in _IDENTITIES if key in first)
