"""The Envoys that a control plane runs itself, as far as the others have to know them."""

from collections.abc import Mapping
from typing import Protocol

from fleetgate.core.control import ControlPlane


class OwnEnvoys(Protocol):
    """The Envoys that a control plane runs itself, beside those that come from elsewhere."""

    def admin_of(self, node_id: str) -> str:
        """Where the admin pages of a node are; "" for nodes that do not run here."""
        ...

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """The nodes that do not follow their gateway yet, each with the reason."""
        ...

    async def accepting(self, control: ControlPlane) -> None:
        """Return once all of them accept connections."""
        ...


class NoEnvoys:
    """A control plane whose Envoys all run elsewhere."""

    def admin_of(self, node_id: str) -> str:
        """None runs here."""
        del node_id
        return ""

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """None is expected."""
        del control
        return {}

    async def accepting(self, control: ControlPlane) -> None:
        """There is nothing to wait for."""
