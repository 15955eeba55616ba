"""No route is lost when files and directories vanish, come back, or are broken from the start."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fleetgate.fleets import DirectoryPlace
from fleetgate.serving import ServeSettings, XdsSettings, serving
from tests.badinput.good import MAIN, ONE, TARGET, make, member_objects
from tests.badinput.mistakes import MISTAKES
from tests.badinput.rig import Fleet, fleet
from tests.support.builders import write
from xds.resource import TypeUrl

TABLE = (TypeUrl.SCOPED_ROUTE, "mse|target.test")


def _play(tmp_path: Path, script: Callable[[Fleet], Awaitable[None]]) -> None:
    async def run() -> None:
        async with fleet(tmp_path) as made:
            await script(made)

    asyncio.run(run())


def test_a_member_directory_that_vanishes_keeps_its_endpoints(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        before, member = await made.served(), made.root / "clusters" / ONE
        member.rename(tmp_path / "away")
        assert await made.served() == before
        problem, of_gateway = await made.problems()
        assert (problem["kind"], problem["name"], problem["reason"]) == (
            "Member",
            ONE,
            "Unreachable",
        )
        assert (of_gateway["kind"], of_gateway["reason"]) == (
            "MseIngressConfig",
            "MemberUnreachable",
        )
        assert "the directory clusters/one is gone" in problem["value"]
        (gateway,) = (await made.status())["gateways"]
        assert [(m["clusterId"], m.get("status")) for m in gateway["members"]] == [
            (ONE, "Failed"),
            ("two", None),
        ]

        write(tmp_path, "away/web.yaml", *member_objects(7, "web"))
        (tmp_path / "away").rename(member)
        changed = await made.served()
        assert {key for key in before if changed[key] != before[key]} == {
            (TypeUrl.ENDPOINT, "default/web/80")
        }
        assert await made.problems() == []

    _play(tmp_path, script)


def test_a_hub_directory_that_vanishes_keeps_everything(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        before = await made.served()
        (made.root / "hub").rename(tmp_path / "away")
        assert await made.served() == before
        (problem,) = await made.problems()
        assert (problem["kind"], problem["reason"]) == ("Hub", "Unreachable")
        assert "the directory hub is gone" in problem["value"]

        (tmp_path / "away").rename(made.root / "hub")
        assert await made.served() == before
        assert await made.problems() == []

    _play(tmp_path, script)


def test_all_members_may_vanish_at_once(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        before = await made.served()
        (made.root / "clusters").rename(tmp_path / "away")
        assert await made.served() == before
        lost = [p["name"] for p in await made.problems() if p["reason"] == "Unreachable"]
        assert lost == ["one", "two"]

        (tmp_path / "away").rename(made.root / "clusters")
        assert await made.served() == before
        assert await made.problems() == []

    _play(tmp_path, script)


def test_a_file_that_is_removed_takes_its_objects_with_it(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        assert TABLE in await made.served()
        (made.root / TARGET).unlink()
        assert TABLE not in await made.served()
        assert await made.problems() == []

    _play(tmp_path, script)


def test_a_broken_file_that_is_removed_takes_its_objects_with_it(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        (made.root / TARGET).write_text("[")
        assert TABLE in await made.served()
        (made.root / TARGET).unlink()
        assert TABLE not in await made.served()
        assert await made.problems() == []

    _play(tmp_path, script)


def test_of_an_object_in_two_files_the_next_takes_over(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        before = await made.served()
        write(made.root, "hub/z.yaml", MAIN.replace("/more", "/later"))
        assert await made.served() == before

        (made.root / TARGET).unlink()
        now = await made.served()
        assert now[TABLE] != before[TABLE]
        assert await made.problems() == []

    _play(tmp_path, script)


def test_kinds_that_are_not_needed_are_no_mistake(tmp_path: Path) -> None:
    async def script(made: Fleet) -> None:
        before = await made.served()
        for number, (version, kind) in enumerate(
            [("apps/v1", "Deployment"), ("v1", "ConfigMap"), ("example.com/v1", "Ingress")]
        ):
            text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec: 5\n"
            write(made.root, f"hub/other-{number}.yaml", text)
        assert await made.served() == before
        assert await made.problems() == []

    _play(tmp_path, script)


def test_a_fleet_that_is_full_of_mistakes_from_the_start_serves_the_rest(tmp_path: Path) -> None:
    """Each mistake in a file of its own, beside the good ones."""

    async def served(root: Path) -> set[tuple[str, str]]:
        async with serving(
            DirectoryPlace(root), ServeSettings(xds=XdsSettings(port=0), admin_port=0)
        ) as running:
            await running.control.settle()
            snapshot = running.control.cache.snapshot("mse/gw")
            names = ("http-80", "mse|shop.test", "default/web/80")
            return {
                (name, named[name].version)
                for named in snapshot.values()
                for name in names
                if name in named
            }

    make(tmp_path / "good")
    make(tmp_path / "bad")
    for number, mistake in enumerate(MISTAKES.values()):
        if mistake.file == TARGET:
            text = mistake.text if isinstance(mistake.text, bytes) else mistake.text.encode()
            (tmp_path / f"bad/hub/mistake-{number}.yaml").write_bytes(text)

    good, bad = asyncio.run(served(tmp_path / "good")), asyncio.run(served(tmp_path / "bad"))
    assert len(good) == 4
    assert bad == good
