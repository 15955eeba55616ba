"""The newest version of an object counts, whether it came by a list, a watch or an answer."""

import asyncio
import logging
from typing import Any, TypeAlias

import pytest

from fleet.kubernetes.connection import Unreached
from fleet.kubernetes.watch import Change, ChangeType
from fleetgate.hub.managed.manifests import Key
from fleetgate.hub.managed.observed import Content, OwnObjects
from tests.fleet.api_dialogue import Dialogue, dialogue, listing
from tests.managed.rig import Hub, gateway, running
from tests.sinks.rig import Answer, Asked

Json: TypeAlias = Any  # as an API server has it

SHOP = Key("Service", "shop")
SECRETS = "/api/v1/namespaces/fleetgate-system/secrets"


def at(version: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop", "resourceVersion": str(version)},
    }


def change(kind: str, version: int) -> Change:
    return Change(ChangeType(kind), at(version), str(version))


def watched() -> tuple[Content, list[Key]]:
    heard: list[Key] = []
    return Content(OwnObjects("Service", "default"), heard.append), heard


def test_older_news_does_not_undo_the_answer_to_a_write() -> None:
    content, heard = watched()
    content.take(at(10))
    heard.clear()

    content.change(change("MODIFIED", 9))
    content.change(change("MODIFIED", 10))
    content.change(change("DELETED", 9))

    assert content.get("shop") == at(10)
    assert heard == []


def test_an_older_answer_does_not_undo_news() -> None:
    content, heard = watched()
    content.change(change("MODIFIED", 11))

    content.take(at(10))

    assert content.get("shop") == at(11)
    assert heard == [SHOP]


def test_what_is_deleted_is_gone() -> None:
    content, heard = watched()
    content.take(at(10))

    content.change(change("DELETED", 12))

    assert content.get("shop") is None
    assert content.is_empty
    assert heard == [SHOP, SHOP]


def test_versions_are_compared_as_numbers() -> None:
    content, _ = watched()
    content.take(at(999))

    content.change(change("MODIFIED", 1000))

    assert content.get("shop") == at(1000)


async def loaded(content: Content, api: Dialogue, position: int, *items: Json) -> None:
    """Have a list answered."""
    client = await api.client()
    load = asyncio.create_task(content.load(client))
    (await api.asked()).answer(200, listing(*items, position=str(position)))
    await load
    await client.close()


def test_a_list_of_a_hub_that_was_restored_from_a_backup_is_believed() -> None:
    """Its versions are lower than those that are known."""

    async def story() -> None:
        content, heard = watched()
        content.take(at(1000))
        async with dialogue() as api:
            await loaded(content, api, 50, at(40))
        assert content.get("shop") == at(40)
        content.change(change("MODIFIED", 51))
        assert content.get("shop") == at(51)
        content.change(change("DELETED", 52))
        assert content.is_empty
        assert heard == [SHOP] * 4

    asyncio.run(story())


def test_a_list_that_says_nothing_new_is_no_news() -> None:
    async def story() -> None:
        content, heard = watched()
        content.take(at(10))
        heard.clear()
        async with dialogue() as api:
            await loaded(content, api, 50, at(10))
        assert heard == []

    asyncio.run(story())


def test_a_list_does_not_undo_the_answer_to_a_write_that_came_meanwhile() -> None:
    async def story() -> None:
        content, _ = watched()
        content.take(at(10))
        async with dialogue() as api:
            client = await api.client()
            load = asyncio.create_task(content.load(client))
            asked = await api.asked()
            content.take(at(12))
            asked.answer(200, listing(at(10), position="11"))
            await load
            await client.close()
        assert content.get("shop") == at(12)

    asyncio.run(story())


def test_an_object_of_a_list_is_the_same_as_one_of_a_watch(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as first:
            await first.declare(gateway())
            await first.settled()
            async with running(hub, leads=False) as second:
                await second.managed.observed()
                for kind in ("ConfigMap", "Deployment", "Service"):
                    key = Key(kind, "envoy-mse-shop")
                    assert second.managed.objects.get(key) == first.managed.objects.get(key)

    asyncio.run(story())


def test_credentials_that_are_refused_for_a_while_cost_nothing_but_time(hub: Hub) -> None:
    refusals = [Answer(401), Answer(401)]

    async def refuse(asked: Asked) -> None:
        if asked.path == SECRETS and refusals:
            raise refusals.pop()

    async def story() -> None:
        async with running(hub, before=refuse) as r:
            await r.declare(gateway())
            await r.settled()
            assert refusals == []

    asyncio.run(story())


def test_rights_that_are_missing_are_named(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(asked: Asked) -> None:
        if asked.path == SECRETS:
            raise Answer(403)

    async def story() -> None:
        async with running(hub, before=refuse) as r:
            await r.until(lambda: bool(caplog.messages))

    caplog.set_level(logging.WARNING, "fleetgate.hub.managed")
    asyncio.run(story())
    (message,) = caplog.messages
    assert message.startswith("managed gateways are not looked after: ")
    assert message.endswith(
        "its RBAC has to allow get, list and watch on secrets of gateways in fleetgate-system"
    )


def test_an_outage_of_the_hub_is_one_line_and_its_end_another(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    lost = [Unreached(f"the hub: {why}") for why in ("refused", "reset", "refused", "late") * 5]

    async def lose(_: Asked) -> None:
        if lost:
            raise lost.pop()

    async def story() -> None:
        async with running(hub, before=lose, leads=False) as r:
            await r.managed.observed()
            await r.until(lambda: caplog.messages[-1].endswith("again"))

    caplog.set_level(logging.WARNING, "fleetgate.hub.managed")
    asyncio.run(story())
    assert caplog.messages == [
        "managed gateways are not looked after: the hub: late",
        "managed gateways are looked after again",
    ]
