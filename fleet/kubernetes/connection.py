"""One API server: requests and watches as bytes.

`kubernetes.aio` knows configurations, credentials and transport. Its models and its Watch are left
out: they build every object slowly, and stumble over long lines.
"""

import asyncio
import json
import math
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.config import ConfigException

from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.intake import Lines, Pace, TooMuch, beginning, lines, whole
from fleet.kubernetes.kubeconfig import client_in_cluster, client_of
from fleet.kubernetes.told import secrets_of, told
from fleet.kubernetes.transport import Redirected
from fleet.outage import Outage

Query: TypeAlias = Sequence[tuple[str, str]]
Json: TypeAlias = Any

_PROBES: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A watch whose server is gone without a word ends half a minute later, as far as a system can."""

_NO_ANSWER: Final = (aiohttp.ClientError, TimeoutError, OSError)


class Unreached(Exception):
    """No answer that could be used: refused, reset, timed out, too much; the text says which."""

    def __init__(self, message: str, outage: Outage = Outage.NO_ANSWER) -> None:
        super().__init__(message)
        self.outage = outage


class Excess(Unreached):
    """A server goes beyond a bound. To ask it again costs much, and mostly gives the same."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Outage.EXCESS)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status. `retry_after` is in seconds, where the server asks for it."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the server did what was asked."""
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The body. Raises ValueError where it is no JSON."""
        return read_json(self.body)

    @property
    def message(self) -> str:
        """What the server says of a refusal, in its own words, as one line."""
        try:
            said = self.json()
        except ValueError:
            return told(self.body[:200].decode(errors="replace"))
        return told(str(said.get("message", ""))) if isinstance(said, dict) else ""


def read_json(text: bytes) -> Json:
    """The value of a text; ValueError where it is none."""
    try:
        return json.loads(text)
    except RecursionError as e:
        raise ValueError("nested too deeply") from e


