"""A rule serves the very path that it is written with, or is reported: Envoy spells paths anew."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleetgate.demo.http import Question
from tests.e2e.backends import backend
from tests.e2e.rig import ask_once, rig
from tests.support.builders import ingress
from translators.annotations.reader import Unusable
from translators.ingress import mse_path

KINDS = ("Exact", "Prefix")

PLAIN = [chr(code) for code in range(0x21, 0x7F)]
ESCAPES = [f"%{code:02X}" for code in range(0x80)]

PATHS: Sequence[str] = [
    *(f"/x{text}y" for text in dict.fromkeys((*PLAIN, *ESCAPES, *map(str.lower, ESCAPES)))),
    *("/%7Euser", "/x%2E/.%2Ey", "/x%c3%A9", "/100%", "/x%zz", "/x%%34%31", "/x%4%31", "/x%2%41"),
    *("/x/%2E%2e/y", "/x/..", "/x/.;y", "/x/..;/y", "/x.;/y"),
]

UNREACHABLE = {
    *(f"/x{text}y" for text in ("#", "?", "\\", "%00", "%2F", "%2f", "%5C", "%5c")),
    *("/x/%2E%2e/y", "/x/..", "/x/.;y", "/x/..;/y"),
}


def reported() -> Iterator[str]:
    for path in PATHS:
        try:
            mse_path("Exact", path)
        except Unusable:
            yield path


def test_every_character_and_escape(tmp_path: Path) -> None:
    """Each rule has a host to itself, so that no other one can serve its path."""

    async def scenario() -> set[tuple[str, str]]:
        async with backend("pod") as pod, rig(tmp_path) as served:
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
    assert unserved == {(kind, path) for kind in KINDS for path in UNREACHABLE}
    assert set(reported()) == UNREACHABLE


def test_a_path_beyond_ascii_is_served_as_clients_encode_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend("pod") as pod, rig(tmp_path) as served:
            served.expose("pod", [pod])
            rules = ingress("rules", host="shop.test").path("/größe", to="pod:80")
            served.declare("rules.yaml", rules.of_class("mse"))
            address = await served.address()
            for path, status in (("/gr%C3%B6%C3%9Fe/1", 200), ("/größe", 400)):
                assert (await ask_once(address, Question(path, "shop.test"))).status == status

    asyncio.run(scenario())
