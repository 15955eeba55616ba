"""The gateway closes idle connections before backends do, so that no request meets a closing one.

A backend that closes a connection while a request is on its way resets it, and a request that is
not idempotent cannot be sent again, because the backend may have acted on it.
"""

import asyncio
import socket
from collections import Counter
from pathlib import Path

from fleetgate.demo.http import Question
from tests.e2e.rig import ONE, TWO, ask_once, rig
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.serving import serving

SETTING = "500ms"
LIMIT = 5.0
"""Seconds that the backend keeps an idle connection, as Node does: many times of the setting."""

GATEWAY, BACKEND = "gateway", "backend"
POST = Question("/", "web.test", method="POST", body=b"body")


class Impatient:
    """A backend with an idle timeout. `ended` counts connections by the side that ended them."""

    def __init__(self, together: int) -> None:
        self.ended = Counter[str]()
        self._together = asyncio.Barrier(together)
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer once all requests have arrived, so that each has a connection of its own."""
        try:
            while True:
                async with asyncio.timeout(LIMIT):
                    await reader.readuntil(b"body")
                await self._together.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        except TimeoutError:
            await self._count(BACKEND)
        except asyncio.IncompleteReadError:
            await self._count(GATEWAY)
        finally:
            writer.transport.abort()

    async def all_ended(self, connections: int) -> None:
        """Return once so many connections have ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.ended.total() == connections)

    async def _count(self, who: str) -> None:
        async with self._changed:
            self.ended[who] += 1
            self._changed.notify_all()


def test_the_gateway_closes_idle_connections_before_a_backend_does(tmp_path: Path) -> None:
    n = 8

    async def scenario() -> None:
        impatient = Impatient(n)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            async with serving(listener, impatient.serve), rig(tmp_path) as served:
                setting = {"fleetgate.dev/upstream-idle-timeout": SETTING}
                served.declare(
                    "gateway.yaml", mse_gateway("gw", members=[ONE, TWO]).annotate(setting)
                )
                pods = slice_of("web", addresses=[host], port=port)
                served.declare("web.yaml", service("web"), pods, to=ONE)
                rule = ingress("web", host="web.test").path("/", to="web:80")
                served.declare("web.yaml", rule.of_class("mse"))
                address = await served.address()
                for ended in (n, 2 * n):
                    answers = await asyncio.gather(*(ask_once(address, POST) for _ in range(n)))
                    assert [answer.status for answer in answers] == [200] * n
                    await impatient.all_ended(ended)
                assert impatient.ended == {GATEWAY: 2 * n}

    asyncio.run(scenario())
