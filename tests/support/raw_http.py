"""Sends one request over TCP, with an unchecked head, from a chosen address."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing

from fleetgate.demo.http import Address, Answer, NoAnswerError


async def ask_raw(
    address: Address, head: Sequence[str], *, source: str, preface: bytes = b""
) -> Answer:
    """Send the preface and then the lines of `head`. Raises NoAnswerError without an answer."""
    local = (source, 0)
    reader, writer = await asyncio.open_connection(*address, local_addr=local)
    with closing(writer):
        writer.write(preface + "\r\n".join([*head, "connection: close", "", ""]).encode())
        try:
            line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (field.partition(":") for field in fields if field)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise NoAnswerError("the connection was closed") from error
    return Answer(int(line.split()[1]), headers, body)


def lines(path: str, host: str, headers: Mapping[str, str] | None = None) -> list[str]:
    """The lines of the head of a GET."""
    fields = {"host": host, **(headers or {})}
    return [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
