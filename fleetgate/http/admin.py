"""fleetgate's own admin HTTP, by default on loopback.

GET  /healthz            200 while the process runs
GET  /readyz             200 once everything is published and xDS is served
GET  /status             gateways, members, Ingresses, problems and Envoys as JSON
GET  /statuses           every object's status as Kubernetes would hold it, as JSON
GET  /metrics            counts and times for Prometheus
POST /sync?timeout=30    waits until all Envoys have acknowledged what is declared, JSON
"""

import asyncio
import ipaddress
import math
from collections.abc import Callable
from typing import Final, cast

from aiohttp import web

from fleetgate.core.control import ControlPlane
from fleetgate.core.own_envoys import OwnEnvoys
from fleetgate.core.problems import unread
from fleetgate.core.sync import missing_for, sync
from fleetgate.core.view import FileOf, FleetView, Replica
from fleetgate.defaults import SYNC_TIMEOUT
from fleetgate.errors import OperatorError
from fleetgate.http.metrics import Metrics
from fleetgate.http.status import Json, report, statuses
from fleetgate.http.visitors import BACKLOG, Visitors
from xds.turnstile import Turnstile

MAX_SYNC: Final = 3600.0
"""The most seconds that one call of `/sync` may wait."""

_TOO_MANY: Final = "too many others wait for the same; try again"


class Admin:
    """The admin HTTP of one control plane. `start` opens it, `stop` ends it.

    Where a process is one of several replicas, the caller sets `replica`.
    """

    def __init__(self, control: ControlPlane, file_of: FileOf, envoys: OwnEnvoys) -> None:
        self._control = control
        self._file_of = file_of
        self._open = False
        self._envoys = envoys
        self.replica: Callable[[], Replica] = Replica
        self.metrics = Metrics(control)
        self._visitors = Visitors()
        self._pages = Turnstile()
        self._server: asyncio.Server | None = None
        app = web.Application(middlewares=[self._visitors.check])
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/status", self._status),
                web.get("/statuses", self._statuses),
                web.get("/metrics", self._metrics),
                web.post("/sync", self._sync),
            ]
        )
        # A request whose client has gone is cancelled. A request that waits in `/sync` delays the
        # end of the process by half a second at most.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
        )

    async def start(self, address: str, port: int) -> int:
        """Listen, and return the port. A `port` of 0 takes a free one. Raises OperatorError."""
        self._visitors.on_loopback = ipaddress.ip_address(address).is_loopback
        await self._runner.setup()
        # `setup` has made the server.
        admit = self._visitors.admit(cast("web.Server", self._runner.server))
        try:
            self._server = await asyncio.get_running_loop().create_server(
                admit, address, port, backlog=BACKLOG
            )
        except OSError as e:
            raise OperatorError(
                f"the admin HTTP cannot listen on {address}:{port} ({e.strerror}); "
                "choose another port with --admin-port"
            ) from e
        return int(self._server.sockets[0].getsockname()[1])

    def open(self) -> None:
        """Have `/readyz` answer 200, since xDS is served."""
        self._open = True

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._open:
            return web.Response(text="ok\n")
        started = self._control.started.is_set()
        waiting = "the certificates of xDS" if started else "the sources to list"
        lines = [f"waiting for {waiting}", *unread(self._control.state, self._control.dialects)]
        return web.Response(status=503, text="".join(f"{line}\n" for line in lines))

    async def _status(self, request: web.Request) -> web.Response:
        return await self._page(
            request,
            lambda: report(
                FleetView(self._control), self._file_of, self._envoys.admin_of, self.replica()
            ),
        )

    async def _statuses(self, request: web.Request) -> web.Response:
        return await self._page(
            request, lambda: statuses(FleetView(self._control), self._control.dialects)
        )

    async def _page(self, request: web.Request, make: Callable[[], Json]) -> web.Response:
        """Answer with a page that is slow to make in a large fleet, for one visitor at a time."""
        self._visitors.reads(request)
        return await self._pages.let(lambda: web.json_response(make()), self._control.between_turns)

    async def _metrics(self, request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        self._visitors.reads(request)
        families = await self._pages.let(self.metrics.collect, self._control.between_turns)
        text, content_type = await asyncio.to_thread(self.metrics.render, families, accept)
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _sync(self, request: web.Request) -> web.Response:
        try:
            timeout = float(request.query.get("timeout", SYNC_TIMEOUT))
        except ValueError:
            timeout = math.nan
        if not 0 <= timeout <= MAX_SYNC:
            raise web.HTTPBadRequest(text=f"timeout is a number of seconds up to {MAX_SYNC:g}\n")
        with self._visitors.patient(request) as may_wait:
            if may_wait:
                missing = await sync(self._control, timeout, self._envoys)
            else:
                missing = [missing_for(_TOO_MANY)]
        envoys = self._control.cache.served()
        return web.json_response({"synced": not missing, "missing": missing, "envoys": envoys})
