"""Clients with a cookie keep their Pod and its member, and leave a member that is drained."""

import asyncio

import pytest

from tests.e2e.rig import ONE, TWO
from tests.e2e.standing import Standing
from tests.e2e.weighted import PODS, THREE, Client, Weighted

NGINX = "nginx.ingress.kubernetes.io/"
STICKY = {f"{NGINX}affinity": "cookie", f"{NGINX}affinity-mode": "persistent"}
MANY = 20
PATIENCE = 60
"""Seconds; a Pod is ejected for at most 10."""


def member_of(pod: str) -> str:
    return pod.partition("-")[0]


def test_a_client_keeps_pod_and_member_when_the_weights_change(trio: Standing[Weighted]) -> None:
    async def asking() -> list[list[str]]:
        rule = await trio.value.declare("kept", "mse", {ONE: 60, TWO: 40}, STICKY)
        clients = [Client(rule) for _ in range(MANY)]
        seen = [[await client.pod() for client in clients]]
        for weights in ({ONE: 10, TWO: 90}, {ONE: 90, TWO: 10}, {ONE: 50, THREE: 50, TWO: 1}):
            await rule.reweigh(weights, STICKY)
            seen.append([await client.pod() for client in clients])
        return seen

    first, *later = trio.run(asking())
    assert later == [first] * 3
    assert {member_of(pod) for pod in first} == {ONE, TWO}


def test_a_client_keeps_its_pod_when_weights_are_given_and_taken(trio: Standing[Weighted]) -> None:
    async def asking() -> list[list[str]]:
        rule = await trio.value.declare("first", "mse", {}, STICKY)
        clients = [Client(rule) for _ in range(MANY)]
        seen = [[await client.pod() for client in clients]]
        for weights in ({ONE: 10, TWO: 10, THREE: 80}, {ONE: 0, TWO: 0, THREE: 0}, {}):
            await rule.reweigh(weights, STICKY)
            seen.append([await client.pod() for client in clients])
        return seen

    first, *later = trio.run(asking())
    assert later == [first] * 3


def test_new_clients_go_by_the_weights(trio: Standing[Weighted]) -> None:
    async def asking() -> list[str]:
        rule = await trio.value.declare("placed", "mse", {ONE: 25, TWO: 75}, STICKY)
        return [member_of(await Client(rule).pod()) for _ in range(100)]

    assert trio.run(asking()).count(TWO) == pytest.approx(75, abs=4)


def test_a_client_leaves_a_member_whose_weight_becomes_0(trio: Standing[Weighted]) -> None:
    async def asking() -> list[list[str]]:
        rule = await trio.value.declare("drained", "mse", {ONE: 60, TWO: 40}, STICKY)
        clients = [Client(rule) for _ in range(MANY)]
        seen = [[await client.pod() for client in clients]]
        for weights in ({ONE: 0, TWO: 100}, {ONE: 60, TWO: 40}):
            await rule.reweigh(weights, STICKY)
            seen.append([await client.pod() for client in clients])
        return seen

    first, drained, then = trio.run(asking())
    assert {member_of(pod) for pod in first} == {ONE, TWO}
    assert {member_of(pod) for pod in drained} == {TWO}
    assert then == drained, "who has moved stays there"


def test_a_client_leaves_a_member_that_is_detached(trio: Standing[Weighted]) -> None:
    async def asking() -> set[str]:
        rule = await trio.value.declare("detached", "mse", {ONE: 60, TWO: 40}, STICKY)
        clients = [Client(rule) for _ in range(MANY)]
        for client in clients:
            await client.pod()
        trio.value.attach([TWO, THREE])
        await trio.value.rig.sync()
        return {member_of(await client.pod()) for client in clients}

    assert trio.run(asking()) == {TWO}


def test_a_client_comes_home_from_a_standby_when_killed_pods_are_back(
    trio: Standing[Weighted],
) -> None:
    async def asking() -> tuple[str, set[str], str]:
        rule = await trio.value.declare("home", "mse", {ONE: 100, TWO: 0}, STICKY)
        client = Client(rule)
        usual = await client.pod()
        await trio.value.kill(*PODS[ONE])
        meanwhile = {member_of(await client.pod()) for _ in range(10)}
        await trio.value.usual()
        async with asyncio.timeout(PATIENCE):
            while member_of(await client.pod()) != ONE:
                pass
        home = await client.pod()
        assert {await client.pod() for _ in range(10)} == {home}
        return usual, meanwhile, home

    usual, meanwhile, home = trio.run(asking())
    assert meanwhile == {THREE}
    assert member_of(usual) == member_of(home) == ONE


def test_a_client_keeps_its_pod_at_a_standby_until_weighted_pods_are_declared_again(
    trio: Standing[Weighted],
) -> None:
    async def asking() -> tuple[list[str], list[str], list[str]]:
        rule = await trio.value.declare("away", "mse", {TWO: 100, THREE: 0}, STICKY)
        clients = [Client(rule) for _ in range(MANY)]
        seen = [[await client.pod() for client in clients]]
        trio.value.serve(TWO, ())
        await trio.value.rig.sync()
        seen += [[await client.pod() for client in clients] for _ in range(3)]
        trio.value.serve(TWO)
        await trio.value.rig.sync()
        seen.append([await client.pod() for client in clients])
        usual, away, again, once_more, home = seen
        assert away == again == once_more
        return usual, away, home

    usual, away, home = trio.run(asking())
    assert set(usual) == set(home) == set(PODS[TWO])
    assert set(away) == set(PODS[ONE])


def test_a_dead_pod_is_replaced_in_its_member_and_no_client_sees_an_error(
    trio: Standing[Weighted],
) -> None:
    async def asking() -> list[str]:
        rule = await trio.value.declare("replaced", "mse", {ONE: 100}, STICKY)
        client = Client(rule)
        await trio.value.kill(await client.pod())
        return [await client.pod() for _ in range(20)]

    pods = trio.run(asking())
    assert "" not in pods
    assert {member_of(pod) for pod in pods[1:]} == {ONE}
