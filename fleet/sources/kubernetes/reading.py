"""Follows all collections of one API server, and tells whether the server can be read."""

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
"""Makes a client with the present credentials. Raises BadKubeconfig."""

Beside: TypeAlias = Callable[[ApiServer], Coroutine[None, None, Never]]

OriginState: TypeAlias = Listed | Unreachable

Denied: TypeAlias = Callable[[str], float]
"""Takes the reason why RBAC does not permit a collection, or "" when RBAC permits it again.

Gives the seconds until the collection is asked for again.
"""


class _Renewed(Exception):
    """The credentials were replaced, so a new client has to be made."""


class OriginReader:
    """Follows collections of one API server while `run` runs.

    `on_state` is called when all of them have been listed, and when one of them cannot be read. If
    the server refuses the client's credentials, a new client is made, and the objects that were
    read stay.
    """

    def __init__(
        self, origin: str, connect: Connect, on_state: Callable[[OriginState], None]
    ) -> None:
        self._origin = origin
        self._connect = connect
        self._on_state = on_state
        self._state: OriginState | None = None
        self._reflectors: dict[Collection, Reflector] = {}
        self._running: dict[Collection, asyncio.Task[Never]] = {}
        self._open: tuple[ApiServer, asyncio.TaskGroup] | None = None
        self._renewed = asyncio.Event()
        self._wake = asyncio.Event()
        self._former_loads = 0

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._former_loads + sum(r.loads for r in self._reflectors.values())

    def follow(
        self, collection: Collection, content: Content, on_denied: Denied | None = None
    ) -> None:
        """Keep `content` up to date from now on.

        With `on_denied`, the server counts as readable even if RBAC forbids this collection.
        """
        reflector = Reflector(collection, content, self._settle, on_denied)
        self._reflectors[collection] = reflector
        if self._open is not None:
            self._start(collection, *self._open)

    def leave(self, collection: Collection) -> None:
        """Stop following a collection."""
        former = self._reflectors.pop(collection)
        former.retire()
        self._former_loads += former.loads
        if (task := self._running.pop(collection, None)) is not None:
            task.cancel()
        self._settle()

    def renew(self, connect: Connect) -> None:
        """Use other credentials from now on; the objects that were read stay."""
        self._connect = connect
        self._renewed.set()
        self._wake.set()

    def retire(self) -> None:
        """End all calls of `refresh`, since `run` will not run again."""
        for reflector in self._reflectors.values():
            reflector.retire()

    def wake(self, collection: Collection) -> None:
        """Make a collection be read again at once."""
        self._reflectors[collection].wake()

    async def run(self, beside: Beside | None = None) -> Never:
        """Read until cancelled. `beside` runs along with every client that is made."""
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
        """Read these collections again, or all; return when each was read or cannot be read."""
        async with asyncio.TaskGroup() as tasks:
            for collection in collections or self._reflectors:
                tasks.create_task(self._reflectors[collection].refresh())
            self._wake.set()

    async def _read(self, server: ApiServer, beside: Beside | None) -> None:
        """Follow all collections until the server refuses the credentials or they are replaced."""
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
            # One reflector got the refusal, and the group cancelled the others. The refusal holds
            # for all of them, since they use the same credentials.
            for reflector in self._reflectors.values():
                reflector.fail(str(refused.exceptions[0]), Outage.CREDENTIALS)
        except* _Renewed:
            pass
        finally:
            self._running.clear()
        # If a task of a group fails at the moment of a cancellation, the group swallows the latter.
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
        """Report whether the server can be read, if that has changed."""
        reflectors = self._reflectors.values()
        troubles = {r.trouble: r.outage for r in reflectors if r.trouble}
        if troubles:
            if isinstance(self._state, Unreachable) and self._state.message in troubles:
                return  # of several reasons, one is reported
            message, outage = next(iter(troubles.items()))
            state: OriginState = Unreachable(self._origin, message, outage=outage)
        elif all(reflector.listed for reflector in reflectors):
            state = Listed(self._origin)
        else:
            return
        if state != self._state:
            self._state = state
            self._on_state(state)
