"""A service that is asked about requests, and answers each as its request wants it."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fleetgate.demo.http import Address
from tests.e2e.backends import Backend, Manner
from tests.support.serving import serving

VERDICT: Final = "x-verdict"


def verdict(status: int, *headers: tuple[str, str], by: str = VERDICT) -> dict[str, str]:
    """Make the header of a request to which the answer has this status and these headers."""
    return {by: json.dumps([status, headers])}


class Authorizer(Backend):
    """Answers as the header `by` of a request says, and with 200 if there is none."""

    def __init__(self, name: str, address: Address, by: str) -> None:
        super().__init__(name, address, "", Manner.ANSWER)
        self._by = by

    def _answer(self) -> bytes:
        asked = self.asked[-1]
        status, headers = json.loads(asked.headers.get(self._by, "[200, []]"))
        body = b"" if status == 204 or asked.method == "HEAD" else f"{self.name} said so".encode()
        fields = [("content-type", "text/plain"), *headers]
        if status != 204:
            fields.append(("content-length", str(len(body))))
        lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def authorizer(name: str, by: str = VERDICT) -> AsyncIterator[Authorizer]:
    """Run one on a free port of 127.0.0.1 while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Authorizer(name, listener.getsockname(), by)
        async with serving(listener, made.serve):
            yield made
