"""A preferred backend serves while one of its Pods answers. Without one, no request is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import ask
from tests.e2e.backends import Manner, backend, refusing
from tests.e2e.preferred import HOST, PREFERENCES
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.support.builders import service, slice_of

PREFERRED, OTHER = "preferred", "other"
QUESTION = Question("/", HOST)


@asynccontextmanager
async def site(root: Path, policy: str, preferred: Iterable[Address]) -> AsyncIterator[Rig]:
    """Serve a gateway that prefers these Pods to another one."""
    async with backend("web", member=OTHER) as other, rig(root) as served:
        name, rules = PREFERENCES[policy]
        slices = [
            slice_of(name, addresses=[host], port=port, suffix=str(number))
            for number, (host, port) in enumerate(preferred)
        ]
        served.declare("preferred.yaml", service(name), *slices, to=ONE)
        served.expose("web", [other], member=TWO)
        served.declare("rules.yaml", *rules)
        yield served


@pytest.mark.parametrize("policy", PREFERENCES)
@pytest.mark.parametrize("failing", ["falters", "refuses"])
def test_no_request_leaves_while_one_of_two_pods_answers(
    tmp_path: Path, policy: str, failing: str
) -> None:
    n = 300

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            well = await stack.enter_async_context(backend("web", member=PREFERRED))
            if failing == "refuses":
                (unwell,) = stack.enter_context(refusing())
            else:
                faltering = backend("web", member=PREFERRED, manner=Manner.FALTER)
                unwell = (await stack.enter_async_context(faltering)).address
            pods = [well.address, unwell]
            served = await stack.enter_async_context(site(tmp_path, policy, pods))
            tally = await ask(await served.address(), QUESTION, n, connections=4)
            assert tally.failures == {}
            assert tally.members == {PREFERRED: n}

    asyncio.run(scenario())


@pytest.mark.parametrize("policy", PREFERENCES)
@pytest.mark.parametrize("dead", [1, 2, 20])
def test_a_lone_request_leaves_pods_that_are_all_dead(
    tmp_path: Path, policy: str, dead: int
) -> None:
    async def scenario() -> None:
        with refusing(dead) as pods:
            async with site(tmp_path, policy, pods) as served:
                answer = await ask_once(await served.address(), QUESTION)
                assert (answer.status, answer.headers["x-member"]) == (200, OTHER)

    asyncio.run(scenario())
