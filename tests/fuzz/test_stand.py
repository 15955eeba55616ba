"""The search for harmful Ingresses finds the end of an Envoy."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.backends import Backend, Manner
from tests.fuzz.stand import Stand, stand
from tests.support.serving import serving

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(180)]


class Killer(Backend):
    """Ends the Envoy that asks it."""

    def __init__(self, address: tuple[str, int], tried: Stand) -> None:
        super().__init__("killer", address, "", Manner.ANSWER)
        self._tried = tried

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        (envoy,) = self._tried.served.served.gateways.envoys.values()
        assert envoy.pid
        os.kill(envoy.pid, signal.SIGKILL)
        writer.close()


def test_the_end_of_envoy_is_found(tmp_path: Path) -> None:
    async def kill() -> Stand:
        async with stand(tmp_path, 1) as tried:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                killer = Killer(listener.getsockname(), tried)
                async with serving(listener, killer.serve):
                    tried.served.expose("web", [killer])
                    await tried.try_out(range(1))
            return tried

    (finding,) = asyncio.run(kill()).findings
    assert "n0" in str(finding)
    assert "Envoy has started [1]" not in finding.what
