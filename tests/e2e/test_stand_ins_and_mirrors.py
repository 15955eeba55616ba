"""A default backend stands in for a Service without Pods, and a mirror gets copies of requests."""

import asyncio
from collections.abc import Iterator

import pytest

from fleetgate.demo.http import Answer
from tests.e2e.annotated import WAYS, Annotated, Seen, annotated
from tests.e2e.backends import Request
from tests.e2e.standing import Standing, standing

NGINX, MSE = "nginx.ingress.kubernetes.io/", "mse.ingress.kubernetes.io/"
PATIENCE = 20.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
def test_a_default_backend_stands_in_while_the_service_has_no_pod(
    site: Standing[Annotated], way: str, canary: bool
) -> None:
    """The Service `canary` stands in for `main`; a canary of a Service without Pods falls back."""

    async def asking() -> list[Seen]:
        served, pods = site.value.rig, site.value.pods
        stands_in = {f"{NGINX}default-backend": "canary"}
        feature = await site.value.declare("empty", stands_in, canary={})
        found = [await feature.ask(way, "/empty", canary=canary)]
        served.expose("main", [])
        await served.sync()
        found.append(await feature.ask(way, "/empty", canary=canary))
        served.expose("main", [pods["main"]])
        await served.sync()
        return [*found, await feature.ask(way, "/empty", canary=canary)]

    own = "canary" if canary else "main"
    found = site.run(asking())
    assert [seen.pod for seen in found] == [own, "canary", own]
    assert {seen.answer.status for seen in found} == {200}


@pytest.mark.parametrize("way", WAYS)
def test_a_mirror_gets_copies_and_the_client_the_answer_of_the_backend(
    site: Standing[Annotated], way: str
) -> None:
    """The Service `canary` gets the copies."""
    path = f"/copied/{way}"

    async def asking() -> tuple[Answer, Request]:
        mirror = {f"{MSE}mirror-target-service": "canary:80", f"{NGINX}mirror-host": "copy.test"}
        feature = await site.value.declare("copied", mirror, canary={})
        seen = await feature.ask(way, path, method="POST", body=b"order")
        async with asyncio.timeout(PATIENCE):
            return seen.answer, await site.value.pods["canary"].has_been_asked(path)

    answer, copy = site.run(asking())
    assert (answer.status, answer.body) == (200, b"main")
    assert (copy.method, copy.body, copy.headers["host"]) == ("POST", b"order", "copy.test")


def test_a_mirror_that_does_not_exist_does_no_harm(site: Standing[Annotated]) -> None:
    async def asking() -> Seen:
        mirror = {f"{MSE}mirror-target-service": "nowhere:80"}
        feature = await site.value.declare("copied", mirror, canary={})
        return await feature.ask("exact", "/copied")

    assert site.run(asking()).answer.status == 200


def test_no_request_is_copied_at_a_share_of_0(site: Standing[Annotated]) -> None:
    async def asking() -> None:
        mirror = {f"{MSE}mirror-target-service": "canary:80", f"{MSE}mirror-percentage": "0"}
        feature = await site.value.declare("copied", mirror, canary={})
        for _ in range(20):
            await feature.ask("exact", "/copied/never")

    site.run(asking())
    assert not any(each.path == "/copied/never" for each in site.value.pods["canary"].asked)
