"""After a restart, the stored objects are in force while their origins cannot be reached."""

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.events import Configured, Emit, Event, Listed, Members, Source, Unreachable, Upserted
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.models import Ingress, Node, Secret, Service
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import HUB
from fleet.sources import state_file
from fleet.sources.directory import DirectorySource
from fleet.sources.memory import MemorySource
from fleet.sources.remembered import NoStateDirectoryError, Remembered
from fleetgate.core.control import ControlPlane, ControlSettings
from tests.fleet.rigs import PATIENCE, Listener, listening
from tests.support.builders import ingress, mse_gateway, node, secret, service, slice_of, write
from tests.support.requirement import require
from translators.dialects import DIALECTS
from translators.dialects.mse.objects import MseIngressConfig
from xds.cache import SnapshotCache
from xds.resource import TypeUrl

SHOP = ingress("shop", host="example.com").path("/", to="cart:80").of_class("mse")
GATEWAY = mse_gateway(members=["one"])
CART = service("cart", ports={"http": 80})
PODS = slice_of("cart", addresses=["10.0.0.1"], port_name="http")
GONE = service("gone")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONCE_AN_HOUR = timedelta(hours=1)

Script = Callable[[Listener], Awaitable[None]]


async def nothing(_: Listener) -> None:
    pass


class ScriptedSource:
    """A source that emits the events that a test gives it."""

    def __init__(self, *events: Event) -> None:
        self._first = events
        self._emit: Emit | None = None
        self._running = asyncio.Event()

    def say(self, *events: Event) -> None:
        assert self._emit
        self._emit(events)

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        emit(self._first)
        self._running.set()
        await asyncio.get_running_loop().create_future()

    async def refresh(self) -> None:
        await self._running.wait()


def live(source: Source, state: Path, script: Script = nothing) -> Listener:
    """Run the source from the start to the stop of a process."""

    async def run() -> Listener:
        async with listening(
            Remembered(source, state, DIALECTS.kinds, pace=ONCE_AN_HOUR)
        ) as listener:
            # All events of the start come before the script runs.
            await asyncio.wait_for(source.refresh(), PATIENCE)
            await script(listener)
        return listener

    return asyncio.run(run())


def fleet() -> MemorySource:
    """The events of a hub and of the members `one` and `two`."""
    source = MemorySource(DIALECTS.kinds)
    source.put(SHOP.manifest, GATEWAY.manifest)
    for member in ("one", "two"):
        source.attach(member)
        source.put(CART.manifest, PODS.manifest, origin=member)
    return source


