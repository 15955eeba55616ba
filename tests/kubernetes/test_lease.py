"""There is one leader at a time, on a real API server, and another one follows when it ends."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from kubernetes.aio.client import ApiClient

from fleet.kubernetes.connection import ApiServer, Query, Reply, Unreached
from fleet.kubernetes.lease import Leader, LeaseSettings, identity
from tests.support.kube import Cluster, Clusters

FAST = LeaseSettings(lease=4, renew=3, retry=1)
LONG = LeaseSettings(lease=600, renew=500, retry=1)
"""With these, another candidate leads within the test only if the Lease was given back."""

Json: TypeAlias = Any
PATIENCE = 30.0
"""Seconds that a test waits for an expected event before it fails."""


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    return clusters.hub


class Cut(ApiServer):
    """A client that can be cut off, and that counts the writes that the server has refused."""

    def __init__(self, client: ApiClient) -> None:
        super().__init__(client)
        self.cut = False
        self.refusals = asyncio.Semaphore(0)
        self.unseen = asyncio.Semaphore(0)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 (as its base has it)
    ) -> Reply:
        if self.cut:
            raise Unreached("cut")
        reply = await super().request(
            method, path, query=query, body=body, content_type=content_type, timeout=timeout
        )
        if method == "POST" and not reply.ok:
            self.refusals.release()
        if method == "GET" and not reply.ok:
            self.unseen.release()
        return reply


class Stage:
    """The candidates that lead, and the events in their order."""

    def __init__(self) -> None:
        self.leading: set[str] = set()
        self.story: list[str] = []
        self._news = asyncio.Event()

    async def lead(self, name: str) -> None:
        self._tell(f"{name} leads")
        self.leading.add(name)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.leading.discard(name)
            self._tell(f"{name} ends")

    async def until(self, *leading: str) -> None:
        """Return when exactly these candidates lead."""
        await self._until(lambda: self.leading == set(leading))

    async def until_anybody(self) -> None:
        """Return when any candidate leads."""
        await self._until(lambda: bool(self.leading))

    async def _until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._news.clear()
                await self._news.wait()

    def _tell(self, what: str) -> None:
        self.story.append(what)
        asyncio.get_running_loop().call_soon(self._news.set)


class Candidate:
    """One replica: its client, and its part in the election."""

    def __init__(
        self, api: Cut, stage: Stage, name: str, settings: LeaseSettings, namespace: str
    ) -> None:
        self.api = api
        self.leader = Leader(api, namespace, name, settings)
        self.task = asyncio.create_task(self.leader.run(lambda: stage.lead(name)))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def candidate(
    hub: Cluster,
    stage: Stage,
    name: str,
    settings: LeaseSettings = FAST,
    namespace: str = "default",
) -> AsyncIterator[Candidate]:
    api = await Cut.from_kubeconfig(hub.kubeconfig)
    assert isinstance(api, Cut)
    replica = Candidate(api, stage, name, settings, namespace)
    try:
        yield replica
    finally:
        await replica.stop()
        await api.close()


def lease(hub: Cluster) -> Awaitable[dict[str, Any]]:
    def read() -> dict[str, Any]:
        found = json.loads(hub.kubectl("get", "lease", "fleetgate-leader", "--output=json"))
        spec: dict[str, Any] = found["spec"]
        return spec

    return asyncio.to_thread(read)


def test_one_of_many_leads(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with (
            candidate(hub, stage, "a", LONG) as a,
            candidate(hub, stage, "b", LONG) as b,
            candidate(hub, stage, "c", LONG) as c,
        ):
            await stage.until_anybody()
            first = (await lease(hub))["renewTime"]
            async with asyncio.timeout(PATIENCE):
                while (await lease(hub))["renewTime"] == first:
                    pass
            assert len(stage.story) == 1
            said = [r.leader.leading for r in (a, b, c)]
            assert sorted(said) == [False, False, True]

    asyncio.run(script())


def test_a_clean_stop_hands_over_at_once(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a", LONG) as a:
            await stage.until("a")
            async with candidate(hub, stage, "b", LONG) as b:
                assert (a.leader.changes, b.leader.changes) == (1, 0)
                await a.stop()
                await stage.until("b")
                assert (a.leader.changes, b.leader.changes) == (2, 1)
        assert stage.story == ["a leads", "a ends", "b leads", "b ends"]

    asyncio.run(script())


def test_a_stop_of_one_that_does_not_lead_changes_nothing(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a", LONG):
            await stage.until("a")
            async with candidate(hub, stage, "b", LONG):
                pass
            assert (await lease(hub))["holderIdentity"] == "a"
            assert stage.leading == {"a"}

    asyncio.run(script())


def test_the_lease_says_who_leads_since_when_and_for_how_often(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a", LONG) as a:
            await stage.until("a")
            spec = await lease(hub)
            assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("a", 600)
            since = datetime.fromisoformat(spec["acquireTime"])
            assert abs(datetime.now(UTC) - since) < timedelta(minutes=1), "not in UTC"
            await a.stop()
            assert (await lease(hub)).get("holderIdentity", "") == ""
            async with candidate(hub, stage, "b", LONG):
                await stage.until("b")
                assert (await lease(hub))["leaseTransitions"] == 1

    asyncio.run(script())


def test_a_leader_that_is_cut_off_has_ended_before_another_one_begins(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fleet")

    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a") as a:
            await stage.until("a")
            async with candidate(hub, stage, "b"):
                a.api.cut = True
                await stage.until("b")
                assert stage.story == ["a leads", "a ends", "b leads"]
                assert not a.leader.leading
                a.api.cut = False
            await stage.until("a")

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.kubernetes.lease"]
    assert said[:3] == [
        "a leads now, and writes to the hub",
        "a leads no more: it could not renew its Lease in time",
        "b leads now, and writes to the hub",
    ]


def test_a_leader_that_is_killed_is_followed_within_the_lease(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        killed = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).parent / "candidate.py"),
            str(hub.kubeconfig),
            "killed",
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        try:
            assert killed.stdout is not None
            async with asyncio.timeout(PATIENCE):
                assert await killed.stdout.readline() == b"leads\n"
            async with candidate(hub, stage, "b"):
                killed.kill()
                await stage.until("b")
        finally:
            if killed.returncode is None:
                killed.kill()
            await killed.wait()

    asyncio.run(script())


def test_a_hub_that_is_killed_has_no_leader_and_the_same_one_afterwards(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a"):
            await stage.until("a")
            await asyncio.to_thread(hub.kill)
            await stage.until()
            await asyncio.to_thread(hub.start)
            await stage.until("a")
        assert stage.story == ["a leads", "a ends", "a leads", "a ends"]

    asyncio.run(script())


def test_a_failure_of_the_one_who_leads_is_raised_and_gives_the_lease_back(hub: Cluster) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def script() -> None:
        api = await ApiServer.from_kubeconfig(hub.kubeconfig)
        try:
            with pytest.RaisesGroup(ValueError):
                await Leader(api, "default", "a", FAST).run(fail)
            assert (await lease(hub)).get("holderIdentity", "") == ""
        finally:
            await api.close()

    asyncio.run(script())


def test_a_namespace_that_is_not_there_is_said_once(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    async def script() -> None:
        stage = Stage()
        async with candidate(hub, stage, "a", namespace="nowhere") as a:
            async with asyncio.timeout(PATIENCE):
                for _ in range(2):
                    await a.api.refusals.acquire()

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.kubernetes.lease"]
    assert said == ['the hub refuses the Lease of the leader: namespaces "nowhere" not found']


def test_who_may_not_look_at_the_lease_says_so_once(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    hub.kubectl("create", "serviceaccount", "powerless", "--namespace=default")
    token = hub.kubectl("create", "token", "powerless", "--namespace=default").strip()

    async def script() -> None:
        api = await Cut.from_kubeconfig(hub.config(token))
        assert isinstance(api, Cut)
        try:
            replica = Candidate(api, Stage(), "a", FAST, "default")
            async with asyncio.timeout(PATIENCE):
                for _ in range(2):
                    await api.unseen.acquire()
            await replica.stop()
        finally:
            await api.close()

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.kubernetes.lease"]
    assert len(said) == 1
    assert "refuses the Lease of the leader: leases" in said[0]
    assert "cannot get resource" in said[0]


def test_no_two_processes_have_the_same_identity() -> None:
    assert identity() != identity()
