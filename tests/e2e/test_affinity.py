"""Equal requests, or those of one client, reach the same Pod, in each way to a host's table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, Seen, annotated
from tests.e2e.backends import Manner
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"
COOKIE = f"{NGINX}session-cookie-"
BALANCED = {f"{NGINX}affinity": "cookie"}
PERSISTENT = {**BALANCED, f"{NGINX}affinity-mode": "persistent"}
ENOUGH = 12
"""Round robin, and a choice by chance, would not take one of three Pods so often in a row."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"), replicas=3)) as site:
        yield site


@dataclass
class Client:
    """A client that keeps its cookies."""

    feature: Feature
    way: str
    canary: bool = False

    def __post_init__(self) -> None:
        self.jar: SimpleCookie = SimpleCookie()

    async def ask(self, path: str = "/sticky") -> Seen:
        cookies = "; ".join(f"{name}={each.value}" for name, each in self.jar.items())
        fields = {"cookie": cookies} if cookies else {}
        seen = await self.feature.ask(self.way, path, headers=fields, canary=self.canary)
        if given := seen.answer.headers.get("set-cookie"):
            self.jar.load(given)
        return seen


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("mode", "canary"),
    [
        pytest.param(BALANCED, False, id="balanced"),
        pytest.param(BALANCED, True, id="canary"),
        pytest.param(PERSISTENT, False, id="persistent"),
    ],
)
def test_a_client_keeps_its_pod_and_clients_are_spread(
    site: Standing[Annotated], way: str, mode: Mapping[str, object], canary: bool
) -> None:
    async def asking() -> list[set[str]]:
        feature = await site.value.declare("sticky", mode)
        clients = [Client(feature, way, canary) for _ in range(ENOUGH)]
        return [{(await client.ask()).pod for _ in range(4)} for client in clients]

    kept = site.run(asking())
    assert {len(pods) for pods in kept} == {1}
    assert len(set.union(*kept)) > 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", [BALANCED, PERSISTENT], ids=["balanced", "persistent"])
def test_after_a_failure_a_client_returns_or_stays_as_the_mode_says(
    site: Standing[Annotated], way: str, mode: Mapping[str, object]
) -> None:
    async def asking() -> tuple[str, str, str]:
        client = Client(await site.value.declare("sticky", mode), way)
        usual = (await client.ask()).pod
        pod = site.value.pods[usual]
        pod.manner = Manner.RESET
        try:
            meanwhile = (await client.ask()).answer.body.decode()
        finally:
            pod.manner = Manner.ANSWER
        return usual, meanwhile, (await client.ask()).pod

    usual, meanwhile, then = site.run(asking())
    assert meanwhile != usual
    assert then == (meanwhile if mode is PERSISTENT else usual)


HALF = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "50"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behavior", ["sticky", "legacy"])
def test_a_client_with_a_cookie_stays_with_the_canary_or_the_main(
    site: Standing[Annotated], way: str, behavior: str
) -> None:
    mode = {**BALANCED, f"{NGINX}affinity-canary-behavior": behavior}

    async def asking() -> list[set[str]]:
        feature = await site.value.declare("branch", mode, canary={**BALANCED, **HALF})
        clients = [Client(feature, way) for _ in range(ENOUGH)]
        for client in clients:
            await client.ask("/branch")
        return [{(await client.ask("/branch")).pod[:4] for _ in range(6)} for client in clients]

    branches = site.run(asking())
    assert ({len(each) for each in branches} == {1}) is (behavior == "sticky")
    assert len(set.union(*branches)) > 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", [BALANCED, PERSISTENT], ids=["balanced", "persistent"])
def test_the_cookie_is_as_the_annotations_say(
    site: Standing[Annotated], way: str, mode: Mapping[str, object]
) -> None:
    said = {
        **mode,
        f"{COOKIE}name": "shop",
        f"{COOKIE}path": "/sticky",
        f"{COOKIE}max-age": "60",
        f"{COOKIE}samesite": "strict",
        f"{COOKIE}secure": "true",
        f"{COOKIE}partitioned": "true",
        f"{COOKIE}domain": "sticky.test",
    }

    async def asking() -> str:
        seen = await Client(await site.value.declare("sticky", said), way).ask()
        return seen.answer.headers["set-cookie"]

    pair, *attributes = site.run(asking()).split("; ")
    assert pair.startswith("shop=")
    assert sorted(attributes) == [
        *("Domain=sticky.test", "HttpOnly", "Max-Age=60", "Partitioned", "Path=/sticky"),
        *("SameSite=Strict", "Secure"),
    ]


@pytest.mark.parametrize("mode", [BALANCED, PERSISTENT], ids=["balanced", "persistent"])
def test_without_a_life_the_cookie_ends_with_the_session(
    site: Standing[Annotated], mode: Mapping[str, object]
) -> None:
    async def asking() -> Client:
        client = Client(await site.value.declare("sticky", mode), "exact")
        await client.ask()
        return client

    morsel = site.run(asking()).jar["INGRESSCOOKIE"]
    assert (morsel["path"], morsel["max-age"], morsel["expires"]) == ("/", "", "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("by", "path", "headers"),
    [
        pytest.param("$request_uri", "/hash/{}", {}, id="path"),
        pytest.param("$arg_user", "/hash?user={}", {}, id="query-parameter"),
        pytest.param("$http_x_user", "/hash", {"x-user": "{}"}, id="header"),
    ],
)
def test_equal_requests_reach_the_same_pod(
    site: Standing[Annotated], way: str, by: str, path: str, headers: Mapping[str, str]
) -> None:
    async def asking() -> list[set[str]]:
        feature = await site.value.declare("hash", {f"{NGINX}upstream-hash-by": by})

        async def ask(user: int) -> str:
            fields = {name: text.format(user) for name, text in headers.items()}
            return (await feature.ask(way, path.format(user), headers=fields)).pod

        return [{await ask(user) for _ in range(4)} for user in range(ENOUGH)]

    found = site.run(asking())
    assert {len(pods) for pods in found} == {1}
    assert len(set.union(*found)) > 1


@pytest.mark.parametrize("by", ["$host", "$remote_addr"])
def test_requests_of_one_host_or_address_reach_the_same_pod(
    site: Standing[Annotated], by: str
) -> None:
    async def asking() -> set[str]:
        feature = await site.value.declare("hash", {f"{NGINX}upstream-hash-by": by})
        return {(await feature.ask("exact", f"/hash/{n}")).pod for n in range(ENOUGH)}

    assert len(site.run(asking())) == 1
