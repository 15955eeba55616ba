"""The places of a fleet: a directory, or the API servers of a hub and its members."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

from fleet.events import Source
from fleet.kinds import Kinds
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleet.kubernetes.members import TRUSTED
from fleet.kubernetes.renewed import RenewedServer
from fleet.member_settings import MemberSettings
from fleet.ref import Ref
from fleet.sources.directory import DirectorySource
from fleet.sources.kubernetes.attaching import PATIENCE
from fleet.sources.kubernetes.reading import Connect
from fleet.sources.kubernetes.source import KubernetesSource
from fleet.sources.remembered import NoStateDirectoryError, Recall, Remembered
from fleet.sources.tree import NoFleetError, Tree
from fleetgate.defaults import NAMESPACE
from fleetgate.errors import OperatorError


@dataclass(frozen=True, slots=True)
class DirectoryPlace:
    """A fleet in a directory of manifests."""

    root: Path

    def __str__(self) -> str:
        return str(self.root)


@dataclass(frozen=True, slots=True)
class HubPlace:
    """A fleet on Kubernetes.

    The hub is a context of a kubeconfig, by default its current one. Without a kubeconfig, the hub
    is the cluster in which this process runs. `members` are pairs of a member's ID and its context
    in that kubeconfig; Secrets on the hub name further members. `namespace` is fleetgate's own
    namespace on the hub. In the namespaces of `trusted`, Secrets of Istio and Argo CD name members
    too. Secrets that Ingresses reference are read in the namespaces of `followed`, or in all
    namespaces where it is empty. `settings` are those of members that are in `members`, by ID.
    """

    kubeconfig: Path | None = None
    context: str = ""
    members: tuple[tuple[str, str], ...] = ()
    namespace: str = NAMESPACE
    trusted: tuple[str, ...] = TRUSTED
    followed: tuple[str, ...] = ()
    settings: tuple[tuple[str, MemberSettings], ...] = ()

    def __str__(self) -> str:
        if self.kubeconfig is None:
            return "the hub in which this runs"
        return f"the hub of {self.kubeconfig}" + (f" ({self.context})" if self.context else "")

    async def connect(self) -> ApiServer:
        """Make a client of the hub. It sends no request yet. Raises BadKubeconfig."""
        if self.kubeconfig is None:
            return await ApiServer.in_cluster()
        return await ApiServer.from_kubeconfig(self.kubeconfig, self.context)


Place: TypeAlias = DirectoryPlace | HubPlace


@dataclass(frozen=True, slots=True)
class HubServer:
    """The hub's API server, and fleetgate's own namespace there."""

    api: ApiServer
    namespace: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet that can be read. `hub` is None for a directory, to which nothing is written.

    `file_of` returns the file of an object, "" for an object of an API server. `loads` returns how
    often collections of each origin were listed.
    """

    source: Source
    file_of: Callable[[Ref], str]
    hub: HubServer | None = None
    loads: Callable[[], Mapping[str, int]] = dict


@asynccontextmanager
async def open_fleet(
    place: Place, kinds: Kinds, state: Path | None = None, patience: timedelta = PATIENCE
) -> AsyncIterator[Fleet]:
    """Open a fleet while the block runs. Raises OperatorError.

    The objects that were read are kept in the directory `state`, unless it is None. A gateway waits
    for newly attached members as long as `patience`.
    """
    match place:
        case DirectoryPlace(root):
            try:
                await asyncio.to_thread(Tree(root, kinds).check)
            except NoFleetError as e:
                raise OperatorError(str(e)) from e
            files = DirectorySource(root, kinds)
            yield Fleet(await _remembered(files, state, kinds), files.file_of)
        case HubPlace():
            hub = await _client(place)
            try:
                source = KubernetesSource(
                    kinds,
                    place.connect,
                    _members(place),
                    place.namespace,
                    place.trusted,
                    patience,
                    place.followed,
                    dict(place.settings),
                )
                remembered = await _remembered(source, state, kinds, source.recall)
                at = HubServer(hub, place.namespace)
                yield Fleet(remembered, _no_file, at, lambda: source.loads)
            finally:
                await hub.close()


async def _client(place: HubPlace) -> ApiServer:
    """Make a client of the hub. Raises OperatorError where a context cannot be used."""
    try:
        for connect in _members(place).values():
            await (await connect()).close()
        return RenewedServer(place.connect, await place.connect())
    except BadKubeconfig as e:
        raise OperatorError(str(e)) from e


def _members(place: HubPlace) -> dict[str, Connect]:
    """Return the way to connect to each member that is a context of the hub's kubeconfig."""
    if place.kubeconfig is None:
        return {}
    return {
        member: partial(ApiServer.from_kubeconfig, place.kubeconfig, context)
        for member, context in place.members
    }


async def _remembered(
    source: Source, state: Path | None, kinds: Kinds, recall: Recall = lambda _: frozenset()
) -> Source:
    if state is None:
        return source
    remembered = Remembered(source, state, kinds, recall)
    try:
        await asyncio.to_thread(remembered.check)
    except NoStateDirectoryError as e:
        raise OperatorError(f"{e}; name another one with --state-dir") from e
    return remembered


def _no_file(_: Ref) -> str:
    """Return "", since objects of an API server come from no file."""
    return ""