def without(*lost: str) -> MemorySource:
    """The events of the same fleet while some origins are unreachable."""
    source = fleet()
    for origin in lost:
        source.lose(origin, "the cable is cut")
    return source


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that a first process has written at noon."""
    directory = tmp_path / "state"
    live(fleet(), directory)
    for file in directory.iterdir():
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    return directory


def kept(state: Path) -> list[str]:
    return sorted(file.name for file in state.iterdir())


# -- a restart during an outage --------------------------------------------------------------------


def test_a_member_that_is_out_of_reach_at_the_start_has_what_it_held(state: Path) -> None:
    listener = live(without("one"), state)

    assert listener.state.table(Service)[CART.ref("one")] == CART.model()
    origin = listener.state.origins["one"]
    assert (origin.reachable, origin.message) == (False, "the cable is cut")


def test_what_was_remembered_is_said_before_the_source_speaks(state: Path) -> None:
    async def script(listener: Listener) -> None:
        news = await listener.news()
        remembered = news.index("upserted Service default/cart in one")
        assert remembered < news.index("unreachable one")
        assert remembered < news.index("listed hub")

    live(without("one"), state, script)


def test_the_age_is_the_time_at_which_it_was_last_known_to_be_so(state: Path) -> None:
    assert live(without("one"), state).state.origins["one"].since == NOON


def test_the_age_stays_over_several_restarts_of_one_outage(state: Path) -> None:
    for _ in range(3):
        assert live(without("one"), state).state.origins["one"].since == NOON


def test_a_member_that_can_be_reached_makes_its_file_young_again(state: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    live(fleet(), state)
    since = live(without("one"), state).state.origins["one"].since
    assert since
    assert since > before


def test_a_member_that_was_never_seen_is_just_unreachable(tmp_path: Path) -> None:
    listener = live(without("one"), tmp_path)
    assert CART.ref("one") not in listener.state.table(Service)
    assert listener.state.origins["one"].since is None


def test_the_log_says_how_old_that_is(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def script(listener: Listener) -> None:
        source.lose("one", "another reason")

    source = without("one")
    live(source, state, script)
    assert [record.getMessage() for record in caplog.records] == [
        "one cannot be reached: in force are the 2 objects that it held at "
        "2026-01-31T12:00:00+00:00"
    ]


def test_the_snapshots_of_a_restart_during_an_outage_are_those_from_before(tmp_path: Path) -> None:
    state = tmp_path / "state"

    async def served(source: Source) -> dict[TypeUrl, dict[str, bytes]]:
        cache = SnapshotCache()
        await start(Remembered(source, state, DIALECTS.kinds), cache)
        (group,) = cache.groups()
        return {
            type_url: {name: resource.body for name, resource in named.items()}
            for type_url, named in cache.snapshot(group).items()
        }

    before = asyncio.run(served(fleet()))
    assert any(b"10.0.0.1" in body for body in before[TypeUrl.ENDPOINT].values())
    assert asyncio.run(served(without("one"))) == before
    # Envoys keep their listeners for TLS, since these need Secrets, which are not remembered.
    del before[TypeUrl.LISTENER]["https-443"]
    assert asyncio.run(served(without(HUB, "one"))) == before


def test_a_member_that_was_removed_meanwhile_does_not_hold_up_the_start(state: Path) -> None:
    said = (Members(frozenset({"two"})), Listed(HUB), Listed("two"))
    asyncio.run(start(Remembered(ScriptedSource(*said), state, DIALECTS.kinds), SnapshotCache()))


async def start(source: Source, cache: SnapshotCache) -> None:
    """Run a control plane until it has published, and stop it."""
    control = ControlPlane(source, cache, ControlSettings(start_deadline=10 * PATIENCE))
    running = asyncio.create_task(control.run())
    async with asyncio.timeout(PATIENCE):
        await control.started.wait()
    running.cancel()
    await asyncio.wait([running])


# -- the hub ---------------------------------------------------------------------------------------


def test_the_hub_is_remembered_too(state: Path) -> None:
    listener = live(without(HUB), state)
    assert listener.state.table(Ingress) == {SHOP.ref(): SHOP.model()}
    assert listener.state.table(MseIngressConfig) == {GATEWAY.ref(): GATEWAY.model()}
    assert listener.state.origins[HUB].since == NOON


def test_members_that_only_the_hub_knows_are_out_of_reach_with_it(state: Path) -> None:
    async def script(listener: Listener) -> None:
        assert not listener.state.origins["one"].reachable
        assert listener.state.origins["one"].since == NOON
        assert CART.ref("one") in listener.state.table(Service)
        told.say(Members(frozenset({"one"})))
        assert CART.ref("two") not in listener.state.table(Service)
        assert listener.state.origins.keys() == {HUB, "one"}

    told = ScriptedSource(Unreachable(HUB, "the cable is cut"))
    live(told, state, script)


def test_members_that_are_known_without_the_hub_speak_for_themselves(state: Path) -> None:
    both = Members(frozenset({"one", "two"}))
    listener = live(ScriptedSource(both, Unreachable(HUB, "the cable is cut")), state)
    assert listener.state.origins.keys() == {HUB, "one", "two"}
    assert not any(listener.state.origins[member].listed for member in ("one", "two"))


def test_the_hub_is_kept_once_its_members_are_or_cannot_be(tmp_path: Path) -> None:
    """If a crash left only the hub's file, a restart would publish gateways without endpoints."""

    async def script(listener: Listener) -> None:
        del listener
        assert kept(tmp_path) == []
        told.say(Upserted(CART.ref("one"), CART.model()), Listed("one"))

    told = ScriptedSource(
        Upserted(SHOP.ref(), SHOP.model()), Members(frozenset({"one", "two"})), Listed(HUB)
    )
    live(told, tmp_path, script)
    assert kept(tmp_path) == ["member-one.fleet"], "two is silent"

    told = ScriptedSource(
        Upserted(SHOP.ref(), SHOP.model()),
        Members(frozenset({"one", "two"})),
        Listed(HUB),
        Unreachable("two", "the cable is cut"),
    )
    live(told, tmp_path)
    assert kept(tmp_path) == ["hub.fleet", "member-one.fleet"]


