"""One API server that is read: its credentials, its collections, and how it stands."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Never, TypeAlias

from fleet.events import Listed, Unreachable
from fleet.kubernetes.backoff import LASTED, Backoff, wait_for
from fleet.kubernetes.collection import Collection, Unauthorized
from fleet.kubernetes.connection import ApiServer, Unreached
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleet.kubernetes.pulse import keep_asking
from fleet.kubernetes.reflector import Content, Reflector
from fleet.outage import Outage

Connect: TypeAlias = Callable[[], Awaitable[ApiServer]]
"""Gives a client with the credentials that hold now. Raises BadKubeconfig."""

Beside: TypeAlias = Callable[[ApiServer], Coroutine[None, None, Never]]

OriginState: TypeAlias = Listed | Unreachable

Denied: TypeAlias = Callable[[str], float]
"""Takes why RBAC does not permit a collection, "" once it does; gives the seconds until it is asked
for again."""


class _Renewed(Exception):
    """The client has to be made anew."""


class Reading:
    """Follows collections of one API server while `run` runs.

    `on_standing` is told when all of them have been listed, and when one of them cannot be. A
    client whose credentials are refused is made anew, and nothing that was read is lost by that.
    """

    def __init__(
        self, origin: str, connect: Connect, on_standing: Callable[[OriginState], None]
    ) -> None:
        self._origin = origin
        self._connect = connect
        self._on_standing = on_standing
        self._standing: OriginState | None = None
        self._reflectors: dict[Collection, Reflector] = {}
        self._running: dict[Collection, asyncio.Task[Never]] = {}
        self._open: tuple[ApiServer, asyncio.TaskGroup] | None = None
        self._renewed = asyncio.Event()
        self._wake = asyncio.Event()
        self._former_loads = 0

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._former_loads + sum(each.loads for each in self._reflectors.values())

    def follow(
        self, collection: Collection, content: Content, on_denied: Denied | None = None
    ) -> None:
        """Keep a content up to date from now on; with `on_denied`, as far as RBAC permits it."""
        reflector = Reflector(collection, content, self._settle, on_denied)
        self._reflectors[collection] = reflector
        if self._open is not None:
            self._start(collection, *self._open)

    def leave(self, collection: Collection) -> None:
        """Follow a collection no longer."""
        former = self._reflectors.pop(collection)
        former.retire()
        self._former_loads += former.loads
        if (task := self._running.pop(collection, None)) is not None:
            task.cancel()
        self._settle()

    def renew(self, connect: Connect) -> None:
        """Read by other credentials from now on; what was read stays."""
        self._connect = connect
        self._renewed.set()
        self._wake.set()

    def retire(self) -> None:
        """Keep nobody waiting: it will not run again."""
        for reflector in self._reflectors.values():
            reflector.retire()

    def wake(self, collection: Collection) -> None:
        """Have a collection read again now."""
        self._reflectors[collection].wake()

    async def run(self, beside: Beside | None = None) -> Never:
        """Read until cancelled; `beside` runs with each client that is made."""
        backoff = Backoff()
        while True:
            self._wake.clear()
            self._renewed.clear()
            try:
                server = await self._connect()
            except BadKubeconfig as e:
                for reflector in self._reflectors.values():
                    reflector.fail(str(e), Outage.KUBECONFIG)
            else:
                started = asyncio.get_running_loop().time()
                try:
                    await self._read(server, beside)
                finally:
                    await server.close()
                if asyncio.get_running_loop().time() - started > LASTED:
                    backoff.reset()
            await wait_for(self._wake, backoff.next())

    async def refresh(self, collections: Iterable[Collection] = ()) -> None:
        """Have these collections read again, or all of them; return when they are, or cannot be."""
        async with asyncio.TaskGroup() as tasks:
            for collection in collections or self._reflectors:
                tasks.create_task(self._reflectors[collection].refresh())
            self._wake.set()

    async def _read(self, server: ApiServer, beside: Beside | None) -> None:
        """Follow everything, until the credentials are of no use any more."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._open = server, tasks
                for collection in self._reflectors:
                    self._start(collection, server, tasks)
                tasks.create_task(keep_asking(server, self._lose))
                if beside is not None:
                    tasks.create_task(beside(server))
                try:
                    await self._renewed.wait()
                    raise _Renewed
                finally:
                    self._open = None
        except* Unauthorized as refused:
            # One collection was told, and cut off the others: none can be read by the credentials.
            for reflector in self._reflectors.values():
                reflector.fail(str(refused.exceptions[0]), Outage.CREDENTIALS)
        except* _Renewed:
            pass
        finally:
            self._running.clear()
        # A group whose member fails swallows a cancellation that comes at the same moment.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def _lose(self, error: Unreached) -> None:
        for reflector in self._reflectors.values():
            reflector.lose(error)

    def _start(self, collection: Collection, server: ApiServer, tasks: asyncio.TaskGroup) -> None:
        reflector = self._reflectors[collection]
        self._running[collection] = tasks.create_task(self._follow(reflector, server))

    async def _follow(self, reflector: Reflector, server: ApiServer) -> Never:
        try:
            await reflector.run(server)
        except Unauthorized:
            self._open = None  # a group that ends takes no more tasks
            raise

    def _settle(self) -> None:
        """Tell how the server stands, if that has turned."""
        reflectors = self._reflectors.values()
        troubles = {each.trouble: each.outage for each in reflectors if each.trouble}
        if troubles:
            if isinstance(self._standing, Unreachable) and self._standing.message in troubles:
                return  # it is lost for several reasons, and one of them is told
            message, outage = next(iter(troubles.items()))
            standing: OriginState = Unreachable(self._origin, message, outage=outage)
        elif all(reflector.listed for reflector in reflectors):
            standing = Listed(self._origin)
        else:
            return
        if standing != self._standing:
            self._standing = standing
            self._on_standing(standing)
