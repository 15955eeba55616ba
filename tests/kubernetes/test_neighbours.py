"""Of two fleetgates on one hub, one is in charge, in whatever order they start and stop."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
import yaml

from fleet.kubernetes.lease import Leader, LeaseSettings
from fleetgate.hub.neighbours import IN_CHARGE, Neighbours, NeighbourSettings
from fleetgate.hub.proof import ANSWER
from tests.kubernetes.rig import DEPLOY
from tests.kubernetes.test_lease import Cut
from tests.support.kube import Cluster, Clusters

Json: TypeAlias = Any  # as kubectl prints it

LEASE = LeaseSettings(lease=4, renew=3, retry=1)
SETTINGS = NeighbourSettings(every=0.2, gone=6.0, settle=2.0)
PATIENCE = 40.0
FORBIDDEN = 403
LEADER = "fleetgate-leader"
OURS, THEIRS, TENANTS = "ours", "theirs", "tenants"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    for namespace in (OURS, THEIRS, TENANTS):
        clusters.hub.namespace(namespace)
    return clusters.hub


class Stage:
    """The fleetgates that write, and the events in their order."""

    def __init__(self) -> None:
        self.writing: set[str] = set()
        self.story: list[str] = []
        self.most = 0

    async def write(self, name: str) -> None:
        self.writing.add(name)
        self.most = max(self.most, len({each.partition("/")[0] for each in self.writing}))
        self.story.append(f"{name} writes")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.writing.discard(name)
            self.story.append(f"{name} ends")


class Fleetgate:
    """The leader of a fleetgate in a namespace, and its reports about its neighbours."""

    def __init__(
        self, api: Cut, stage: Stage, namespace: str, holder: str, settings: NeighbourSettings
    ) -> None:
        self.api = api
        self.neighbours = Neighbours(api, namespace, holder, settings)
        self._leader = Leader(api, namespace, holder, LEASE, sign=self.neighbours.sign)
        self._tasks = [
            asyncio.create_task(self.neighbours.watch()),
            asyncio.create_task(
                self._leader.run(
                    lambda: self.neighbours.lead(lambda: stage.write(f"{namespace}/{holder}"))
                )
            ),
        ]

    @property
    def told(self) -> list[str]:
        """Its reports: each neighbour's namespace, and the state of that neighbour."""
        does = {"it stands by": "stands by", "it is in charge": "is in charge"}
        return [
            f"{p.value} {does.get(p.effect.partition(':')[0], 'is not believed')}"
            for p in self.neighbours.problems
        ]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def fleetgate(
    hub: Cluster,
    stage: Stage,
    namespace: str,
    holder: str = "a",
    token: str = "",
    settings: NeighbourSettings = SETTINGS,
) -> AsyncIterator[Fleetgate]:
    api = await Cut.from_kubeconfig(hub.config(token))
    assert isinstance(api, Cut)
    made = Fleetgate(api, stage, namespace, holder, settings)
    try:
        yield made
    finally:
        await made.end()
        await api.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds. It polls, since a Lease expires without an event."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (there is no event)
            await asyncio.sleep(0.02)