def test_secrets_reach_no_file(tmp_path: Path) -> None:
    source = MemorySource(DIALECTS.kinds)
    source.put(SHOP.tls("cert").manifest, secret("cert", {"tls.key": "c2VjcmV0"}).manifest)
    seen = live(source, tmp_path)
    assert seen.state.table(Secret)
    assert kept(tmp_path) == ["hub.fleet"]
    assert b"c2VjcmV0" not in (tmp_path / "hub.fleet").read_bytes()


# -- back again ------------------------------------------------------------------------------------


def test_what_is_gone_since_is_deleted_before_the_origin_is_listed(tmp_path: Path) -> None:
    source = fleet()
    source.put(GONE.manifest, origin="one")
    live(source, tmp_path)

    async def script(listener: Listener) -> None:
        after.lose("one", "not now")
        assert GONE.ref("one") in listener.state.table(Service)
        await listener.news()
        after.attach("one")
        news = await listener.news()
        assert news[-2:] == ["deleted Service default/gone in one", "listed one"]
        assert listener.state.table(Service).keys() == {CART.ref("one"), CART.ref("two")}
        after.attach("one")
        assert await listener.news() == ["listed one"]

    after = without("one")
    live(after, tmp_path, script)
    assert GONE.ref("one") not in live(without("one"), tmp_path).state.table(Service)


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(PodAddresses(loopback=True), id="loopback"),
        pytest.param(PodAddresses(networks=read_networks(["10.1.0.0/16", "fd00::/64"])), id="nets"),
        pytest.param(PodAddresses(), id="usual"),
    ],
)
def test_a_restart_opens_nothing_that_was_narrowed(tmp_path: Path, addresses: PodAddresses) -> None:
    told = ScriptedSource(
        Members(frozenset({"one"})),
        Configured("one", MemberSettings(addresses)),
        Upserted(CART.ref("one"), CART.model()),
        Listed("one"),
        Listed(HUB),
    )
    live(told, tmp_path)
    for _ in range(2):
        seen = live(ScriptedSource(Unreachable("one", "away"), Unreachable(HUB, "away")), tmp_path)
        assert seen.state.settings == {"one": MemberSettings(addresses)}
        assert CART.ref("one") in seen.state.table(Service)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(MemberSettings(addressing=Addressing.NODE_PORTS), id="node-ports"),
        pytest.param(
            MemberSettings(
                addressing=Addressing.GATEWAY,
                gateway=MemberGateway("gw.example.com", 443, GatewayTls.VERIFIED, "other.test"),
            ),
            id="gateway",
        ),
        pytest.param(MemberSettings(region="eu", zone="eu-a"), id="region-and-zone"),
    ],
)
def test_a_restart_sends_requests_where_they_went_before(
    tmp_path: Path, settings: MemberSettings
) -> None:
    first = node("first", ready="False", InternalIP="10.0.0.1").label({"zone": "a"})
    told = ScriptedSource(
        Members(frozenset({"one"})),
        Configured("one", settings),
        Upserted(first.ref("one"), first.model()),
        Listed("one"),
        Listed(HUB),
    )
    live(told, tmp_path)
    for _ in range(2):
        seen = live(ScriptedSource(Unreachable("one", "away"), Unreachable(HUB, "away")), tmp_path)
        assert seen.state.settings == {"one": settings}
        assert seen.state.table(Node) == {first.ref("one"): first.model()}


def test_nodes_that_are_not_read_any_more_are_forgotten(tmp_path: Path) -> None:
    first = node("first")
    told = ScriptedSource(
        Configured("one", MemberSettings(addressing=Addressing.NODE_PORTS)),
        Upserted(CART.ref("one"), CART.model()),
        Upserted(first.ref("one"), first.model()),
        Listed("one"),
        Listed(HUB),
    )
    live(told, tmp_path)
    told = ScriptedSource(
        Configured("one", MemberSettings()),
        Upserted(CART.ref("one"), CART.model()),
        Listed("one"),
        Listed(HUB),
    )
    for source in (told, ScriptedSource(Unreachable("one", "away"))):
        seen = live(source, tmp_path)
        assert not seen.state.table(Node)
        assert CART.ref("one") in seen.state.table(Service)


