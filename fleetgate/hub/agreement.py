"""What replicas of one fleetgate have to agree on, since one of them writes for all.

A replica with other options would publish other addresses, or run other Envoys. So it does not take
part in the election while replicas run with the options that the Lease names. In a rollout that
changes options, the new replicas wait until the last of the old ones is gone.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

from fleet.problem import Problem
from fleet.ref import HUB, Ref

Json: TypeAlias = Any  # as an API server has it

OPTIONS: Final = "fleetgate.dev/options"
"""The annotation of a Lease that has a replica's options, as JSON."""

_HUB: Final = Ref(HUB, "Hub", "", "hub")


class Agreement:
    """The `options` of this replica, by name, and whether they are those of the leader.

    `others` are the options of the other replicas that run now, as their Leases have them; None
    until that is known.
    """

    def __init__(
        self, options: Mapping[str, str], others: Callable[[], Collection[str] | None]
    ) -> None:
        self._options = dict(options)
        self._others = others
        self._theirs: Mapping[str, str] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.text = json.dumps(self._options, sort_keys=True)

    @property
    def problems(self) -> Iterator[Problem]:
        """Which options keep this replica from writing, with those of the replicas that do."""
        for name in sorted(self._options.keys() | (self._theirs or {}).keys()):
            ours, theirs = self._options.get(name, ""), (self._theirs or {}).get(name, "")
            if self._theirs is not None and ours != theirs:
                expected = f"{theirs or 'none'}, as other replicas of this namespace have it"
                effect = "this replica writes nothing to the hub while these run"
                yield Problem(_HUB, "OtherOptions", name, ours or "none", expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `problems` have changed."""
        self._callbacks.append(callback)

    def bars(self, lease: Json) -> bool:
        """Whether this replica must not take the Lease, whoever holds it."""
        text = (lease["metadata"].get("annotations") or {}).get(OPTIONS, self.text)
        others = self._others()
        if text == self.text or (others is not None and text not in others):
            self._compare(None)
            return False
        self._compare(_read(text) if others is not None else None)
        return True

    def _compare(self, theirs: Mapping[str, str] | None) -> None:
        if theirs != self._theirs:
            self._theirs = theirs
            for callback in self._callbacks:
                callback()


def _read(text: str) -> Mapping[str, str]:
    """The options of another replica, which may be of another version."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
