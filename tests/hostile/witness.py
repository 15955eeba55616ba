"""The witnesses of an attack: a well-behaved client, and a prober of /healthz."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from typing import Final

from tests.hostile.target import GATEWAY, Target
from tests.support.ads_client import AdsClient
from tests.support.process import PATIENCE
from xds.resource import TypeUrl

_PAUSE: Final = 0.02
"""Seconds between two questions, which leave the core to others."""


class Witness(ABC):
    """Asks again and again, in a thread of its own, and keeps how long each answer took."""

    def __init__(self) -> None:
        self._waits: list[float] = []
        self._answered = threading.Condition()
        self._stopped = threading.Event()
        self._error: Exception | None = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask while the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join(PATIENCE)

    def longest(self, answers: int = 1) -> float:
        """Seconds of the longest wait until now, after so many more answers; then forget all.

        Raises what has ended the witness.
        """
        with self._answered:
            wanted = len(self._waits) + answers
            while len(self._waits) < wanted:
                if self._error:
                    raise self._error
                assert self._answered.wait(PATIENCE), "no answer"
            longest = max(self._waits)
            self._waits.clear()
            return longest

    def _run(self) -> None:
        try:
            with self._connected():
                while not self._stopped.wait(_PAUSE):
                    began = time.monotonic()
                    self._ask()
                    with self._answered:
                        self._waits.append(time.monotonic() - began)
                        self._answered.notify_all()
        except Exception as error:  # noqa: BLE001 (raised again where its answers are awaited)
            with self._answered:
                self._error = error
                self._answered.notify_all()

    @abstractmethod
    def _connected(self) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _ask(self) -> None: ...


class Served(Witness):
    """An Envoy of the gateway: changes are published all the while, and it waits for each.

    `publish` declares the address of a backend.
    """

    def __init__(self, target: Target, publish: Callable[[str], None]) -> None:
        super().__init__()
        self._target = target
        self._publish = publish
        self._changes = 0
        self._client: AdsClient | None = None

    @contextmanager
    def _connected(self) -> Iterator[None]:
        with self._target.channel() as channel:
            self._client = AdsClient(channel, GATEWAY, node="well-behaved", bound=600.0)
            self._client.request(TypeUrl.CLUSTER)
            clusters = self._client.hear()
            self._client.acknowledge(clusters)
            self._client.request(TypeUrl.ENDPOINT, *(each.name for each in clusters.resources))
            self._client.acknowledge(self._client.hear())
            try:
                yield
            finally:
                self._client.close()

    def _ask(self) -> None:
        assert self._client
        self._changes += 1
        address = f"10.9.{self._changes // 250}.{1 + self._changes % 250}"
        self._publish(address)
        said = b""
        while address.encode() not in said:
            response = self._client.hear()
            self._client.acknowledge(response)
            said = bytes(response)


class Healthz(Witness):
    """A liveness probe."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target

    @contextmanager
    def _connected(self) -> Iterator[None]:
        yield

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._target.admin_port, timeout=PATIENCE)
        try:
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
        finally:
            connection.close()