def test_a_mistake_in_a_file_of_settings_changes_nothing_over_a_restart(tmp_path: Path) -> None:
    root, state = tmp_path / "fleet", tmp_path / "state"
    write(root, "hub/gateway.yaml", GATEWAY)
    write(root, "clusters/one/cart.yaml", CART)
    write(root, "members/one.yaml", "addressing: nodePorts")
    live(DirectorySource(root, DIALECTS.kinds), state)
    before = MemberSettings(PodAddresses(loopback=True), Addressing.NODE_PORTS)

    write(root, "members/one.yaml", "addressing: nodePort")
    seen = live(DirectorySource(root, DIALECTS.kinds), state)
    assert seen.state.settings == {"one": before}
    assert CART.ref("one") in seen.state.table(Service)
    assert seen.state.origins["one"].message == "its settings in members/ cannot be used"


def test_what_addresses_are_allowed_is_kept_though_no_object_changes(tmp_path: Path) -> None:
    narrow = PodAddresses(networks=read_networks(["10.1.0.0/16"]))

    async def script(listener: Listener) -> None:
        told.say(Configured("one", MemberSettings(narrow)))

    told = ScriptedSource(Upserted(CART.ref("one"), CART.model()), Listed("one"), Listed(HUB))
    live(told, tmp_path, script)
    assert live(ScriptedSource(), tmp_path).state.settings == {"one": MemberSettings(narrow)}


def test_an_object_that_cannot_be_read_any_more_keeps_its_last_good_version(state: Path) -> None:
    source = fleet()
    source.put(SHOP.with_spec(rules=5).manifest)
    for _ in range(2):
        listener = live(source, state)
        assert listener.state.table(Ingress) == {SHOP.ref(): SHOP.model()}
        assert listener.state.refused == {SHOP.ref()}
        source = fleet()
        source.put(SHOP.with_spec(rules=5).manifest)


def test_a_member_lost_later_is_told_as_it_is(state: Path) -> None:
    async def script(listener: Listener) -> None:
        listener.events.clear()
        source.lose("one", "the cable is cut")
        assert listener.events == [Unreachable("one", "the cable is cut")]

    source = fleet()
    live(source, state, script)


# -- members that are removed ----------------------------------------------------------------------


def test_a_member_that_is_removed_leaves_no_file(state: Path) -> None:
    async def script(listener: Listener) -> None:
        told.say(Members(frozenset({"two"})))

    told = ScriptedSource(Members(frozenset({"one", "two"})))
    live(told, state, script)
    assert kept(state) == ["hub.fleet", "member-two.fleet"]


def test_a_member_that_was_removed_meanwhile_is_in_force_no_more(state: Path) -> None:
    listener = live(ScriptedSource(Members(frozenset({"two"}))), state)
    assert listener.state.table(Service).keys() == {CART.ref("two")}
    assert kept(state) == ["hub.fleet", "member-two.fleet"]


def test_a_member_that_vanished_from_a_directory_keeps_what_it_held(tmp_path: Path) -> None:
    """It is the same while fleetgate runs: the directory may be in the middle of an edit."""
    root, state = tmp_path / "fleet", tmp_path / "state"
    write(root, "hub/shop.yaml", SHOP)
    write(root, "clusters/one/cart.yaml", CART)
    live(DirectorySource(root, DIALECTS.kinds), state)
    shutil.rmtree(root / "clusters/one")

    listener = live(DirectorySource(root, DIALECTS.kinds), state)

    assert listener.state.table(Service).keys() == {CART.ref("one")}
    origin = listener.state.origins["one"]
    assert not origin.reachable
    assert origin.message == (
        "it is gone; what it held stays in force: "
        f"to forget it, remove {state}/member-one.fleet and restart"
    )
    (state / "member-one.fleet").unlink()
    assert not live(DirectorySource(root, DIALECTS.kinds), state).state.table(Service)


