"""Requests for a host of many paths reach the backends that its Ingresses declare."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from fleetgate.demo.http import Address, Question
from tests.e2e.backends import backend
from tests.e2e.rig import ask_once, rig
from tests.support.builders import ingress
from translators.envoy.host_tables import LONG

HOST = "long.test"
STAGE = {"stage": "gray"}


async def answer(address: Address, path: str, headers: dict[str, str] | None = None) -> str:
    """Return the name of the backend that answers, or the status if none does."""
    answer = await ask_once(address, Question(path, HOST, headers))
    return answer.first_line if answer.status == 200 else str(answer.status)


def test_a_host_of_many_paths_serves_each(tmp_path: Path) -> None:
    main = ingress("main", host=HOST).path("/p/7/exact", to="exact:80", kind="Exact")
    for number in range(LONG + 1):
        main = main.path(f"/p/{number}", to="web:80")
    canary = ingress("canary", host=HOST).path("/p/7", to="new:80")
    canary = canary.annotate(
        {
            "nginx.ingress.kubernetes.io/canary": "true",
            "nginx.ingress.kubernetes.io/canary-by-header": "stage",
            "nginx.ingress.kubernetes.io/canary-by-header-value": "gray",
        }
    )

    async def test() -> None:
        async with AsyncExitStack() as stack:
            served = await stack.enter_async_context(rig(tmp_path))
            for name in ("web", "new", "exact"):
                served.expose(name, [await stack.enter_async_context(backend(name))])
            served.declare("rules.yaml", main.of_class("mse"), canary.of_class("mse"))
            address = await served.address()
            assert await answer(address, "/p/7") == "web"
            assert await answer(address, f"/p/{LONG}/x?y=/p/7/exact") == "web"
            assert await answer(address, "/p/7/x", STAGE) == "new"
            assert await answer(address, "/p/8/x", STAGE) == "web"
            assert await answer(address, "/p/7/exact?x") == "exact"
            assert await answer(address, "/p/7/exact/x", STAGE) == "new"
            assert await answer(address, "/p/7x") == "404"
            assert await answer(address, "/") == "404"
            served.declare("rules.yaml", main.path("/", to="exact:80").of_class("mse"))
            await served.address()
            assert await answer(address, "/p/7/x", STAGE) == "web"
            assert await answer(address, "/p/7x") == "exact"

    asyncio.run(test())
