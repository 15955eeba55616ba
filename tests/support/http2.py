"""Sends one request over HTTP/2, with or without TLS, with unchecked header fields."""

import asyncio
from collections.abc import Sequence
from contextlib import closing

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from fleetgate.demo.http import Address, Answer, NoAnswerError, Tls


async def ask_http2(
    address: Address, fields: Sequence[tuple[str, str]], tls: Tls | None = None
) -> Answer:
    """Send one request, by default a GET. Raises NoAnswerError if the stream is reset."""
    pseudo = {":method": "GET", ":scheme": "https" if tls else "http", ":path": "/"}
    pseudo |= {name: value for name, value in fields if name.startswith(":")}
    others = [(name, value) for name, value in fields if not name.startswith(":")]
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    connection.send_headers(1, [*pseudo.items(), *others], end_stream=True)
    reader, writer = await asyncio.open_connection(
        *address, ssl=tls.context if tls else None, server_hostname=tls.name if tls else None
    )
    with closing(writer):
        writer.write(connection.data_to_send())
        status, headers, body = 0, dict[str, str](), b""
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                match event:
                    case ResponseReceived(headers=found):
                        headers = {str(name): str(value) for name, value in found or ()}
                        status = int(headers[":status"])
                    case DataReceived(data=part):
                        body += part or b""
                    case StreamEnded():
                        return Answer(status, headers, body)
                    case StreamReset(error_code=code):
                        raise NoAnswerError(f"the stream was reset ({code})")
            writer.write(connection.data_to_send())
    raise NoAnswerError("the connection ended")
