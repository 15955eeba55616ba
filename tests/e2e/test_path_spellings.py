"""A rule serves the path that it is written with, or is reported, although Envoy respells paths."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from fleetgate.demo.http import Question
from tests.e2e.backends import backend
from tests.e2e.rig import ONE, TWO, ask_once, rig
from tests.support.builders import ingress, mse_gateway
from translators.dialects.annotations.reader import Unusable
from translators.dialects.edge_settings import PATH_NORMALIZATION
from translators.dialects.mse.ingress import mse_path
from translators.model.edge import PathNormalization

KINDS = ("Exact", "Prefix")

PLAIN = [chr(code) for code in range(0x21, 0x7F)]
ESCAPES = [f"%{code:02X}" for code in range(0x80)]

PATHS: Sequence[str] = [
    *(f"/x{text}y" for text in dict.fromkeys((*PLAIN, *ESCAPES, *map(str.lower, ESCAPES)))),
    *("/%7Euser", "/x%2E/.%2Ey", "/x%c3%A9", "/100%", "/x%zz", "/x%%34%31", "/x%4%31", "/x%2%41"),
    *("/x/%2E%2e/y", "/x/..", "/x/.;y", "/x/..;/y", "/x.;/y", "//x", "/x//y", "/x///y"),
]

NEVER = {
    *(f"/x{text}y" for text in ("#", "?", "\\", "%00")),
    *("/x/%2E%2e/y", "/x/..", "/x/.;y", "/x/..;/y"),
}
AMBIGUOUS = {
    *(f"/x{text}y" for text in ("%2F", "%2f", "%5C", "%5c", "//", "///")),
    "//x",
}
UNSERVED = {PathNormalization.BASE: NEVER, PathNormalization.STRICT: NEVER | AMBIGUOUS}


def reported(normalization: PathNormalization) -> Iterator[str]:
    for path in PATHS:
        try:
            read = mse_path("Exact", path)
        except Unusable:
            yield path
        else:
            if read.ambiguous and normalization is PathNormalization.STRICT:
                yield path


@pytest.mark.parametrize("normalization", PathNormalization)
def test_every_character_and_escape(tmp_path: Path, normalization: PathNormalization) -> None:
    """Each rule has a host of its own, so that no other rule can serve its path."""

    async def scenario() -> set[tuple[str, str]]:
        async with backend("pod") as pod, rig(tmp_path) as served:
            gateway = mse_gateway("gw", members=[ONE, TWO])
            served.declare(
                "gateway.yaml", gateway.annotate({PATH_NORMALIZATION: normalization.value})
            )
            served.expose("pod", [pod])
            rules = ingress("rules").of_class("mse")
            for kind in KINDS:
                for number, path in enumerate(PATHS):
                    host = f"{kind.lower()}-{number}.test"
                    rules = rules.host(host).path(path, to="pod:80", kind=kind)
            served.declare("rules.yaml", rules)
            address = await served.address()
            unserved = set()
            for kind, below in zip(KINDS, ("", "/below"), strict=True):
                for number, path in enumerate(PATHS):
                    question = Question(path + below, f"{kind.lower()}-{number}.test")
                    if (await ask_once(address, question)).status != 200:
                        unserved.add((kind, path))
            return unserved

    unserved = asyncio.run(scenario())
    assert unserved == {(kind, path) for kind in KINDS for path in UNSERVED[normalization]}
    assert set(reported(normalization)) == UNSERVED[normalization]


PIECES = [
    *("/", "/", "/", "//", "a", "b", ".", "..", "%2e", "%2F", "%2f", "%5C", "%5c", "%2E%2E", ";"),
    *("%c3%a9", "%C3%A9", "%7e", "%41", "%", "%4", "{", "|", "+", "%20", "%3F", "%3b", "=", "~"),
]
RANDOM_PATHS = 300


def some_paths() -> Sequence[str]:
    """Return different paths that a rule can have."""
    random, found = Random(3), dict[str, str]()  # noqa: S311 (paths, no secrets)
    while len(found) < RANDOM_PATHS:
        path = "/" + "".join(random.choices(PIECES, k=random.randint(1, 7)))
        try:
            found.setdefault(mse_path("Exact", path).value, path)
        except Unusable:
            continue
    return [*found.values()]


def test_a_backend_sees_the_path_that_the_rule_has(tmp_path: Path) -> None:
    """All rules stand on one host, so that none takes a request that is meant for another."""
    paths = some_paths()

    async def scenario() -> None:
        async with backend("pod") as pod, rig(tmp_path) as served:
            served.expose("pod", [pod])
            rules = ingress("rules", host="shop.test").of_class("mse")
            for path in paths:
                rules = rules.path(path, to="pod:80", kind="Exact")
            served.declare("rules.yaml", rules)
            address = await served.address()
            for path in paths:
                question = Question(f"{path}?q=%c3%a9//", "shop.test")
                assert (await ask_once(address, question)).status == 200, path
                assert pod.asked[-1].path == f"{mse_path('Exact', path).value}?q=%c3%a9//"

    asyncio.run(scenario())


def test_what_strict_normalisation_does_to_a_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend("pod") as pod, rig(tmp_path) as served:
            gateway = mse_gateway("gw", members=[ONE, TWO])
            served.declare("gateway.yaml", gateway.annotate({PATH_NORMALIZATION: "strict"}))
            served.expose("pod", [pod])
            rules = ingress("rules", host="shop.test").path("/a/b", to="pod:80", kind="Exact")
            served.declare("rules.yaml", rules.of_class("mse"))
            address = await served.address()
            assert (await ask_once(address, Question("/a//b", "shop.test"))).status == 200
            assert pod.asked[-1].path == "/a/b"
            for path in ("/a%2Fb", "/a%2fb", "/a%5Cb"):
                answer = await ask_once(address, Question(path, "shop.test"))
                assert (answer.status, answer.headers["location"]) == (307, "/a/b")

    asyncio.run(scenario())


def test_a_path_beyond_ascii_is_served_as_clients_encode_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend("pod") as pod, rig(tmp_path) as served:
            served.expose("pod", [pod])
            rules = ingress("rules", host="shop.test").path("/größe", to="pod:80")
            served.declare("rules.yaml", rules.of_class("mse"))
            address = await served.address()
            for path in ("/gr%C3%B6%C3%9Fe/1", "/gr%c3%b6%c3%9fe/1"):
                assert (await ask_once(address, Question(path, "shop.test"))).status == 200
                assert pod.asked[-1].path == "/gr%C3%B6%C3%9Fe/1"
            assert (await ask_once(address, Question("/größe", "shop.test"))).status == 400

    asyncio.run(scenario())
