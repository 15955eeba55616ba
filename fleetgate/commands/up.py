"""`fleetgate up` serves a fleet on this machine."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import click

from fleet.ref import Ref
from fleetgate.commands.options import (
    ADMIN_PORT,
    BIND,
    PORT_OFFSET,
    START_DEADLINE,
    STATE_DIR,
    WRITE_STATUS,
    XDS_MAX_REQUEST,
    XDS_PORT,
    takes_place,
)
from fleetgate.core.control import ControlSettings
from fleetgate.fleets import Place
from fleetgate.garbage import loading
from fleetgate.lifetime import run, until_stopped
from fleetgate.local.fleet import LocalFleet, local_fleet
from fleetgate.serving import HubDuties, ServeSettings, XdsSettings


@click.command()
@takes_place
@BIND
@PORT_OFFSET
@XDS_PORT
@XDS_MAX_REQUEST
@ADMIN_PORT
@STATE_DIR
@START_DEADLINE
@WRITE_STATUS
def up(
    *,
    place: Place,
    bind: str,
    port_offset: int,
    xds_port: int,
    xds_max_request: int,
    admin_port: int,
    state_dir: Path | None,
    start_deadline: float,
    write_status: bool,
) -> None:
    """Serve a fleet on this machine, an Envoy for each gateway.

    DIR holds the fleet: manifests in DIR/hub/ and DIR/clusters/MEMBER/; it is watched while this
    runs. Instead of DIR, --hub-kubeconfig names the API server of a hub, where nothing is written
    unless --write-status says so. Gateways listen on their ports plus the offset, an MSE gateway's
    being 80: the first gateway on --bind, each further one on the next address.

    Exit status: 0 stopped by a signal, 2 it could not start.
    """
    settings = ServeSettings(
        control=ControlSettings(start_deadline, bind, port_offset),
        xds=XdsSettings(port=xds_port, max_request=xds_max_request),
        duties=HubDuties(write_status=write_status),
        state=state_dir,
        admin_port=admin_port,
    )
    run(_up(place, settings))


async def _up(place: Place, settings: ServeSettings) -> None:
    with tempfile.TemporaryDirectory(prefix="fleetgate-") as logs:
        async with AsyncExitStack() as stack:
            with loading():
                serving = local_fleet(place, settings, Path(logs))
                fleet = await stack.enter_async_context(serving)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            click.echo(f"serving {place}; admin on 127.0.0.1:{fleet.serving.admin_port}")
            announcing = tasks.create_task(_announce(fleet))
            await until_stopped()
            announcing.cancel()


async def _announce(fleet: LocalFleet) -> None:
    """Print a line for each gateway once it listens, also for gateways that are declared later."""
    control = fleet.control
    changed = asyncio.Event()
    stop = control.cache.on_change(changed.set)
    announcing: dict[Ref, asyncio.Task[None]] = {}
    try:
        await control.started.wait()
        if not control.gateways:
            kinds = (f"no {dialect.kind.name}" for dialect in control.dialects)
            click.echo(f"no gateway is declared yet: {', '.join(kinds)}")
        async with asyncio.TaskGroup() as tasks:
            while True:
                for ref in announcing.keys() - control.gateways.keys():
                    announcing.pop(ref).cancel()
                for ref in sorted(control.gateways.keys() - announcing.keys()):
                    announcing[ref] = tasks.create_task(_announce_one(fleet, ref))
                changed.clear()
                await changed.wait()
    finally:
        stop()


async def _announce_one(fleet: LocalFleet, gateway: Ref) -> None:
    try:
        await fleet.listening(gateway)
    except TimeoutError as e:
        click.echo(str(e), err=True)
    else:
        name, places = fleet.control.dialects.name_of(gateway), fleet.control.urls(gateway)
        click.echo(f"ready: {name} listens on {', '.join(places)}")
