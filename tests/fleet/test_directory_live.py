"""A watched directory: changes are emitted without a refresh, however the files are edited."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fleet.models import Ingress, Service
from fleet.sources import directory
from fleet.sources.directory import DirectorySource
from fleet.sources.tree import NoFleetError
from tests.fleet.rigs import PATIENCE, Listener, listening
from tests.support.builders import ingress, service, write
from translators.dialects import DIALECTS

SHOP = ingress("shop", host="example.com").path("/", to="shop:80")
CART = service("cart", ports={"http": 80})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fleet = tmp_path / "fleet"
    (fleet / "hub").mkdir(parents=True)
    (fleet / "clusters/one").mkdir(parents=True)
    return fleet


def live(root: Path, script: Callable[[Listener], Awaitable[None]]) -> None:
    async def run() -> None:
        async with listening(DirectorySource(root, DIALECTS.kinds)) as listener:
            await listener.news()
            await script(listener)

    asyncio.run(run())


def move(path: Path, to: Path) -> None:
    path.rename(to)


def hosts(listener: Listener) -> list[str]:
    return sorted(i.spec.rules[0].host for i in listener.state.table(Ingress).values())


def test_a_file_that_is_written_in_place(root: Path) -> None:
    async def script(listener: Listener) -> None:
        write(root, "hub/x.yaml", SHOP)
        await listener.until(lambda: hosts(listener) == ["example.com"])
        text = (root / "hub/x.yaml").read_text()
        (root / "hub/x.yaml").write_text(text.replace("example", "changed"))
        await listener.until(lambda: hosts(listener) == ["changed.com"])

    live(root, script)


def test_a_file_in_a_new_folder(root: Path) -> None:
    async def script(listener: Listener) -> None:
        write(root, "hub/a/b/x.yaml", SHOP)
        await listener.until(lambda: hosts(listener) == ["example.com"])
        write(root, "hub/a/b/y.yaml", ingress("other", host="other.com"))
        await listener.until(lambda: hosts(listener) == ["example.com", "other.com"])

    live(root, script)


def test_a_new_member_and_one_that_goes(root: Path) -> None:
    async def script(listener: Listener) -> None:
        write(root, "clusters/two/x.yaml", CART)
        await listener.until(lambda: CART.ref("two") in listener.state.table(Service))
        shutil.rmtree(root / "clusters/two")
        await listener.until(lambda: not listener.state.origins["two"].reachable)

    live(root, script)


def test_a_config_map_that_is_mounted_anew(root: Path) -> None:
    hub = root / "hub"
    write(hub, "..v1/x.yaml", SHOP)
    (hub / "..data").symlink_to("..v1")
    (hub / "x.yaml").symlink_to("..data/x.yaml")

    async def script(listener: Listener) -> None:
        assert hosts(listener) == ["example.com"]
        write(hub, "..v2/x.yaml", ingress("shop", host="changed.com"))
        (hub / "..new").symlink_to("..v2")
        (hub / "..new").rename(hub / "..data")
        await listener.until(lambda: hosts(listener) == ["changed.com"])

    live(root, script)


def test_a_root_that_is_a_link_and_turns_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git-sync does so: no file of the watched directory changes, only the link to it."""
    monkeypatch.setattr(directory, "_AGAIN", 20)
    write(root, "hub/x.yaml", SHOP)
    write(tmp_path, "second/hub/x.yaml", ingress("shop", host="second.com"))
    (tmp_path / "link").symlink_to(root)

    async def script(listener: Listener) -> None:
        assert hosts(listener) == ["example.com"]
        (tmp_path / "new").symlink_to(tmp_path / "second")
        (tmp_path / "new").rename(tmp_path / "link")
        await listener.until(lambda: hosts(listener) == ["second.com"])
        write(tmp_path, "second/hub/x.yaml", ingress("shop", host="third.com"))
        await listener.until(lambda: hosts(listener) == ["third.com"])

    live(tmp_path / "link", script)


def test_a_root_that_goes_and_comes_back_as_another_directory(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_AGAIN", 20)
    monkeypatch.setattr(directory, "_RETRY", 0.02)
    write(root, "hub/x.yaml", SHOP)
    shutil.copytree(root, tmp_path / "copy")

    async def script(listener: Listener) -> None:
        move(root, tmp_path / "apart")
        await listener.until(lambda: not listener.state.origins["one"].reachable)
        move(tmp_path / "copy", root)
        await listener.until(lambda: listener.state.origins["one"].reachable)
        assert hosts(listener) == ["example.com"]
        write(root, "hub/x.yaml", ingress("shop", host="changed.com"))
        await listener.until(lambda: hosts(listener) == ["changed.com"])

    live(root, script)


def test_a_directory_that_cannot_be_watched_is_read_again_and_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """This happens when the kernel's limit of watches is reached."""

    refused = 0

    def refuse(_: Path) -> None:
        nonlocal refused
        refused += 1
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(directory, "_start_watching", refuse)
    monkeypatch.setattr(directory, "_RETRY", 0.02)

    async def script(listener: Listener) -> None:
        write(root, "hub/x.yaml", SHOP)
        await listener.until(lambda: hosts(listener) == ["example.com"])
        write(root, "hub/x.yaml", ingress("shop", host="changed.com"))
        await listener.until(lambda: hosts(listener) == ["changed.com"])

    live(root, script)
    assert refused > 1
    assert caplog.text.count("OS file watch limit reached") == 1


def test_a_fleet_on_a_file_system_without_events_is_looked_at_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file outside of the fleet, behind a link, gives no events, as on such a file system."""
    monkeypatch.setattr(directory, "_AGAIN", 20)
    write(tmp_path, "outside.yaml", SHOP)
    (root / "hub/x.yaml").symlink_to(tmp_path / "outside.yaml")

    async def script(listener: Listener) -> None:
        assert hosts(listener) == ["example.com"]
        write(tmp_path, "outside.yaml", ingress("shop", host="changed.com"))
        await listener.until(lambda: hosts(listener) == ["changed.com"])

    live(root, script)


def test_what_is_no_fleet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoFleetError, match="no directory hub/"):
        asyncio.run(DirectorySource(tmp_path, DIALECTS.kinds).run(lambda _: None))


def test_a_source_that_ends_leaves_nobody_waiting(root: Path) -> None:
    async def run() -> None:
        source = DirectorySource(root, DIALECTS.kinds)
        running = asyncio.create_task(source.run(lambda _: None))
        await source.refresh()
        waiting = asyncio.create_task(source.refresh())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running, waiting], timeout=PATIENCE)
        assert running.cancelled()
        assert waiting.done()

    asyncio.run(run())
