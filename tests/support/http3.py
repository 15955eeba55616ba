"""An HTTP/3 client, which keeps its connection. Its certificate checks can be switched off."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol, QuicStreamHandler
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

from fleetgate.demo.http import Address, Answer, NoAnswerError
from tests.support.authority import Authority

PATIENCE = 20.0


class Http3Client(QuicConnectionProtocol):
    """One QUIC connection with requests on it."""

    def __init__(
        self, quic: QuicConnection, stream_handler: QuicStreamHandler | None = None
    ) -> None:
        super().__init__(quic, stream_handler)
        self._http = H3Connection(self._quic)
        self._answers: dict[int, _Answer] = {}

    async def ask(
        self,
        host: str,
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a GET, or a POST if there is a body. The headers of the answer have its trailers.

        Raises NoAnswerError if the stream or the connection ends before the answer.
        """
        stream = self._quic.get_next_available_stream_id()
        answer = self._answers[stream] = _Answer(asyncio.get_running_loop().create_future())
        method = "POST" if body else "GET"
        pseudo = {":method": method, ":scheme": "https", ":authority": host, ":path": path}
        fields = {**pseudo, **(headers or {})}
        encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
        self._http.send_headers(stream, encoded, end_stream=not body)
        if body:
            self._http.send_data(stream, body, end_stream=True)
        self.transmit()
        async with asyncio.timeout(PATIENCE):
            return await answer.whole

    @property
    def certificate(self) -> str:
        """The common name of the certificate that the server has shown."""
        shown = self._quic.tls._peer_certificate
        assert shown is not None
        (name,) = shown.subject
        return str(name.value)

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take in an event of the connection."""
        match event:
            case ConnectionTerminated(reason_phrase=reason):
                for answer in self._answers.values():
                    answer.fail(f"the connection ended: {reason}")
            case StreamReset(stream_id=stream, error_code=code) if stream in self._answers:
                self._answers[stream].fail(f"the stream was reset ({code})")
            case _:
                for each in self._http.handle_event(event):
                    self._take(each)

    def _take(self, event: H3Event) -> None:
        match event:
            case HeadersReceived(stream_id=stream, headers=headers) if stream in self._answers:
                self._answers[stream].begin(headers)
            case DataReceived(stream_id=stream, data=data) if stream in self._answers:
                self._answers[stream].body += data
            case _:
                return
        if event.stream_ended:
            self._answers.pop(event.stream_id).end()


class _Answer:
    """An answer on its way."""

    def __init__(self, whole: "asyncio.Future[Answer]") -> None:
        self.whole = whole
        self.body = b""
        self._headers: dict[str, str] = {}

    def begin(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._headers |= {name.decode(): value.decode() for name, value in headers}

    def end(self) -> None:
        status = int(self._headers.get(":status", "0"))
        self.whole.set_result(Answer(status, self._headers, self.body))

    def fail(self, why: str) -> None:
        if not self.whole.done():
            self.whole.set_exception(NoAnswerError(why))


@asynccontextmanager
async def http3_client(
    address: Address,
    name: str,
    authority: Authority,
    *,
    checks: bool = True,
    patience: float = PATIENCE,
) -> AsyncIterator[Http3Client]:
    """Connect while the block runs. Raises ConnectionError if the handshake fails.

    Raises TimeoutError if it takes longer than `patience`, in seconds.
    """
    mode = ssl.CERT_REQUIRED if checks else ssl.CERT_NONE
    settings = QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, server_name=name, verify_mode=mode
    )
    settings.load_verify_locations(cadata=authority.certificate)
    async with asyncio.timeout(patience):
        connecting = connect(*address, configuration=settings, create_protocol=Http3Client)
        client = await connecting.__aenter__()
    try:
        assert isinstance(client, Http3Client)
        yield client
    finally:
        await connecting.__aexit__(None, None, None)