class ApiServer:
    """A client of one API server, with credentials and connections of its own.

    `close` ends it. Credentials that expire are renewed where the configuration says how: tokens of
    a service account each minute, those of an exec plugin before they expire. `heard` is when the
    server last sent something, by the clock of the event loop.
    """

    bounds = Bounds()
    heard = -math.inf

    def __init__(self, client: ApiClient, bounds: Bounds | None = None) -> None:
        self._client = client
        self.server = told(client.configuration.host)
        self.bounds = bounds or Bounds()
        self._pace = Pace(self.bounds)

    @classmethod
    async def from_kubeconfig(
        cls, config: Path | Mapping[str, Any], context: str = "", bounds: Bounds | None = None
    ) -> "ApiServer":
        """Take a context of a kubeconfig, the current one unless named. Raises BadKubeconfig.

        The configuration is read once; nothing is asked of the server.
        """
        # Files are read and written on the way, plugins may run: not in the loop that serves.
        client = await asyncio.to_thread(client_of, config, context or None)
        return cls(client) if bounds is None else cls(client, bounds)

    @classmethod
    async def in_cluster(cls) -> "ApiServer":
        """Take what Kubernetes gives to a Pod. Raises BadKubeconfig outside of one."""
        return cls(await asyncio.to_thread(client_in_cluster))

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 (the limit of one answer, beside the one of the connection)
    ) -> Reply:
        """Ask once, with `body` as JSON; `timeout` is in seconds.

        Never raises for a status; raises Unreached where there is none, and for a success that is
        no JSON.
        """
        bounds = self.bounds
        # What is written waits for the webhooks of the server.
        silence = bounds.silence if method == "GET" else None
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=bounds.connect, sock_read=silence)
        async with self._answer(method, path, query, body, content_type, limit) as response:
            kind = response.headers.get("Content-Type", "json")
            if response.ok and "json" not in kind:
                # A proxy's or a load balancer's page: nothing was done, and nothing can be read.
                raise Unreached(f"{self.server}: its answer is {self.told(kind)} and not JSON")
            retry_after = _seconds(response.headers.get("Retry-After"))
            try:
                if response.ok:
                    content = await whole(response, bounds.answer)
                else:
                    content = self._hide(await beginning(response, bounds.refusal))
            except TooMuch as e:
                raise Excess(f"{self.server}: {e}") from e
            except _NO_ANSWER as e:
                raise self._unreached(e) from e
            self._hear()
            return Reply(response.status, content, retry_after)

    @asynccontextmanager
    async def watch(self, path: str, query: Query) -> AsyncIterator[tuple[int, Lines]]:
        """Open a watch: its status, and its lines while the block runs.

        Raises Unreached, also out of the lines.
        """
        bounds = self.bounds
        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=bounds.connect, sock_read=bounds.watch_silence
        )
        asked = [*query, ("watch", "1")]
        async with self._answer("GET", path, asked, None, "application/json", limit) as response:
            if response.connection is not None and response.connection.transport is not None:
                probe(response.connection.transport.get_extra_info("socket"))
            is_refused = response.status != HTTPStatus.OK
            yield response.status, self._refused(response) if is_refused else self._lines(response)

    def told(self, text: str) -> str:
        """What this server, or a library about it, says, as it may be shown."""
        return told(text, self._secrets())

    async def close(self) -> None:
        """End all connections."""
        await self._client.close()

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Query,
        body: Json,
        content_type: str,
        limit: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            method, url, sent, *_ = await self._client.param_serialize(
                method,
                path,
                query_params=list(query),
                header_params=headers,
                auth_settings=["BearerToken"],
            )
            async with asyncio.timeout(self.bounds.silence if method == "GET" else None):
                answer = await self._client.call_api(
                    method, url, sent, body, _request_timeout=limit
                )
        except ConfigException as e:
            why = f"its credentials cannot be renewed: {self.told(str(e))}"
            raise Unreached(f"{self.server}: {why}", Outage.CREDENTIALS) from e
        except _NO_ANSWER as e:
            raise self._unreached(e) from e
        except (ValueError, TypeError, AttributeError) as e:
            # A token, a proxy or a name that no request can hold; what is said of it may quote it.
            why = f"its address or its credentials cannot be used ({type(e).__name__})"
            raise Unreached(f"{self.server}: {why}", Outage.KUBECONFIG) from None
        self._hear()
        response: aiohttp.ClientResponse = answer.response
        try:
            yield response
        finally:
            # What was read to its end has given its connection back. The goodbye of TLS on another
            # one would take the server's answer, and outlive whoever asked, and the loop.
            if response.connection is not None and response.connection.transport is not None:
                response.connection.transport.abort()
            response.close()

    async def _lines(self, response: aiohttp.ClientResponse) -> Lines:
        try:
            async for line in lines(response, self.bounds, self._pace):
                self._hear()
                yield line
        except TooMuch as e:
            raise Excess(f"{self.server}: {e}") from e
        except _NO_ANSWER as e:
            raise self._unreached(e) from e

    async def _refused(self, response: aiohttp.ClientResponse) -> Lines:
        """What is said of a refused watch, as one line."""
        try:
            if body := await beginning(response, self.bounds.refusal):
                yield self._hide(body)
        except _NO_ANSWER as e:
            raise self._unreached(e) from e

    def _hear(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def _unreached(self, error: BaseException) -> Unreached:
        why = self.told(_why(error, self.bounds))
        return Unreached(f"{self.server}: {why}", _outage_of(error))

    def _secrets(self) -> list[str]:
        return secrets_of(self._client.configuration)

    def _hide(self, body: bytes) -> bytes:
        for secret in self._secrets():
            body = body.replace(secret.encode(), b"***")
        return body


def probe(link: socket.socket) -> None:
    """Have the kernel ask now and then whether the other side is still there."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES.items():
        if option := getattr(socket, name, None):
            link.setsockopt(socket.IPPROTO_TCP, option, value)


def _why(error: BaseException, bounds: Bounds) -> str:
    match error:
        case aiohttp.ConnectionTimeoutError():
            why = f"no connection within {bounds.connect:g} s"
        case TimeoutError():
            why = "no answer in time"
        case aiohttp.ClientConnectorCertificateError(certificate_error=failed):
            reason = getattr(failed, "verify_message", "")
            why = f"its certificate is not trusted: {reason or failed}"
        case aiohttp.ClientConnectorDNSError():
            # Of the server, or of its proxy. Numbers of resolvers are not those of the system.
            why = f"the name {error.host} cannot be resolved: {error.os_error.strerror}"
        case aiohttp.ClientConnectorError(os_error=failed):
            why = os.strerror(failed.errno) if failed.errno else str(failed)
        case aiohttp.InvalidURL():
            why = "this, or the URL of its proxy, is no URL"  # which may hold a password
        case _:
            why = str(error) or type(error).__name__
    return why


def _outage_of(error: BaseException) -> Outage:
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Outage.TLS
    if isinstance(error, aiohttp.InvalidURL):
        return Outage.KUBECONFIG
    return Outage.ERROR if isinstance(error, Redirected) else Outage.NO_ANSWER


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
