"""A mistake in a file: it is named, all else is served on, and mending it mends everything."""

import asyncio
from pathlib import Path

import pytest

from tests.badinput.mistakes import MISTAKES, Mistake
from tests.badinput.rig import Json, fleet


def _at(problem: Json) -> str:
    path = f"{problem['namespace']}/{problem['name']}".lstrip("/")
    return f"{problem['kind']} {path}" + (f" in {problem['member']}" if problem["member"] else "")


def _is_told(problem: Json, mistake: Mistake) -> bool:
    return (
        _at(problem) == mistake.at
        and problem["file"] == (mistake.named or mistake.file)
        and (problem["reason"], problem["key"]) == (mistake.reason, mistake.key)
        and mistake.value in problem["value"]
        and mistake.expected in problem["expected"]
    )


@pytest.mark.parametrize("mistake", [pytest.param(m, id=name) for name, m in MISTAKES.items()])
def test_mistake(mistake: Mistake, tmp_path: Path) -> None:
    async def script() -> None:
        async with fleet(tmp_path) as made:
            before = await made.served()
            assert await made.problems() == []
            file = made.root / mistake.file
            good = file.read_bytes() if file.exists() else None

            bad = mistake.text
            file.write_bytes(bad.encode() if isinstance(bad, str) else bad)
            now = await made.served()
            problems = await made.problems()
            assert any(_is_told(p, mistake) for p in problems), "\n".join(map(str, problems))
            if mistake.kept:
                assert now == before
            else:
                shop = {
                    key for key in before if "target.test" not in key[1] and "new" not in key[1]
                }
                assert {key: now.get(key) for key in shop} == {key: before[key] for key in shop}

            file.unlink() if good is None else file.write_bytes(good)
            assert await made.served() == before
            assert await made.problems() == []

    asyncio.run(script())
