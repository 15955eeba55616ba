"""Members of a directory fleet have settings by files; a mistake is told and harms nobody."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from fleet.events import Configured, Unreachable
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.models import Node, Service
from fleet.parse_settings import NAMES
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources.directory import DirectorySource
from fleet.sources.tree import Tree
from fleet.state import FleetState
from tests.fleet.rigs import Listener, line, listening
from tests.support.builders import node, service, write
from translators.dialects import DIALECTS

CART = service("cart", ports={"http": 80})
HERE = PodAddresses(loopback=True)
DEFAULTS = MemberSettings(HERE)
KEPT = "the settings from before stay in force"
UNREAD = "the member is not read, since it has no settings from before"
NO_TEXT = "text, in quotes if it looks like something else"
NONE_OF_THEM = f"a mapping of settings: {', '.join(NAMES)}"


class Fleet:
    """A directory fleet with the member `one`, and the state that its scans add up to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "hub").mkdir()
        write(root, "clusters/one/cart.yaml", CART)
        self.tree = Tree(root, DIALECTS.kinds)
        self.state = FleetState()

    def write(self, name: str, text: str) -> None:
        write(self.root, f"members/{name}", text)

    def scan(self) -> list[str]:
        """The events of a scan as short lines."""
        events = self.tree.scan()
        self.state.apply(events)
        return [line(event) for event in events]

    def settings(self, member: str = "one") -> MemberSettings:
        return self.state.settings[member]

    def problems(self, name: str = "one.yaml") -> list[Problem]:
        return list(self.state.problems.get(Ref(HUB, "File", "", f"members/{name}"), ()))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


# -- what is read ---------------------------------------------------------------------------------


def test_a_member_without_a_file_has_the_defaults(fleet: Fleet) -> None:
    fleet.scan()
    assert fleet.settings() == DEFAULTS
    assert fleet.scan() == []


@pytest.mark.parametrize("name", ["one.yaml", "one.yml", "one.json"])
def test_a_file_has_the_settings_of_the_member_that_it_is_named_after(
    fleet: Fleet, name: str
) -> None:
    (fleet.root / "clusters/two").mkdir()
    fleet.write(name, '{"addressing": "nodePorts", "region": "eu"}')
    assert fleet.scan() == [
        "configured one",
        "upserted Service default/cart in one",
        "listed one",
        "configured two",
        "listed two",
        "listed hub",
    ]
    assert fleet.settings() == MemberSettings(HERE, Addressing.NODE_PORTS, region="eu")
    assert fleet.settings("two") == DEFAULTS


def test_all_settings_may_be_in_a_file(fleet: Fleet) -> None:
    fleet.write(
        "one.yaml",
        """
        addressing: gateway
        gateway-address: 127.0.0.1:8443
        gateway-tls: unverified
        gateway-sni: gw.example.com
        region: eu
        zone: "1"
        pod-cidrs: 10.1.0.0/16, fd00::/64
        """,
    )
    fleet.scan()
    assert not fleet.state.problems
    assert fleet.settings() == MemberSettings(
        PodAddresses(loopback=True, networks=read_networks(["10.1.0.0/16", "fd00::/64"])),
        Addressing.GATEWAY,
        MemberGateway("127.0.0.1", 8443, GatewayTls.UNVERIFIED, "gw.example.com"),
        "eu",
        "1",
    )


def test_an_id_may_have_dots(fleet: Fleet) -> None:
    (fleet.root / "clusters/eu.one").mkdir()
    fleet.write("eu.one.yaml", "zone: a")
    fleet.scan()
    assert fleet.settings("eu.one").zone == "a"
    assert not fleet.state.problems


@pytest.mark.parametrize("name", [".one.yaml", "one.yaml~", "README.md", "..data"])
def test_what_is_no_manifest_file_is_no_file_of_settings(fleet: Fleet, name: str) -> None:
    fleet.write(name, "zone: a")
    fleet.scan()
    assert fleet.settings() == DEFAULTS
    assert not fleet.state.problems


# -- changes --------------------------------------------------------------------------------------