def test_one_that_is_alone_writes_and_has_nothing_to_tell(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            assert ours.told == []

    asyncio.run(script())


def test_the_second_stands_by_and_both_say_so(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            async with fleetgate(hub, stage, THEIRS) as theirs:
                await until(lambda: ours.told == ["theirs stands by"])
                await until(lambda: theirs.told == ["ours is in charge"])
                assert stage.story == ["ours/a writes"]
            await until(lambda: ours.told == [])
        assert stage.most == 1

    asyncio.run(script())


def test_it_takes_over_when_the_first_is_gone_and_keeps_it_when_that_is_back(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            async with fleetgate(hub, stage, THEIRS) as theirs:
                await until(lambda: theirs.told == ["ours is in charge"])
                ours.api.cut = True
                await until(lambda: stage.writing == {"theirs/a"})
                ours.api.cut = False
                await until(lambda: ours.told == ["theirs is in charge"])
                assert stage.story == ["ours/a writes", "ours/a ends", "theirs/a writes"]
        assert stage.most == 1

    asyncio.run(script())


def test_a_restart_of_the_first_hands_nothing_over(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS, "old") as old:
            await until(lambda: stage.writing == {"ours/old"})
            async with fleetgate(hub, stage, THEIRS) as theirs:
                await until(lambda: theirs.told == ["ours is in charge"])
                await old.end()
                async with fleetgate(hub, stage, OURS, "new") as new:
                    await until(lambda: stage.writing == {"ours/new"})
                    await until(lambda: new.told == ["theirs stands by"])
        assert stage.story[:3] == ["ours/old writes", "ours/old ends", "ours/new writes"]
        assert stage.most == 1

    asyncio.run(script())


def test_of_two_that_start_at_once_one_is_in_charge(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as one, fleetgate(hub, stage, THEIRS) as two:
            decided = {
                "ours/a": (["theirs stands by"], ["ours is in charge"]),
                "theirs/a": (["theirs is in charge"], ["ours stands by"]),
            }

            def is_settled() -> bool:
                writes = list(stage.writing)
                return len(writes) == 1 and (one.told, two.told) == decided[writes[0]]

            await until(is_settled)

    asyncio.run(script())


@asynccontextmanager
async def claim(
    hub: Cluster, stage: Stage, namespace: str, says: Mapping[str, str], token: str = ""
) -> AsyncIterator[Cut]:
    """Write the Lease of a leader that answers no question; `says` replaces parts of it."""
    api = await Cut.from_kubeconfig(hub.config(token))
    assert isinstance(api, Cut)
    leader = Leader(api, namespace, "claim", LEASE, sign=lambda _: says)
    lasting = asyncio.create_task(leader.run(lambda: stage.write(f"{namespace}/claim")))
    try:
        await until(lambda: f"{namespace}/claim" in stage.writing)
        yield api
    finally:
        lasting.cancel()
        await asyncio.gather(lasting, return_exceptions=True)
        await api.close()


def test_a_version_that_answers_nothing_is_told_of_and_keeps_nobody_from_writing(
    hub: Cluster,
) -> None:
    """The Lease of such a version says nothing about others, and the version always writes."""

    async def script() -> None:
        stage = Stage()
        async with claim(hub, stage, THEIRS, {}), fleetgate(hub, stage, OURS) as ours:
            await until(lambda: ours.told == ["theirs is not believed"])
            await until(lambda: stage.story == ["theirs/claim writes", "ours/a writes"])

    asyncio.run(script())


def test_a_lease_of_a_tenant_has_nobody_stand_by(hub: Cluster) -> None:
    """Kubernetes' role `edit` may write a Lease that claims to be in charge for a long time."""
    token = account(hub, TENANTS, "--clusterrole=system:aggregate-to-edit")
    says = {IN_CHARGE: "2020-01-31T12:00:00Z"}

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            async with claim(hub, stage, TENANTS, says, token) as tenant:
                await until(lambda: ours.told == ["tenants is not believed"])
                lease = f"/apis/coordination.k8s.io/v1/namespaces/{OURS}/leases/{LEADER}"
                event = f"/api/v1/namespaces/{OURS}/events/{LEADER}.{TENANTS}"
                assert (await tenant.request("GET", lease)).status == FORBIDDEN
                answer = {"metadata": {"annotations": {ANSWER: "a guess"}}}
                assert (await tenant.request("PATCH", event, body=answer)).status == FORBIDDEN
            assert stage.story[:2] == ["ours/a writes", "tenants/claim writes"]
            assert "ours/a" in stage.writing

    asyncio.run(script())


def test_a_lease_of_a_tenant_keeps_nobody_from_taking_over(hub: Cluster) -> None:
    async def script() -> None:
        stage = Stage()
        async with (
            claim(hub, stage, TENANTS, {IN_CHARGE: "2020-01-31T12:00:00Z"}),
            fleetgate(hub, stage, OURS) as ours,
        ):
            await until(lambda: "ours/a" in stage.writing)
            await until(lambda: ours.told == ["tenants is not believed"])

    asyncio.run(script())


def test_an_answer_does_not_outlive_its_fleetgate(hub: Cluster) -> None:
    """Another client goes on renewing the Lease of a fleetgate that was removed."""
    settings = replace(SETTINGS, ask=3.0)

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            async with fleetgate(hub, stage, THEIRS, settings=settings) as theirs:
                await until(lambda: theirs.told == ["ours is in charge"])
                await ours.end()
                async with claim(hub, stage, OURS, {}):
                    await until(lambda: "theirs/a" in stage.writing)
                    await until(lambda: theirs.told == ["ours is not believed"])

    asyncio.run(script())


def test_it_takes_no_other_rights_than_those_in_the_manifests(hub: Cluster) -> None:
    manifests = (DEPLOY / "hub" / "fleet-rbac.yaml").read_text(encoding="utf-8")
    role = next(one for one in yaml.safe_load_all(manifests) if one["kind"] == "ClusterRole")
    hub.kubectl("apply", "-f", "-", stdin=json.dumps(role))
    tokens = {}
    for namespace in (OURS, THEIRS):
        manifests = (DEPLOY / "hub" / "own-rbac.yaml").read_text(encoding="utf-8")
        own = next(one for one in yaml.safe_load_all(manifests) if one["kind"] == "Role")
        hub.kubectl("apply", f"--namespace={namespace}", "-f", "-", stdin=json.dumps(own))
        tokens[namespace] = account(hub, namespace, "--role=fleetgate")
        who = f"--serviceaccount={namespace}:account"
        hub.kubectl("create", "clusterrolebinding", namespace, "--clusterrole=fleetgate", who)

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS, token=tokens[OURS]) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            async with fleetgate(hub, stage, THEIRS, token=tokens[THEIRS]) as theirs:
                await until(lambda: theirs.told == ["ours is in charge"])
                await until(lambda: ours.told == ["theirs stands by"])
        assert stage.most == 1

    asyncio.run(script())


def account(hub: Cluster, namespace: str, role: str) -> str:
    """Make an account with a role in a namespace, and give its token."""
    within = f"--namespace={namespace}"
    hub.kubectl("create", "serviceaccount", "account", within)
    who = f"--serviceaccount={namespace}:account"
    hub.kubectl("create", "rolebinding", "account", role, who, within)
    return hub.kubectl("create", "token", "account", within).strip()


def test_a_lease_that_was_left_behind_long_ago_holds_up_nobody(hub: Cluster) -> None:
    left = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEADER, "namespace": THEIRS},
        "spec": {"holderIdentity": "dead", "renewTime": "2020-01-31T12:00:00.000000Z"},
    }
    hub.kubectl("apply", "-f", "-", stdin=json.dumps(left))

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            assert ours.told == []

    asyncio.run(script())


def test_the_lease_says_since_when_its_fleetgate_is_in_charge(hub: Cluster) -> None:
    def said(namespace: str) -> str:
        found = json.loads(hub.kubectl("get", "lease", LEADER, "-n", namespace, "--output=json"))
        return str(found["metadata"].get("annotations", {}).get(IN_CHARGE, "absent"))

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS):
            await until(lambda: stage.writing == {"ours/a"})
            async with fleetgate(hub, stage, THEIRS) as theirs:
                await until(lambda: theirs.told == ["ours is in charge"])
                await until(lambda: said(OURS).startswith("20"))
                await until(lambda: said(THEIRS) == "no")

    asyncio.run(script())


def test_who_may_not_look_at_others_writes_and_says_so_once(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    verbs = ("--verb=get,list,create,update", "--resource=leases.coordination.k8s.io")
    hub.kubectl("create", "role", "leases", f"--namespace={OURS}", *verbs)
    token = account(hub, OURS, "--role=leases")

    async def script() -> None:
        stage = Stage()
        async with fleetgate(hub, stage, OURS, token=token) as ours:
            await until(lambda: stage.writing == {"ours/a"})
            looks = ours.api.unseen
            for _ in range(3):
                await looks.acquire()

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleetgate.hub.neighbours"]
    assert len(said) == 1
    assert said[0].startswith("whether another fleetgate serves this hub is not known")
