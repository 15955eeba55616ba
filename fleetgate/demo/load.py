"""Load on a gateway over several connections, and a count of the answers.

The load is a closed loop: each connection sends a request, waits for the answer, and sends the next
request. An answer with status 200 is a success. Everything else is a failure, such as a refused
connection or a 503.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fleetgate.demo.http import Address, HttpClient, NoAnswerError, Question, Tls

_PATIENCE = timedelta(seconds=10)
_PAUSE_AFTER_FAILURE = 0.01
"""Seconds, without which a refusing gateway would get 20,000 requests a second."""


class LoadEndedError(Exception):
    """The load has ended before the awaited answer came."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its result. `started` and `ended` are seconds of the monotonic clock.

    Without an HTTP answer, `status` is 0 and `error` has the reason.
    """

    started: float
    ended: float
    status: int
    line: str = ""
    member: str = ""
    pod: str = ""
    error: str = ""

    @property
    def wait(self) -> timedelta:
        """The time from the request to its result."""
        return timedelta(seconds=self.ended - self.started)

    @property
    def failure(self) -> str:
        """The reason of a failure, "" for an answer with status 200."""
        if self.error:
            return self.error
        return "" if self.status == 200 else f"{self.status} {self.line}".strip()


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a number of requests and their results."""

    total: int
    lines: Mapping[str, int]
    members: Mapping[str, int]
    pods: Mapping[str, int]
    statuses: Mapping[int, int]
    failures: Mapping[str, int]
    worst_wait: timedelta

    @classmethod
    def of(cls, asked: Iterable[Asked]) -> "Tally":
        """Count results. Lines, members and Pods are counted for successes only."""
        every = tuple(asked)
        good = tuple(one for one in every if not one.failure)
        return cls(
            total=len(every),
            lines=Counter(one.line for one in good),
            members=Counter(one.member for one in good),
            pods=Counter(one.pod for one in good),
            statuses=Counter(one.status for one in every if one.status),
            failures=Counter(one.failure for one in every if one.failure),
            worst_wait=max((one.wait for one in every), default=timedelta()),
        )

    def share(self, line: str) -> float:
        """Return the percentage of all requests whose answer has this first line."""
        return 100 * self.lines.get(line, 0) / self.total if self.total else 0.0


class Load:
    """Sends one request again and again, over several connections.

    It ends by itself after `most` requests or after the time `longest`. Each connection waits for
    `pause` before its next request, so that a load for observation takes little CPU.
    """

    def __init__(
        self,
        address: Address,
        question: Question,
        *,
        connections: int = 16,
        most: int = 1_000_000,
        longest: timedelta = timedelta(minutes=2),
        patience: timedelta = _PATIENCE,
        pause: timedelta = timedelta(),
        tls: Tls | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self._clients = [HttpClient(address, question, patience, tls) for _ in range(connections)]
        self._most = most
        self._longest = longest
        self._pause = pause.total_seconds()
        self._begun = 0
        self._stopping = False
        self._ended = False
        self._watchers: dict[asyncio.Future[Asked], Callable[[Asked], bool]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Send requests while the block runs. Open requests complete before the block is left."""
        workers = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            self._stopping = True
            await asyncio.wait([workers])
            workers.result()

    async def complete(self) -> None:
        """Send requests until `most` or `longest` is reached."""
        await self._run()

    async def answered(self, more: int) -> None:
        """Return after this number of further results. Raises LoadEndedError."""
        left = iter(range(more - 1))
        await self._watch(lambda _: next(left, None) is None)

    async def until(self, wanted: Callable[[Asked], bool], since: float = 0.0) -> Asked:
        """Wait for the first wanted result of a request that was sent at or after `since`.

        Raises LoadEndedError where the load ends without one.
        """
        for one in self.asked:
            if one.started >= since and wanted(one):
                return one
        return await self._watch(lambda one: one.started >= since and wanted(one))

    async def until_answered_by(self, member: str, since: float = 0.0) -> Asked:
        """Wait for the first answer of a member to a request that was sent at or after `since`."""
        return await self.until(lambda one: one.member == member and not one.failure, since)

    def tally(self, since: float = 0.0) -> Tally:
        """Count the results of requests that were sent at or after `since`."""
        return Tally.of(one for one in self.asked if one.started >= since)

    async def _watch(self, wanted: Callable[[Asked], bool]) -> Asked:
        if self._ended:
            raise LoadEndedError(f"the load has ended after {len(self.asked)} questions")
        future: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
        self._watchers[future] = wanted
        try:
            return await future
        finally:
            del self._watchers[future]

    async def _run(self) -> None:
        end = time.monotonic() + self._longest.total_seconds()
        try:
            async with asyncio.TaskGroup() as tasks:
                for client in self._clients:
                    tasks.create_task(self._ask_on(client, end))
        finally:
            self._ended = True
            ended = LoadEndedError(f"the load ended after {len(self.asked)} questions")
            for future in self._watchers:
                if not future.done():
                    future.set_exception(ended)

    async def _ask_on(self, client: HttpClient, end: float) -> None:
        try:
            while not self._stopping and self._begun < self._most and time.monotonic() < end:
                self._begun += 1
                one = await _ask_once(client)
                self._record(one)
                if pause := self._pause if one.status else _PAUSE_AFTER_FAILURE:
                    await asyncio.sleep(pause)
        finally:
            client.close()

    def _record(self, one: Asked) -> None:
        self.asked.append(one)
        for future, wanted in self._watchers.items():
            if not future.done() and wanted(one):
                future.set_result(one)


async def ask(
    address: Address,
    question: Question,
    n: int = 2000,
    *,
    connections: int = 16,
    patience: timedelta = _PATIENCE,
    tls: Tls | None = None,
) -> Tally:
    """Send n requests and count the results. Each takes `patience` at most, so this always ends."""
    longest = patience * (n / connections + 1)
    load = Load(
        address,
        question,
        connections=connections,
        most=n,
        longest=longest,
        patience=patience,
        tls=tls,
    )
    await load.complete()
    return load.tally()


async def _ask_once(client: HttpClient) -> Asked:
    started = time.monotonic()
    try:
        answer = await client.ask()
    except NoAnswerError as error:
        return Asked(started, time.monotonic(), status=0, error=str(error))
    headers = answer.headers
    return Asked(
        started,
        time.monotonic(),
        answer.status,
        line=answer.first_line,
        member=headers.get("x-member", ""),
        pod=headers.get("x-pod", ""),
    )
