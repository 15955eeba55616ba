"""A keep-alive HTTP/1.1 client that sends one request again and again.

It measures a gateway on the same cores, so it does little work itself: it has no pool, follows no
redirects and decodes nothing.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, cast

Address: TypeAlias = tuple[str, int]


class NoAnswerError(Exception):
    """The connection failed, ended early, stayed silent, or did not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is sent again and again."""

    path: str = "/"
    host: str = "example.com"
    headers: Mapping[str, str] | None = None
    method: str = "GET"
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        fields = {"host": self.host, **(self.headers or {})}
        if self.body:
            fields["content-length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

    def curl(self, address: Address, *, head: bool = False) -> str:
        """Return the command line of curl for this request. `head` shows headers, too."""
        fields = {"host": self.host, **(self.headers or {})}
        shown = " ".join(f"-H '{name}: {value}'" for name, value in fields.items())
        option = "-i " if head else ""
        method = "" if self.method == "GET" else f"-X {self.method} "
        body = f"-d '{self.body.decode()}' " if self.body else ""
        options = f"{option}{method}{shown} {body}"
        return f"curl {options}http://{address[0]}:{address[1]}{self.path}"

    def curl_over_tls(self, address: Address) -> str:
        """Return the command line of curl that sends a GET over TLS, and takes any certificate."""
        host, port = address
        return f"curl -k --connect-to ::{host}:{port} https://{self.host}{self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def first_line(self) -> str:
        """The first line of the body."""
        return self.body.partition(b"\n")[0].decode(errors="replace")

    @property
    def last(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return "close" in self.headers.get("connection", "").lower()


class _Reply:
    """Collects the bytes of one answer."""

    def __init__(self, *, head_only: bool) -> None:
        self._head_only = head_only
        self._held = b""
        self._start: tuple[int, dict[str, str]] | None = None
        self._chunks = b""

    def feed(self, data: bytes) -> Answer | None:
        """Take in bytes, and return the answer once it is complete. Raises ValueError."""
        self._held += data
        if self._start is None:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return None
            head, self._held = self._held[:end], self._held[end + 4 :]
            self._start = _parse_head(head)
        status, headers = self._start
        if self._head_only or status in {204, 304}:
            return Answer(status, headers, b"")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return Answer(status, headers, self._chunks) if self._dechunk() else None
        length = int(headers.get("content-length", "0"))
        return Answer(status, headers, self._held[:length]) if len(self._held) >= length else None

    def _dechunk(self) -> bool:
        """Take complete chunks off the bytes held. Return True after the last chunk."""
        while (end := self._held.find(b"\r\n")) >= 0:
            size = int(self._held[:end].partition(b";")[0], 16)
            if len(self._held) < end + 4 + size:
                return False
            self._chunks += self._held[end + 2 : end + 2 + size]
            self._held = self._held[end + 4 + size :]
            if not size:
                return True
        return False


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    line, *fields = head.decode("latin-1").split("\r\n")
    version, status, *_ = line.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError(line)
    pairs = (field.partition(":") for field in fields)
    return int(status), {name.lower(): value.strip() for name, _, value in pairs}


class _Link(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._reply = _Reply(head_only=False)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, question: bytes, *, head_only: bool) -> asyncio.Future[Answer]:
        self._waiting = asyncio.get_running_loop().create_future()
        self._reply = _Reply(head_only=head_only)
        if self._transport:
            self._transport.write(question)
        return self._waiting

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._waiting or self._waiting.done():
            self.close()  # there is no request that this could answer
            return
        try:
            answer = self._reply.feed(data)
        except ValueError:
            self._fail("not an HTTP answer")
            self.close()
        else:
            if answer:
                self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection ended before the answer: {exc or 'closed'}")

    def _fail(self, why: str) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(NoAnswerError(why))


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS as a client speaks it: its settings, and the name of the server that it asks for."""

    context: ssl.SSLContext
    name: str


class HttpClient:
    """Sends one request over one connection, and connects anew when that has ended."""

    def __init__(
        self, address: Address, question: Question, patience: timedelta, tls: Tls | None = None
    ) -> None:
        self._tls = tls
        self._host, self._port = address
        self._bytes = question.encode()
        self._head_only = question.method == "HEAD"
        self._patience = patience.total_seconds()
        self._link: _Link | None = None

    async def ask(self) -> Answer:
        """Ask once, and return the answer. Raises NoAnswerError.

        `patience` bounds the time of connecting and of waiting together.
        """
        try:
            async with asyncio.timeout(self._patience):
                if not self._link or not self._link.is_open:
                    self._link = await self._connect()
                answer = await self._link.ask(self._bytes, head_only=self._head_only)
        except TimeoutError:
            self.close()
            raise NoAnswerError(f"no answer in {self._patience:g} s") from None
        if answer.last:
            self.close()
        return answer

    @property
    def is_open(self) -> bool:
        """Whether the connection of the last answer is still there."""
        return self._link is not None and self._link.is_open

    def close(self) -> None:
        """Close the connection."""
        if self._link:
            self._link.close()
            self._link = None

    async def _connect(self) -> _Link:
        loop = asyncio.get_running_loop()
        try:
            _, link = await loop.create_connection(
                _Link,
                self._host,
                self._port,
                ssl=self._tls.context if self._tls else None,
                server_hostname=self._tls.name if self._tls else None,
            )
        except OSError as error:
            raise NoAnswerError(f"cannot connect: {error.strerror or error}") from error
        return link
