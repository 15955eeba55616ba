"""The agreement of replicas on their options, since one of them writes for all.

A replica with other options would publish other addresses, or run other Envoys. So it takes no part
in the election while replicas run with the options that the Lease names. In a rollout that changes
options, the new replicas wait until the last old one is gone.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

from fleet.problem import Problem
from fleetgate.core.problems import HUB_OBJECT

Json: TypeAlias = Any  # as an API server has it

OPTIONS: Final = "fleetgate.dev/options"
"""The annotation of a Lease with a replica's options, as JSON."""


class Agreement:
    """Compares the `options` of this replica with those of the leader.

    `others` returns the texts of the other running replicas' options, None while it does not know
    them. `text` is the text of this replica's options.
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
        """A problem for each option that keeps this replica from the election."""
        for name in sorted(self._options.keys() | (self._theirs or {}).keys()):
            ours, theirs = self._options.get(name, ""), (self._theirs or {}).get(name, "")
            if self._theirs is not None and ours != theirs:
                expected = f"{theirs or 'none'}, as other replicas of this namespace have it"
                effect = "this replica writes nothing to the hub while these run"
                yield Problem(HUB_OBJECT, "OtherOptions", name, ours or "none", expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `problems` have changed."""
        self._callbacks.append(callback)

    def bars(self, lease: Json) -> bool:
        """Return whether this replica must not take the Lease, whether it is free or not."""
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
    """Return the options of another replica. One of another version may write another text."""
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    return {str(k): str(v) for k, v in options.items()} if isinstance(options, dict) else {}
