"""A client of one API server: requests and watches, as bytes.

`kubernetes.aio` reads kubeconfigs, renews credentials and makes connections. Its models and its
Watch are not used: the models are slow to build, and the Watch fails on long lines.
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
from fleet.kubernetes.redaction import redacted, secrets_of
from fleet.kubernetes.transport import Redirected
from fleet.outage import Outage

Query: TypeAlias = Sequence[tuple[str, str]]
Json: TypeAlias = Any

_PROBES: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""TCP probes, in seconds and in number. They end a watch half a minute after its server vanished.

A system that does not know an option goes without it.
"""

_NO_ANSWER: Final = (aiohttp.ClientError, TimeoutError, OSError)


class Unreached(Exception):
    """A server gives no usable answer: none at all, too much, or one that is no JSON.

    The text says which.
    """

    def __init__(self, message: str, outage: Outage = Outage.NO_ANSWER) -> None:
        super().__init__(message)
        self.outage = outage


class Excess(Unreached):
    """A server goes beyond a bound. Asking again is costly, and mostly ends in the same way."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Outage.EXCESS)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status. `retry_after` is in seconds, None if the server names no time."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The value of the body. Raises ValueError if the body is no JSON."""
        return read_json(self.body)

    @property
    def message(self) -> str:
        """The server's own explanation of an error, as one line."""
        try:
            status = self.json()
        except ValueError:
            return redacted(self.body[:200].decode(errors="replace"))
        return redacted(str(status.get("message", ""))) if isinstance(status, dict) else ""


def read_json(text: bytes) -> Json:
    """The value of a JSON text. Raises ValueError if the text is no JSON."""
    try:
        return json.loads(text)
    except RecursionError as e:
        raise ValueError("nested too deeply") from e


class ApiServer:
    """A client of one API server, with its own credentials and connections; `close` ends it.

    Credentials that expire are renewed if the configuration says how: the token of a service
    account is read again each minute, and an exec plugin runs again before its token expires.
    `heard` is when the server last sent a byte, by the clock of the event loop.
    """

    bounds = Bounds()
    heard = -math.inf

    def __init__(self, client: ApiClient, bounds: Bounds | None = None) -> None:
        self._client = client
        self.server = redacted(client.configuration.host)
        self.bounds = bounds or Bounds()
        self._pace = Pace(self.bounds)

    @classmethod
    async def from_kubeconfig(
        cls, config: Path | Mapping[str, Any], context: str = "", bounds: Bounds | None = None
    ) -> "ApiServer":
        """Make a client from a context of a kubeconfig, by default from its current context.

        The configuration is read once. No request is sent. Raises BadKubeconfig.
        """
        # This reads and writes files and may run a plugin, so a thread does it.
        client = await asyncio.to_thread(client_of, config, context or None)
        return cls(client) if bounds is None else cls(client, bounds)

    @classmethod
    async def in_cluster(cls) -> "ApiServer":
        """Make a client from this Pod's service account. Raises BadKubeconfig outside of a Pod."""
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
        """Send one request, with `body` as JSON; `timeout` is in seconds.

        A status that is no success raises nothing. Raises Unreached if there is no answer, and for
        a success that is no JSON.
        """
        bounds = self.bounds
        # The server calls its admission webhooks before it answers to a write, which may take long.
        silence = bounds.silence if method == "GET" else None
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=bounds.connect, sock_read=silence)
        async with self._answer(method, path, query, body, content_type, limit) as response:
            kind = response.headers.get("Content-Type", "json")
            if response.ok and "json" not in kind:
                # This is a page of a proxy or a load balancer: the server has done nothing.
                raise Unreached(f"{self.server}: its answer is {self.redacted(kind)} and not JSON")
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
        """Open a watch, and give its status and its lines while the block runs.

        Raises Unreached, also while the lines are read.
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

    def redacted(self, text: str) -> str:
        """A text of the server, or of a library about it, without this client's credentials."""
        return redacted(text, self._secrets())

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
            why = f"its credentials cannot be renewed: {self.redacted(str(e))}"
            raise Unreached(f"{self.server}: {why}", Outage.CREDENTIALS) from e
        except _NO_ANSWER as e:
            raise self._unreached(e) from e
        except (ValueError, TypeError, AttributeError) as e:
            # A token, a proxy or a host name does not fit into a request. The error may quote it,
            # so only the error's type is shown.
            why = f"its address or its credentials cannot be used ({type(e).__name__})"
            raise Unreached(f"{self.server}: {why}", Outage.KUBECONFIG) from None
        self._hear()
        response: aiohttp.ClientResponse = answer.response
        try:
            yield response
        finally:
            # An answer that was read to its end has given its connection back. Otherwise the
            # connection is aborted: a graceful end of TLS would wait for the server, perhaps longer
            # than the event loop runs.
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
        """The body of a refused watch, as one line."""
        try:
            if body := await beginning(response, self.bounds.refusal):
                yield self._hide(body)
        except _NO_ANSWER as e:
            raise self._unreached(e) from e

    def _hear(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def _unreached(self, error: BaseException) -> Unreached:
        why = self.redacted(_why(error, self.bounds))
        return Unreached(f"{self.server}: {why}", _outage_of(error))

    def _secrets(self) -> list[str]:
        return secrets_of(self._client.configuration)

    def _hide(self, body: bytes) -> bytes:
        for secret in self._secrets():
            body = body.replace(secret.encode(), b"***")
        return body


def probe(link: socket.socket) -> None:
    """Make the kernel probe whether the other side of a connection is still there."""
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
            # The name is the server's or its proxy's. `strerror` is used because the error numbers
            # of resolvers are not those of the system.
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
