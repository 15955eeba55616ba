"""What an object on the hub shows of the fields that fleetgate has set.

The rest of it is defaults, statuses, and what others have added: no difference.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any  # as an API server has it

_IDENTITIES: Final = ("uid", "mountPath", "topologyKey", "name")
"""Which field tells the items of a list apart, in the order in which it is looked for."""

_AUTOSCALER: Final = "kube-controller-manager"
"""Under this name horizontal Pod autoscalers write to the subresource `scale`."""


def shown(wanted: Json, live: Json) -> Json:
    """`live`, cut down to the fields that `wanted` has; None where there is nothing."""
    match wanted:
        case Mapping():
            there = live if isinstance(live, Mapping) else {}
            return {key: shown(value, there.get(key)) for key, value in wanted.items()}
        case list() if wanted and (identity := _identity(wanted)):
            items = live if isinstance(live, Sequence) else ()
            by_identity = {item.get(identity): item for item in items}
            return [shown(item, by_identity.get(item[identity])) for item in wanted]
        case _:
            return live


def is_autoscaled(live: Json) -> bool:
    """Whether an autoscaler has set the number of replicas, which is then its own business."""
    fields = live["metadata"].get("managedFields", ())
    return any(f["manager"] == _AUTOSCALER and f.get("subresource") == "scale" for f in fields)


def _identity(items: Sequence[Json]) -> str | None:
    """None for lists of plain values, which are compared as a whole."""
    first = items[0]
    if not isinstance(first, Mapping):
        return None
    return next(key for key in _IDENTITIES if key in first)