def test_a_member_that_holds_nothing_any_more_leaves_no_file(state: Path) -> None:
    async def script(listener: Listener) -> None:
        source.remove(CART.ref("one"), PODS.ref("one"))

    source = fleet()
    live(source, state, script)
    assert kept(state) == ["hub.fleet", "member-two.fleet"]


# -- writing ---------------------------------------------------------------------------------------


def test_a_change_is_on_the_disk_without_a_stop(tmp_path: Path) -> None:
    state = tmp_path / "state"
    source = fleet()

    async def run() -> None:
        fast = Remembered(source, state, DIALECTS.kinds, pace=timedelta(milliseconds=1))
        async with listening(fast):
            await _appears(state / "member-one.fleet", '"cart"')
            source.put(service("new").manifest, origin="one")
            await _appears(state / "member-one.fleet", '"new"')

    asyncio.run(run())


def test_changes_in_a_row_are_one_write(tmp_path: Path) -> None:
    source = fleet()
    file, witness = tmp_path / "slow/member-one.fleet", tmp_path / "fast/member-one.fleet"

    async def run() -> None:
        fast = Remembered(source, witness.parent, DIALECTS.kinds, pace=timedelta(milliseconds=1))
        async with listening(Remembered(fast, file.parent, DIALECTS.kinds, pace=ONCE_AN_HOUR)):
            await _appears(file, '"cart"')
            for number in range(3):
                source.put(service(f"new-{number}").manifest, origin="one")
                await _appears(witness, f'"new-{number}"')
            assert not _holds(file, '"new-0"')

    asyncio.run(run())
    assert _holds(file, '"new-2"')


def test_a_stop_notes_that_all_is_as_it_was_until_then(state: Path) -> None:
    file = state / "member-one.fleet"

    async def script(listener: Listener) -> None:
        await _until(lambda: file.stat().st_mtime != NOON.timestamp())
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))

    live(fleet(), state, script)
    assert file.stat().st_mtime > NOON.timestamp()


def test_what_is_as_it_was_is_not_written_again(state: Path) -> None:
    # A new write makes a new file. While the first one is held open, its inode is not used again.
    held = {file: file.open("rb") for file in state.iterdir()}
    live(fleet(), state)
    for file, first in held.items():
        with first:
            assert file.stat().st_ino == os.fstat(first.fileno()).st_ino


def test_an_origin_that_has_not_listed_writes_nothing(state: Path) -> None:
    before = {file.name: file.read_bytes() for file in state.iterdir()}
    part = ScriptedSource(
        Upserted(GONE.ref("one"), GONE.model()), Upserted(GONE.ref("new"), GONE.model())
    )
    live(part, state)
    assert {file.name: file.read_bytes() for file in state.iterdir()} == before


