"""The interface of the Envoys that a control plane runs itself, for `sync` and the status."""

from collections.abc import Mapping
from typing import Protocol

from fleetgate.core.control import ControlPlane


class OwnEnvoys(Protocol):
    """The Envoys that a control plane runs itself. Other Envoys may connect to it too."""

    def admin_of(self, node_id: str) -> str:
        """Return the address of a node's admin pages, "" for a node that does not run here."""
        ...

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """Return the nodes that do not follow their gateway yet, each with the reason."""
        ...

    async def accepting(self, control: ControlPlane) -> None:
        """Return once the listeners of all these Envoys accept connections."""
        ...


class NoEnvoys:
    """The empty set of own Envoys, for a control plane whose Envoys all run elsewhere."""

    def admin_of(self, node_id: str) -> str:
        """Return "", since no node runs here."""
        del node_id
        return ""

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """Return nothing, since no Envoy is expected."""
        del control
        return {}

    async def accepting(self, control: ControlPlane) -> None:
        """Return at once."""
