"""The knowledge about the hub: which of its Secrets are not there, and which are only not read yet.

Objects of the hub are remembered over a restart, and Secrets are not. A Secret is read once an
object names it. Until then it is unknown rather than missing: what it is for stays closed, and no
object has a problem by it.
"""

from fleet.ref import HUB, Ref
from translators.graph.derive import Derived, Graph, View
from translators.graph.inputs import Inputs


class HubTables:
    """The knowledge about the hub. Translation without any counts as one that has read it."""

    def __init__(self, graph: Graph, inputs: Inputs) -> None:
        self._inputs = inputs
        self._unread = Derived(graph, "unread hub", inputs.origins, self._is_unread)

    def knows_secrets(self, view: View) -> bool:
        """Return whether the Secrets of the hub have been read."""
        return view.get(self._unread, HUB) is None

    def awaits(self, view: View, secret: Ref) -> bool:
        """Return whether a Secret is not there only because it has not been read yet."""
        if view.get(self._inputs.secrets, secret) is not None:
            return False
        return view.get(self._inputs.awaited, secret) is not None or not self.knows_secrets(view)

    def _is_unread(self, view: View, origin: str) -> bool | None:
        return (
            True if origin == HUB and not view.must(self._inputs.origins, origin).listed else None
        )
