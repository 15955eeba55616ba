"""Terminating Pods that still serve get requests only if no other Pod is left."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import ask
from tests.e2e.backends import backend, refusing
from tests.e2e.preferred import HOST, PREFERENCES
from tests.e2e.rig import ONE, TWO, ask_once, rig
from tests.support.builders import service, slice_of

TERMINATING, READY = "terminating", "ready"
QUESTION = Question("/", HOST)


@pytest.mark.parametrize(
    ("preference", "other", "answered_by"),
    [
        pytest.param("pinned", "answers", READY, id="ready-outside-the-subset"),
        pytest.param("pinned", "none", TERMINATING, id="nobody-outside-the-subset"),
        pytest.param("canary", "answers", READY, id="ready-main-of-a-canary"),
        pytest.param("canary", "refuses", TERMINATING, id="dead-main-of-a-canary"),
        pytest.param("canary", "none", TERMINATING, id="no-main-of-a-canary"),
    ],
)
def test_terminating_pods_are_the_last_resort(
    tmp_path: Path, preference: str, other: str, answered_by: str
) -> None:
    """The terminating Pod belongs to the preferred backend."""
    preferred, rules = PREFERENCES[preference]

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            ending = await stack.enter_async_context(backend("web", member=TERMINATING))
            served = await stack.enter_async_context(rig(tmp_path))
            host, port = ending.address
            pods = slice_of(preferred, terminating=[host], port=port)
            served.declare("preferred.yaml", service(preferred), pods, to=ONE)
            addresses = []
            if other == "answers":
                ready = await stack.enter_async_context(backend("web", member=READY))
                addresses = [ready.address]
            elif other == "refuses":
                addresses = stack.enter_context(refusing())
            slices = [slice_of("web", addresses=[host], port=port) for host, port in addresses]
            served.declare("web.yaml", service("web"), *slices, to=TWO)
            served.declare("rules.yaml", *rules)
            gateway = await served.address()
            first = await ask_once(gateway, QUESTION)
            assert (first.status, first.headers.get("x-member")) == (200, answered_by)
            if other != "refuses":
                assert (await ask(gateway, QUESTION, 40)).members == {answered_by: 40}

    asyncio.run(scenario())
