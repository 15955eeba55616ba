"""The composition of the demo: an embedded fleet, its kubelet, the gateways, and the walk."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fleet.ref import Ref
from fleetgate.core.control import ControlSettings
from fleetgate.core.view import FleetView
from fleetgate.defaults import LOOPBACK
from fleetgate.demo.alb_examples import ALB_NORTH_SOUTH_TRAFFIC, alb_protocols
from fleetgate.demo.examples import DOCUMENTS, NORTH_SOUTH_TRAFFIC, SHOP, tls
from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Address
from fleetgate.demo.kubelet import Kubelet
from fleetgate.demo.page import Page
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.walk import Listing, Walk
from fleetgate.errors import OperatorError
from fleetgate.fleets import DirectoryPlace
from fleetgate.lifetime import until_stopped
from fleetgate.local.fleet import LocalFleet, local_fleet
from fleetgate.local.local_envoys import require_free
from fleetgate.serving import ServeSettings, XdsSettings
from translators.model.shapes import HTTP_PORT, HTTPS_PORT

_ALB_PORT: Final = 8001
"""The port of the listener in the document of ALB gateways."""

_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class _Gateways:
    """The gateways of the served fleet, in the form that the walk takes."""

    fleet: LocalFleet

    async def sync(self) -> None:
        await self.fleet.sync()

    async def address(self, gateway: Ref) -> Address:
        return await self.fleet.listening(gateway)

    async def listing(self, gateway: Ref) -> Listing:
        [view] = (each for each in self._view.gateways() if each.ref == gateway)
        members = tuple(each.cluster_id for each in view.status.remote_clusters if each.known)
        return Listing(dict(view.columns), members)

    async def event(self, ingress: Ref, reason: str) -> str:
        own = (one for one in self._view.problems() if (one.at, one.reason) == (ingress, reason))
        return next((one.message for one in own), "")

    @property
    def _view(self) -> FleetView:
        return FleetView(self.fleet.control)


async def show(port_offset: int, admin_port: int, *, once: bool, verbose: bool) -> bool:
    """Try the documents' examples, and return whether all of them hold. Raises OperatorError.

    Unless `once`, the fleet then stays up until a signal, so that a user can edit it and send
    requests. The walk changes the fleet all the time, so problems are logged only if `verbose`.
    """
    _require_ports(port_offset, admin_port)
    with tempfile.TemporaryDirectory(prefix="fleetgate-demo-") as place:
        root, logs = Path(place, "fleet"), Path(place)
        fleet = DemoFleet.create(root)
        settings = ServeSettings(
            control=ControlSettings(bind=LOOPBACK, port_offset=port_offset),
            xds=XdsSettings(port=0),
            admin_port=admin_port,
        )
        page = Page.on(sys.stdout, os.environ)
        async with (
            Kubelet(root).running() as kubelet,
            local_fleet(DirectoryPlace(root), settings, logs) as served,
        ):
            signed = SelfSigned.make(SHOP)
            over_tls = tls(signed)
            of_alb = (ALB_NORTH_SOUTH_TRAFFIC, alb_protocols(signed))
            documents = (*DOCUMENTS, over_tls, *of_alb)
            walk = Walk(fleet, kubelet, _Gateways(served), page, documents=documents)
            with nullcontext() if verbose else _errors_only():
                outcome = await walk.run()
                if not once:
                    examples = (*NORTH_SOUTH_TRAFFIC.examples, *over_tls.examples)
                    await walk.stand(replace(NORTH_SOUTH_TRAFFIC, examples=examples))
            if not once:
                _invite(page, root, served)
                await until_stopped()
            return outcome.failed == 0


def _require_ports(port_offset: int, admin_port: int) -> None:
    """Check the ports of all gateways. Raises OperatorError.

    `local_fleet` checks those of the first gateways only, and there are none at the start.
    """
    ports = [port + port_offset for port in (HTTP_PORT, HTTPS_PORT, _ALB_PORT)]
    if max(ports) > _LAST_PORT:
        raise OperatorError(f"port {max(ports)} does not exist; choose a lower --port-offset")
    if admin_port in ports:
        raise OperatorError(
            f"a gateway of the demo has port {admin_port}; choose another --admin-port"
        )
    for port in ports:
        require_free("the demo", LOOPBACK, port, "--port-offset")


@contextmanager
def _errors_only() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def _invite(page: Page, root: Path, served: LocalFleet) -> None:
    page.gap()
    page.say(f"The fleet's files are in {root}; edit them, and traffic follows.")
    for envoy in served.gateways.envoys.values():
        page.say(f"Envoy's own pages: http://{envoy.admin}/ (http://{envoy.admin}/config_dump)")
    status = f"{sys.argv[0]} status --admin-port {served.serving.admin_port}"
    page.say(f"{status} shows the whole fleet.")
    page.say("Ctrl-C ends the demo.")