def test_a_change_of_a_file_changes_nothing_else(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    fleet.write("one.yaml", "zone: b")
    assert fleet.scan() == ["configured one"]
    assert fleet.settings().zone == "b"
    fleet.write("one.yaml", "zone: b # said otherwise")
    assert fleet.scan() == []


def test_a_file_that_is_gone_means_the_defaults(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    (fleet.root / "members/one.yaml").unlink()
    assert fleet.scan() == ["configured one"]
    assert fleet.settings() == DEFAULTS
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    shutil.rmtree(fleet.root / "members")
    assert fleet.scan() == ["configured one"]
    assert fleet.settings() == DEFAULTS


def test_a_fleet_that_is_gone_keeps_its_settings(fleet: Fleet, tmp_path: Path) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    away = tmp_path / "away"
    away.mkdir()
    for name in ("members", "clusters", "hub"):
        (fleet.root / name).rename(away / name)
    assert fleet.scan() == ["unreachable one", "unreachable hub"]
    assert fleet.settings().zone == "a"
    for name in ("hub", "clusters", "members"):
        (away / name).rename(fleet.root / name)
    assert fleet.scan() == ["listed one", "listed hub"]
    assert fleet.settings().zone == "a"


def test_a_member_whose_directory_is_gone_keeps_its_settings(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    shutil.rmtree(fleet.root / "clusters/one")
    assert fleet.scan() == ["unreachable one"]
    assert fleet.settings().zone == "a"
    assert not fleet.state.problems


# -- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        pytest.param(
            "addressing: node", "addressing", "node", "pods, nodePorts or gateway", id="v"
        ),
        pytest.param("adressing: pods", "adressing", "pods", "addressing", id="misspelt"),
        pytest.param("pods", "", "a single value", NONE_OF_THEM, id="no-mapping"),
        pytest.param("[zone, a]", "", "a list", NONE_OF_THEM, id="list"),
        pytest.param(
            "", "", "an empty file", f"{NONE_OF_THEM}; remove the file for the defaults", id="empty"
        ),
        pytest.param(
            "zone: a\n---\nzone: b",
            "",
            "2 documents",
            f"one document with {NONE_OF_THEM}",
            id="documents",
        ),
        pytest.param("zone: a\nzone: b", "zone", "", "the setting once", id="twice"),
        pytest.param("zone: 1", "zone", "1", NO_TEXT, id="number"),
        pytest.param("zone:", "zone", "nothing", NO_TEXT, id="null"),
        pytest.param(
            "region: true",
            "region",
            "true",
            NO_TEXT,
            id="boolean",
        ),
        pytest.param(
            "pod-cidrs: [10.0.0.0/8]",
            "pod-cidrs",
            "a list",
            NO_TEXT,
            id="list-of-networks",
        ),
        pytest.param(
            "zone: {a",
            "line 2, column 1",
            "did not find expected ',' or '}'",
            "YAML",
            id="unfinished",
        ),
    ],
)
def test_a_mistake_is_a_problem_and_the_last_good_version_stays(
    fleet: Fleet, text: str, key: str, value: str, expected: str
) -> None:
    fleet.write("one.yaml", "zone: good")
    fleet.scan()
    fleet.write("one.yaml", text)
    assert fleet.scan() == ["refused File members/one.yaml: InvalidSettings"]
    (problem,) = fleet.problems()
    assert (problem.key, problem.value, problem.expected) == (key, value, expected)
    assert problem.effect == KEPT
    assert fleet.settings().zone == "good"
    assert fleet.scan() == []

    fleet.write("one.yaml", "zone: better")
    assert fleet.scan() == ["refused File members/one.yaml", "configured one"]
    assert fleet.settings().zone == "better"
    assert not fleet.problems()


def test_bytes_that_are_no_text_are_a_mistake(fleet: Fleet) -> None:
    fleet.write("one.yaml", "")
    (fleet.root / "members/one.yaml").write_bytes(b"zone: \xff")
    fleet.scan()
    assert [problem.expected for problem in fleet.problems()] == ["UTF-8"]


def test_all_mistakes_of_a_file_are_told(fleet: Fleet) -> None:
    fleet.write("one.yaml", "addressing: gateway\nregion: '-'")
    fleet.scan()
    assert [problem.key for problem in fleet.problems()] == ["gateway-address", "region"]


def test_a_mistake_in_a_first_file_keeps_the_defaults(fleet: Fleet) -> None:
    fleet.scan()
    fleet.write("one.yaml", "zone: '-'")
    assert fleet.scan() == ["refused File members/one.yaml: InvalidSettings"]
    assert fleet.problems()[0].effect == KEPT
    assert fleet.settings() == DEFAULTS


def test_a_new_member_with_a_mistake_is_not_read_until_it_is_mended(fleet: Fleet) -> None:
    """The defaults would send requests to Pods that may be out of reach, or not be the member's."""
    (fleet.root / "clusters/two").mkdir()
    fleet.write("one.yaml", "addressing: nodePort")
    assert fleet.scan() == [
        "refused File members/one.yaml: InvalidSettings",
        "unreachable one",
        "configured two",
        "listed two",
        "listed hub",
    ]
    assert fleet.problems()[0].effect == UNREAD
    assert fleet.state.origins["one"].message == "its settings in members/ cannot be used"
    assert not fleet.state.table(Service)

    fleet.write("one.yaml", "addressing: nodePorts")
    assert fleet.scan() == [
        "refused File members/one.yaml",
        "configured one",
        "upserted Service default/cart in one",
        "listed one",
    ]


def test_a_file_of_no_member_is_a_problem(fleet: Fleet) -> None:
    (fleet.root / "clusters/east").mkdir()
    fleet.write("esat.yaml", "zone: a")
    fleet.scan()
    (problem,) = fleet.problems("esat.yaml")
    assert problem.message == (
        "'esat' (expected the ID of a member, which has a directory clusters/ID: east); "
        "it has no effect"
    )
    assert fleet.tree.file_of(problem.at) == "members/esat.yaml"
    (fleet.root / "clusters/esat").mkdir()
    fleet.scan()
    assert not fleet.problems("esat.yaml")
    assert fleet.settings("esat").zone == "a"


