"""A real Envoy chooses the same routes from a host's tree as from the list of the same rules.

Each set of rules is served twice: on a host that is short enough for a list, and with so many more
rules that the host has a tree. These tests also compare Envoy's answers with the model that the
fast tests use (`tests.support.envoy_routing`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from fleetgate.demo.http import Address, HttpClient, Question
from tests.e2e.tables import serving
from tests.support.envoy_routing import Request, choose
from tests.translators.rules import REQUESTS, SOME_RULES, filled, rule
from translators.dialects.mse.gateway import MSE_TABLES
from translators.envoy.host_tables import route_table, virtual_host
from translators.envoy.routes import encode_route
from translators.model.host_plans import HostPlan
from translators.model.rules import Rule
from xds.readable import readable

VIRTUAL_HOST = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
PATIENCE = timedelta(seconds=20)

SETS = 12
RULES = 16
QUESTIONS = 40


@dataclass(frozen=True, slots=True)
class Side:
    """One form of the rules: its host, and its VirtualHost."""

    authority: str
    shown: Mapping[str, Any]  # JSON


def encoded(rules: Sequence[Rule], host: str) -> bytes:
    own = tuple(rule(r.path, *r.conditions, host=host) for r in rules)
    return virtual_host(HostPlan(own, None, ()), host, encode_route)


def _reaches_both_forms(request: Request) -> bool:
    """Return whether a request can be compared: Envoy refuses "*", and lists have no fillers."""
    return request.target.startswith("/") and "filler" not in request.target


async def ask(address: Address, request: Request) -> str:
    """Send a request, and return the body of the answer, which names the rule."""
    question = Question(request.target, request.authority, request.headers)
    client = HttpClient(address, question, PATIENCE)
    try:
        return (await client.ask()).body.decode()
    finally:
        client.close()


def modelled(virtual_host: Mapping[str, Any], request: Request) -> str:
    route = choose(virtual_host, request)
    assert route is not None
    text: str = route["direct_response"]["body"]["inline_string"]
    return text


async def compare(
    address: Address, requests: Sequence[Request], to_list: Side, to_tree: Side
) -> None:
    """Send the same request to the host with a list and to the host with a tree."""
    assert "routes" in to_list.shown
    assert "matcher" in to_tree.shown
    for request in requests:
        one, two = (replace(request, authority=side.authority) for side in (to_list, to_tree))
        expected = await ask(address, one)
        assert modelled(to_list.shown, one) == expected, one
        there = await ask(address, two)
        assert there.replace(to_tree.shown["name"], to_list.shown["name"]) == expected, two
        assert modelled(to_tree.shown, two) == there, two


def some_requests(random: Random) -> Sequence[Request]:
    return random.sample([r for r in REQUESTS if _reaches_both_forms(r)], QUESTIONS)


def test_host(tmp_path: Path) -> None:
    random = Random(1)  # noqa: S311 (rules and requests, no secrets)
    bodies: dict[str, bytes] = {}
    for n in range(SETS):
        rules = random.sample(SOME_RULES, RULES)
        bodies[f"list-{n}.com"] = encoded(rules, f"list-{n}.com")
        bodies[f"tree-{n}.com"] = encoded(filled(rules), f"tree-{n}.com")
    tables = [route_table(MSE_TABLES, host, body, ()) for host, body in bodies.items()]
    shown = {host: readable(VIRTUAL_HOST, body) for host, body in bodies.items()}

    async def ask_all() -> None:
        async with serving(tables, tmp_path) as address:
            for n in range(SETS):
                listed, treed = f"list-{n}.com", f"tree-{n}.com"
                sides = (Side(host, shown[host]) for host in (listed, treed))
                await compare(address, some_requests(random), *sides)

    asyncio.run(ask_all())


def test_a_path_with_a_fragment_is_refused_before_any_tree_sees_it(tmp_path: Path) -> None:
    host = "tree.com"
    table = route_table(MSE_TABLES, host, encoded(filled([]), host), ())

    async def ask_one() -> None:
        async with serving([table], tmp_path) as address:
            client = HttpClient(address, Question("/filler/1#x", host), PATIENCE)
            assert (await client.ask()).status == 400
            client.close()

    asyncio.run(ask_one())
