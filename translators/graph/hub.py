"""The table that says whether the hub has been read.

Objects of the hub are remembered over a restart, and Secrets are not. So while the hub has not been
read, a Secret that somebody names is unknown rather than missing.
"""

from fleet.ref import HUB
from translators.graph.derive import Derived, Graph, View
from translators.graph.inputs import Inputs


class HubTables:
    """The knowledge about the hub. Translation without any counts as one that has read it."""

    def __init__(self, graph: Graph, inputs: Inputs) -> None:
        self._inputs = inputs
        self._unread = Derived(graph, "unread hub", inputs.origins, self._is_unread)

    def knows_secrets(self, view: View) -> bool:
        """Return whether a Secret that is not there is missing."""
        return view.get(self._unread, HUB) is None

    def _is_unread(self, view: View, origin: str) -> bool | None:
        return (
            True if origin == HUB and not view.must(self._inputs.origins, origin).listed else None
        )