def test_a_member_has_one_file(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.write("one.yml", "zone: b")
    fleet.scan()
    assert fleet.settings().zone == "a"
    (problem,) = fleet.problems("one.yml")
    expected = "one file for each member: members/one.yaml has the settings of one"
    assert (problem.reason, problem.expected) == ("DuplicateSettings", expected)
    (fleet.root / "members/one.yaml").unlink()
    fleet.scan()
    assert fleet.settings().zone == "b"
    assert not fleet.state.problems


def test_a_folder_among_the_files_is_a_problem(fleet: Fleet) -> None:
    fleet.write("one/settings.yaml", "zone: a")
    fleet.scan()
    (problem,) = fleet.problems("one")
    assert problem.message == ("'a folder' (expected files members/MEMBER.yaml); it is not read")
    assert fleet.settings() == DEFAULTS


def test_a_directory_that_is_none_changes_nothing(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    fleet.scan()
    (fleet.root / "members").rename(fleet.root / "moved")
    (fleet.root / "members").write_text("no directory")
    (fleet.root / "clusters/two").mkdir()
    fleet.scan()
    assert fleet.settings().zone == "a"
    assert not fleet.state.origins["two"].reachable
    (problem,) = fleet.state.problems[Ref(HUB, "File", "", "members")]
    assert problem.value == "it cannot be read (not a directory)"
    (fleet.root / "members").unlink()
    (fleet.root / "moved").rename(fleet.root / "members")
    fleet.scan()
    assert fleet.settings("two") == DEFAULTS
    assert not fleet.state.problems


def test_a_pipe_is_no_file_of_settings(fleet: Fleet) -> None:
    (fleet.root / "members").mkdir()
    os.mkfifo(fleet.root / "members/one.yaml")
    fleet.scan()
    assert [problem.value for problem in fleet.problems()] == ["it is no regular file"]


# -- nodes ----------------------------------------------------------------------------------------


def test_nodes_of_a_member_are_read_like_its_other_objects(fleet: Fleet) -> None:
    first = node("first", InternalIP="10.0.0.1", ExternalIP="192.0.2.1")
    write(fleet.root, "clusters/one/nodes.yaml", first)
    fleet.scan()
    found = fleet.state.table(Node)[first.ref("one")]
    assert [(a.type, a.address) for a in found.status.addresses] == [
        ("InternalIP", "10.0.0.1"),
        ("ExternalIP", "192.0.2.1"),
    ]
    assert [(c.type, c.status) for c in found.status.conditions] == [("Ready", "True")]
    (fleet.root / "clusters/one/nodes.yaml").unlink()
    assert fleet.scan() == ["deleted Node first in one"]


def test_a_node_on_the_hub_is_not_read(fleet: Fleet) -> None:
    write(fleet.root, "hub/nodes.yaml", node("first"))
    fleet.scan()
    assert not fleet.state.table(Node)


# -- a watched directory --------------------------------------------------------------------------


def test_settings_follow_their_files_while_the_fleet_is_served(fleet: Fleet) -> None:
    def by_gateway(host: str, port: int) -> MemberSettings:
        gateway = MemberGateway(host, port)
        return MemberSettings(HERE, Addressing.GATEWAY, gateway, region="eu")

    def say(*lines: str) -> None:
        fleet.write("one.yaml", "\n".join(lines))

    async def script(listener: Listener) -> None:
        async def until(settings: MemberSettings) -> None:
            await listener.until(lambda: listener.state.settings["one"] == settings)

        say("addressing: gateway", "gateway-address: a.test:80", "region: eu")
        await until(by_gateway("a.test", 80))
        say("addressing: gateway", "gateway-address: b.test:81", "region: eu")
        await until(by_gateway("b.test", 81))
        say("addressing: nodePorts")
        await until(MemberSettings(HERE, Addressing.NODE_PORTS))
        (fleet.root / "members/one.yaml").write_text("region: us")
        await until(MemberSettings(HERE, region="us"))
        (fleet.root / "members/one.yaml").unlink()
        await until(DEFAULTS)

    async def run() -> None:
        async with listening(DirectorySource(fleet.root, DIALECTS.kinds)) as listener:
            await listener.news()
            await script(listener)

    asyncio.run(run())


def test_a_mistake_is_told_while_the_fleet_is_served(fleet: Fleet) -> None:
    at = Ref(HUB, "File", "", "members/one.yaml")

    async def run() -> None:
        async with listening(DirectorySource(fleet.root, DIALECTS.kinds)) as listener:
            await listener.news()
            fleet.write("one.yaml", "zone: '-'")
            await listener.until(lambda: at in listener.state.problems)
            fleet.write("one.yaml", "zone: a")
            await listener.until(lambda: at not in listener.state.problems)
            assert listener.state.settings["one"].zone == "a"

    asyncio.run(run())


def test_the_settings_come_before_the_objects(fleet: Fleet) -> None:
    fleet.write("one.yaml", "zone: a")
    first, *rest = fleet.tree.scan()
    assert first == Configured("one", MemberSettings(HERE, zone="a"))
    assert not [event for event in rest if isinstance(event, Configured | Unreachable)]