def test_a_place_for_no_directory_is_said_at_the_start(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(NoStateDirectoryError, match=r"nothing can be kept in .*file \("):
        Remembered(MemorySource(DIALECTS.kinds), place, DIALECTS.kinds).check()
    with pytest.raises(NoStateDirectoryError):
        asyncio.run(
            Remembered(MemorySource(DIALECTS.kinds), place, DIALECTS.kinds).run(lambda _: None)
        )


def test_a_disk_that_fails_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state, witness = tmp_path / "state", tmp_path / "witness/member-one.fleet"
    source = fleet()

    async def run() -> None:
        good = Remembered(source, witness.parent, DIALECTS.kinds, pace=timedelta(milliseconds=1))
        async with listening(
            Remembered(good, state, DIALECTS.kinds, pace=timedelta(milliseconds=1))
        ):
            # The hub's file is written last. After that, only the file of "one" is written.
            await _appears(state / "hub.fleet", '"shop"')
            source.put(service("old").manifest, origin="one")
            await _appears(state / "member-one.fleet", '"old"')
            await asyncio.to_thread(state.rename, tmp_path / "away")
            for number in range(5):
                source.put(service(f"new-{number}").manifest, origin="one")
                await _appears(witness, f'"new-{number}"')
            await _until(lambda: bool(caplog.records))
            await asyncio.to_thread(state.mkdir)

    asyncio.run(run())
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("cannot keep what one holds, trying again: ")
    assert _holds(state / "member-one.fleet", '"new-4"')
    assert _holds(state / "member-two.fleet", '"cart"')


def test_what_a_killed_process_left_behind_is_cleared_away(state: Path) -> None:
    (state / ".draft-abc").write_text("half")
    live(fleet(), state)
    assert kept(state) == ["hub.fleet", "member-one.fleet", "member-two.fleet"]


def test_files_are_for_their_owner_only(state: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in state.iterdir()} == {0o600}


def _holds(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def _appears(file: Path, text: str) -> None:
    await _until(lambda: _holds(file, text))


# -- files in the directory ------------------------------------------------------------------------


def _other_version(text: bytes) -> bytes:
    return text.replace(b'"version":1', b'"version":2')


def _of_two(text: bytes) -> bytes:
    return text.replace(b'"origin":"one"', b'"origin":"two"')


def _secret(text: bytes) -> bytes:
    head, *lines = text.splitlines(keepends=True)
    return b"".join([head, b'Secret {"metadata":{"name":"x"}}\n', *lines[1:]])


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\xff\x00\n\xfe", id="no-text"),
        pytest.param(lambda _: b"hello\n", id="of-somebody-else"),
        pytest.param(lambda text: text[: len(text) // 2], id="cut-in-a-line"),
        pytest.param(lambda text: text[: text.rindex(b"\nEnd") + 1], id="cut-after-a-line"),
        pytest.param(lambda text: text.replace(b"80", b'"http"'), id="of-another-type"),
        pytest.param(_other_version, id="of-another-version"),
        pytest.param(_of_two, id="of-another-member"),
        pytest.param(_secret, id="with-a-secret"),
    ],
)
def test_a_file_that_is_of_no_use_is_told_and_left_out(
    state: Path, spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    file = state / "member-one.fleet"
    file.write_bytes(spoil(file.read_bytes()))
    caplog.set_level(logging.INFO)

    listener = live(without("one"), state)

    assert listener.state.table(Service).keys() == {CART.ref("two")}
    assert not listener.state.table(Secret)
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith(f"what is kept in {file} is not used: ")


def _link(file: Path) -> None:
    file.rename(file.parent / "elsewhere")
    file.symlink_to("elsewhere")


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _of_another_user(file: Path) -> None:
    require(None if os.geteuid() == 0 else "only root can give a file away")
    os.chown(file, 65534, 65534)


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        pytest.param(_link, "it is a link", id="a-link"),
        pytest.param(_pipe, "it is no regular file", id="a-pipe"),
        pytest.param(_of_another_user, "it belongs to another user", id="of-another-user"),
    ],
)
def test_what_another_user_has_planted_is_told_and_left_out(
    state: Path, plant: Callable[[Path], None], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Other users may write to some directories, such as those below /tmp."""
    file = state / "member-one.fleet"
    plant(file)

    listener = live(without("one"), state)

    assert listener.state.table(Service).keys() == {CART.ref("two")}
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == f"what is kept in {file} is not used: {why}"


def test_the_time_of_what_a_planted_link_leads_to_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("of somebody")
    os.utime(target, (NOON.timestamp(), NOON.timestamp()))
    (tmp_path / "hub.fleet").symlink_to(target)

    state_file.touch(tmp_path, HUB)

    assert target.stat().st_mtime == NOON.timestamp()


def test_a_secret_that_somebody_wrote_into_a_file_is_not_read(state: Path) -> None:
    (state / "hub.fleet").write_bytes(_secret((state / "hub.fleet").read_bytes()))
    listener = live(without(HUB), state)
    assert not listener.state.table(Secret)
    assert not listener.state.table(Ingress)


@pytest.mark.parametrize(
    "member", ["prod/eu", "..", ".", "a b", "Ä", "x" * 300, "hub", "%2F", "member"]
)
def test_a_member_may_have_any_name(tmp_path: Path, member: str) -> None:
    source = MemorySource(DIALECTS.kinds)
    source.attach(member)
    source.put(CART.manifest, origin=member)
    live(source, tmp_path)
    lost = MemorySource(DIALECTS.kinds)
    lost.lose(member, "the cable is cut")
    assert live(lost, tmp_path).state.table(Service) == {CART.ref(member): CART.model()}
