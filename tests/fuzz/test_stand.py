"""The search for harmful Ingresses finds the end of an Envoy."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.backends import Backend, Manner
from tests.fuzz.annotations import FIXED
from tests.fuzz.stand import BATCH, Stand, mse, stand
from tests.support.serving import serving

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(180)]


_DESTINATION: Final = "mse.ingress.kubernetes.io/destination"
"""The example of this annotation has the Services `web` and `api`."""


class Killer(Backend):
    """Ends the Envoy that asks it, twice: with all Ingresses, and in the search for the cause."""

    def __init__(self, address: tuple[str, int], tried: Stand) -> None:
        super().__init__("killer", address, "", Manner.ANSWER)
        self._tried = tried
        self._left = 2

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not self._left:
            writer.close()
            return
        self._left -= 1
        (envoy,) = self._tried.served.served.gateways.envoys.values()
        assert envoy.pid
        os.kill(envoy.pid, signal.SIGKILL)
        writer.close()


def test_the_end_of_envoy_is_found(tmp_path: Path) -> None:
    number = next(n for n, fixed in enumerate(FIXED) if n > BATCH and _DESTINATION in fixed.main)

    async def kill() -> Stand:
        async with stand(tmp_path, mse(1)) as tried:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                killer = Killer(listener.getsockname(), tried)
                async with serving(listener, killer.serve):
                    for service in ("web", "api"):
                        tried.served.expose(service, [killer])
                    await tried.try_out([number])
            return tried

    unanswered, unserved = asyncio.run(kill()).findings
    assert "Envoy has started" in unanswered.what
    assert [suspect.name for suspect in unanswered.suspects] == [f"n{number}"]
    assert "the control Ingress was not served" in unserved.what
