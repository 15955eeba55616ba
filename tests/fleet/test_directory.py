"""A directory of manifests is scanned: each scan finds what is there, however it came there."""

import gc
import os
import shutil
import time
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from fleet.events import Configured, Listed
from fleet.member_settings import MemberSettings
from fleet.models import Ingress, Secret, Service
from fleet.pod_addresses import PodAddresses
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources import files
from fleet.sources.tree import NoFleetError, Tree
from fleet.state import FleetState
from tests.fleet.rigs import line
from tests.support.builders import (
    Builder,
    Manifest,
    ingress,
    ingress_class,
    secret,
    service,
    write,
)
from tests.support.work import lines_run
from translators.dialects import DIALECTS

SHOP = ingress("shop", host="example.com").path("/", to="shop:80")
OTHER = ingress("other", host="other.com").path("/", to="shop:80")
CART = service("cart", ports={"http": 80})
CERTIFICATE = secret("cert", {"tls.crt": "YQ=="})

CODE = (type, FunctionType, ModuleType)
"""Types of objects that are code, through which all objects of the process are reachable."""


class Fleet:
    """A directory fleet, its tree, and the state that its scans add up to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "hub").mkdir()
        (root / "clusters/one").mkdir(parents=True)
        self.tree = Tree(root, DIALECTS.kinds)
        self.state = FleetState()

    def write(self, name: str, *objects: Builder[Any] | Manifest | str) -> None:
        write(self.root, name, *objects)

    def scan(self) -> list[str]:
        """The events of a scan as short lines, without Listed and Configured."""
        events = self.tree.scan()
        self.state.apply(events)
        return [line(event) for event in events if not isinstance(event, Listed | Configured)]

    def problems(self, ref: Ref) -> list[Problem]:
        return list(self.state.problems.get(ref, ()))

    @property
    def hosts(self) -> list[str]:
        """The hosts of the Ingresses in force."""
        return sorted(i.spec.rules[0].host for i in self.state.table(Ingress).values())


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def file(name: str, origin: str = HUB) -> Ref:
    return Ref(origin, "File", "", name)


# -- what is read --------------------------------------------------------------------------------


def test_members_are_listed_before_the_hub_whose_gateways_attach_them(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.write("clusters/one/x.yaml", CART)
    fleet.write("clusters/two/x.yaml", CART)
    assert [line(event) for event in fleet.tree.scan()] == [
        "configured one",
        "upserted Service default/cart in one",
        "listed one",
        "configured two",
        "upserted Service default/cart in two",
        "listed two",
        "upserted Ingress default/shop",
        "listed hub",
    ]


@pytest.mark.parametrize("name", ["x.yaml", "x.yml", "x.json", "a/b/c/x.yaml", "späti x.yaml"])
def test_manifests_are_read_in_folders_below_too(fleet: Fleet, name: str) -> None:
    text = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}}'
    fleet.write(f"clusters/one/{name}", text)
    assert fleet.scan() == ["upserted Service default/cart in one"]
    assert fleet.tree.file_of(CART.ref("one")) == f"clusters/one/{name}"


@pytest.mark.parametrize(
    "name",
    [
        ".x.yaml",
        "x.yaml~",
        ".x.yaml.swp",
        "#x.yaml#",
        "x.yaml.bak",
        "README.md",
        ".git/x.yaml",
        "old~/x.yaml",
        "..data/x.yaml",
    ],
)
def test_hidden_and_backup_files_are_not_read(fleet: Fleet, name: str) -> None:
    fleet.write(f"hub/{name}", SHOP)
    assert fleet.scan() == []


def test_a_hidden_folder_is_no_member(fleet: Fleet) -> None:
    fleet.write("clusters/.git/x.yaml", CART)
    assert fleet.scan() == []
    assert set(fleet.state.origins) == {HUB, "one"}


def test_a_manifest_beside_the_members_is_reported(fleet: Fleet) -> None:
    fleet.write("clusters/x.yaml", CART)
    assert fleet.scan() == ["refused File clusters/x.yaml: MisplacedFile"]
    (fleet.root / "clusters/x.yaml").unlink()
    assert fleet.scan() == ["refused File clusters/x.yaml"]
    assert not fleet.state.problems


def test_endpoints_of_a_member_may_be_processes_of_this_machine(fleet: Fleet) -> None:
    fleet.scan()
    assert fleet.state.settings == {"one": MemberSettings(PodAddresses(loopback=True))}


def test_several_documents_and_lists_are_several_objects(fleet: Fleet) -> None:
    items = [SHOP.manifest, OTHER.manifest]
    fleet.write("hub/x.yaml", ingress("a"), {"apiVersion": "v1", "kind": "List", "items": items})
    assert fleet.scan() == [
        "upserted Ingress default/a",
        "upserted Ingress default/other",
        "upserted Ingress default/shop",
    ]


def test_objects_that_are_not_needed_are_counted(fleet: Fleet) -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\n"
    fleet.write("clusters/one/x.yaml", CART, deployment, deployment)
    fleet.write("hub/x.yaml", deployment, CART)
    assert fleet.scan() == ["upserted Service default/cart in one"]
    assert fleet.tree.unused == {"Deployment": 3, "Service": 1}
    fleet.write("clusters/one/x.yaml", CART, deployment)
    fleet.scan()
    assert fleet.tree.unused == {"Deployment": 2, "Service": 1}
    (fleet.root / "hub/x.yaml").unlink()
    fleet.scan()
    assert fleet.tree.unused == {"Deployment": 1}


# -- what has changed ----------------------------------------------------------------------------


def test_files_that_have_not_changed_are_not_read_again(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.write("hub/y.yaml", OTHER)
    for name in ("hub/x.yaml", "hub/y.yaml"):
        age(fleet.root / name, monkeypatch)
    fleet.scan()
    read = files.read
    paths: list[Path] = []

    def note(path: Path) -> tuple[bytes, files.Stamp | None]:
        paths.append(path)
        return read(path)

    monkeypatch.setattr(files, "read", note)
    fleet.scan()
    assert paths == []
    fleet.write("hub/y.yaml", "# other")
    fleet.scan()
    assert paths == [fleet.root / "hub/y.yaml"]


def age(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the clock to after the time from which on the file's stamp is trusted."""
    status = path.stat()
    later = max(status.st_mtime_ns, status.st_ctime_ns) + files.SETTLED_AFTER + 1
    monkeypatch.setattr(time, "time_ns", lambda: later)


def test_content_that_is_the_same_is_not_parsed_again(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP)
    parsed = lines_run(fleet.scan)
    fleet.write("hub/x.yaml", SHOP)
    assert lines_run(fleet.scan) < parsed / 2


def test_a_write_within_one_tick_of_the_clock_is_seen(fleet: Fleet) -> None:
    """A write right after the scan can leave inode, size and times as they were."""
    path = fleet.root / "hub/x.yaml"
    for host in ("a.com", "b.com", "c.com", "d.com"):
        with path.open("w") as written:
            written.write(yaml_of(ingress("shop", host=host)))
        os.utime(path, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))
        fleet.scan()
        assert fleet.hosts == [host]


def yaml_of(thing: Builder[Any]) -> str:
    return str(thing.manifest)  # the repr of a dict is YAML in flow style


def test_a_file_that_moves_keeps_its_objects(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.scan()
    (fleet.root / "hub/sub").mkdir()
    (fleet.root / "hub/x.yaml").rename(fleet.root / "hub/sub/y.yaml")
    assert fleet.scan() == []
    assert fleet.tree.file_of(SHOP.ref()) == "hub/sub/y.yaml"


def test_a_folder_that_is_moved_in_and_out_is_read_and_forgotten(fleet: Fleet) -> None:
    fleet.write("apart/x.yaml", SHOP)
    fleet.scan()
    (fleet.root / "apart").rename(fleet.root / "hub/sub")
    assert fleet.scan() == ["upserted Ingress default/shop"]
    (fleet.root / "hub/sub").rename(fleet.root / "apart")
    assert fleet.scan() == ["deleted Ingress default/shop"]


def test_a_mounted_config_map_is_read_through_its_links(fleet: Fleet) -> None:
    """The kubelet writes each version to a new folder, and points the link `..data` to it."""
    hub = fleet.root / "hub"
    fleet.write("hub/..v1/x.yaml", SHOP)
    (hub / "..data").symlink_to("..v1")
    (hub / "x.yaml").symlink_to("..data/x.yaml")
    assert fleet.scan() == ["upserted Ingress default/shop"]
    fleet.write("hub/..v2/x.yaml", SHOP.of_class("mse"))
    (hub / "..new").symlink_to("..v2")
    (hub / "..new").rename(hub / "..data")
    assert fleet.scan() == ["upserted Ingress default/shop"]


def test_a_folder_that_links_to_one_above_ends(fleet: Fleet) -> None:
    fleet.write("hub/sub/x.yaml", SHOP)
    (fleet.root / "hub/sub/up").symlink_to("..")
    assert fleet.scan() == ["upserted Ingress default/shop"]


# -- files that cannot be read -------------------------------------------------------------------

UNREADABLE = [
    pytest.param("", "EmptyFile", "", id="empty"),
    pytest.param(" \n\n", "EmptyFile", "", id="blank"),
    pytest.param("---\n", "EmptyFile", "", id="separator"),
    pytest.param("a: b: c", "UnreadableFile", "line 1, column 5", id="broken-yaml"),
    pytest.param("apiVersion: v1\nkind: [", "UnreadableFile", "line 3, column 1", id="half"),
    pytest.param("metadata: {}", "NotAnObject", "kind (document at line 1)", id="no-kind"),
    pytest.param(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  na",
        "InvalidField",
        "metadata (document at line 1)",
        id="half-that-is-yaml",
    ),
    pytest.param(
        "apiVersion: networking.k8s.io/v1\nkind: Ingres\nmetadata: {name: shop}",
        "UnknownKind",
        "kind (document at line 1)",
        id="kind-with-a-typo",
    ),
]


@pytest.mark.parametrize(("text", "reason", "key"), UNREADABLE)
def test_a_file_that_cannot_be_read_keeps_what_it_held(
    fleet: Fleet, text: str, reason: str, key: str
) -> None:
    fleet.write("hub/x.yaml", SHOP, OTHER)
    fleet.scan()
    fleet.write("hub/x.yaml", text)
    assert fleet.scan() == [f"refused File hub/x.yaml: {reason}"]
    assert fleet.hosts == ["example.com", "other.com"]
    (problem,) = fleet.problems(file("hub/x.yaml"))
    assert problem.key == key
    assert problem.effect == "what the file held before stays in force"


@pytest.mark.parametrize(("text", "reason", "key"), UNREADABLE)
def test_the_next_good_version_repairs_it(fleet: Fleet, text: str, reason: str, key: str) -> None:
    fleet.write("hub/x.yaml", SHOP, OTHER)
    fleet.scan()
    fleet.write("hub/x.yaml", text)
    fleet.scan()
    fleet.write("hub/x.yaml", SHOP)
    assert fleet.scan() == ["refused File hub/x.yaml", "deleted Ingress default/other"]
    assert not fleet.state.problems, (reason, key)


def test_a_broken_file_that_is_removed_takes_objects_and_complaint_with_it(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.scan()
    fleet.write("hub/x.yaml", "[")
    fleet.scan()
    (fleet.root / "hub/x.yaml").unlink()
    fleet.scan()
    assert not fleet.state.table(Ingress)
    assert not fleet.state.problems


@pytest.mark.parametrize("text", ["# nothing\n", "# a\n---\n# b\n"])
def test_a_file_of_comments_holds_nothing(fleet: Fleet, text: str) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.scan()
    fleet.write("hub/x.yaml", text)
    assert fleet.scan() == ["deleted Ingress default/shop"]


def test_an_empty_file_that_never_held_anything_is_no_mistake(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", "")
    assert fleet.scan() == []


def test_a_broken_file_harms_no_other(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", "[")
    fleet.write("hub/b.yaml", SHOP)
    assert fleet.scan() == [
        "refused File hub/a.yaml: UnreadableFile",
        "upserted Ingress default/shop",
    ]


def test_a_refused_object_harms_no_other_of_its_file(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP.with_spec(rules=5), OTHER)
    assert fleet.scan() == [
        "upserted Ingress default/other",
        "refused Ingress default/shop: InvalidField",
    ]


def test_an_object_without_a_name_is_reported_and_the_others_are_read(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", "kind: Ingress\napiVersion: networking.k8s.io/v1\n", SHOP)
    assert fleet.scan() == [
        "refused File hub/x.yaml: InvalidField",
        "upserted Ingress default/shop",
    ]


@pytest.mark.parametrize(
    ("data", "key", "value"),
    [
        pytest.param(b"a: 1\nb: \xff", "line 2", "the byte 0xff", id="no-utf-8"),
        pytest.param("a: ä".encode("utf-16"), "line 1", "the byte 0xff", id="utf-16"),
        pytest.param(b"a" * (files.MAX_BYTES + 1), "", "it is larger than 16 MiB", id="too-large"),
    ],
)
def test_bytes_that_are_no_text_are_a_problem(
    fleet: Fleet, data: bytes, key: str, value: str
) -> None:
    fleet.write("hub/x.yaml", SHOP)
    fleet.scan()
    (fleet.root / "hub/x.yaml").write_bytes(data)
    fleet.scan()
    (problem,) = fleet.problems(file("hub/x.yaml"))
    assert (problem.key, problem.value) == (key, value)
    assert fleet.hosts == ["example.com"]


def test_a_byte_order_mark_is_no_mistake(fleet: Fleet) -> None:
    (fleet.root / "hub/x.yaml").write_text(yaml_of(SHOP), encoding="utf-8-sig")
    assert fleet.scan() == ["upserted Ingress default/shop"]


def test_a_named_pipe_does_not_hold_the_scan_up(fleet: Fleet) -> None:
    os.mkfifo(fleet.root / "hub/x.yaml")
    assert fleet.scan() == ["refused File hub/x.yaml: UnreadableFile"]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/proc/self/mem"])
def test_what_is_no_file_of_a_disk_is_not_read(fleet: Fleet, device: str) -> None:
    (fleet.root / "hub/x.yaml").symlink_to(device)
    fleet.write("hub/y.yaml", SHOP)
    assert fleet.scan() == [
        "refused File hub/x.yaml: UnreadableFile",
        "upserted Ingress default/shop",
    ]


def test_folders_without_end_are_not_looked_into(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", SHOP)
    deep = Path(fleet.root / "hub", *["a"] * (files.MAX_FOLDERS + 2))
    deep.mkdir(parents=True)
    (said,) = [each for each in fleet.scan() if "File" in each]
    assert said == f"refused File hub{'/a' * (files.MAX_FOLDERS + 1)}: UnreadableFile"
    assert fleet.hosts == ["example.com"]


def test_a_link_to_nowhere_keeps_what_it_led_to(fleet: Fleet) -> None:
    fleet.write("apart.yaml", SHOP)
    (fleet.root / "hub/x.yaml").symlink_to(fleet.root / "apart.yaml")
    fleet.scan()
    (fleet.root / "apart.yaml").unlink()
    assert fleet.scan() == ["refused File hub/x.yaml: UnreadableFile"]
    assert fleet.hosts == ["example.com"]
    (fleet.root / "hub/x.yaml").unlink()
    assert fleet.scan() == ["refused File hub/x.yaml", "deleted Ingress default/shop"]


def test_a_file_name_that_is_no_text_is_shown_all_the_same(fleet: Fleet) -> None:
    path = os.fsencode(fleet.root) + b"/hub/\xff.yaml"
    Path(os.fsdecode(path)).write_text("[")
    assert fleet.scan() == ["refused File hub/\\xff.yaml: UnreadableFile"]


def test_a_folder_that_cannot_be_read_keeps_what_it_held(fleet: Fleet) -> None:
    """The folder is a link to itself, since root can read every real folder."""
    fleet.write("hub/sub/x.yaml", SHOP)
    fleet.scan()
    (fleet.root / "hub/sub").rename(fleet.root / "apart")
    (fleet.root / "hub/sub").symlink_to("sub")
    assert fleet.scan() == ["refused File hub/sub: UnreadableFile"]
    assert fleet.hosts == ["example.com"]
    (fleet.root / "hub/sub").unlink()
    assert fleet.scan() == ["refused File hub/sub", "deleted Ingress default/shop"]


def test_a_file_that_never_held_anything_keeps_nothing(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", "[")
    fleet.write("hub/y.yaml", "metadata: {}")
    fleet.scan()
    found = [*fleet.problems(file("hub/x.yaml")), *fleet.problems(file("hub/y.yaml"))]
    assert [problem.effect for problem in found] == ["", ""]


@pytest.mark.parametrize("broken", ["file", "link"])
def test_a_folder_of_members_that_cannot_be_read_is_told(fleet: Fleet, broken: str) -> None:
    shutil.rmtree(fleet.root / "clusters")
    if broken == "file":
        (fleet.root / "clusters").touch()
        why = "it cannot be read (not a directory)"
    else:
        (fleet.root / "clusters").symlink_to("clusters")
        why = "it cannot be read (too many levels of symbolic links)"
    fleet.scan()
    (problem,) = fleet.problems(file("clusters"))
    assert problem.value == why
    (fleet.root / "clusters").unlink()
    fleet.write("clusters/one/x.yaml", CART)
    fleet.scan()
    assert not fleet.state.problems


# -- one name, several manifests -----------------------------------------------------------------


def test_of_two_files_the_first_by_path_counts(fleet: Fleet) -> None:
    fleet.write("hub/b.yaml", ingress("shop", host="b"))
    fleet.scan()
    assert fleet.hosts == ["b"]
    fleet.write("hub/a.yaml", ingress("shop", host="a"))
    assert fleet.scan() == ["upserted Ingress default/shop: DuplicateObject"]
    assert fleet.hosts == ["a"]
    assert fleet.tree.file_of(SHOP.ref()) == "hub/a.yaml"
    (problem,) = fleet.problems(SHOP.ref())
    assert problem.value == "declared in hub/a.yaml and hub/b.yaml"


def test_the_later_copy_takes_over_when_the_first_goes(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", ingress("shop", host="a"))
    fleet.write("hub/b.yaml", ingress("shop", host="b"))
    fleet.scan()
    (fleet.root / "hub/a.yaml").unlink()
    assert fleet.scan() == ["upserted Ingress default/shop"]
    assert fleet.hosts == ["b"]


def test_a_copy_that_goes_settles_the_complaint(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", SHOP)
    fleet.write("hub/b.yaml", SHOP)
    fleet.scan()
    (fleet.root / "hub/b.yaml").unlink()
    assert fleet.scan() == ["upserted Ingress default/shop"]
    assert not fleet.state.problems


def test_in_one_file_the_first_document_counts(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", ingress("shop", host="first"), ingress("shop", host="second"))
    assert fleet.scan() == ["upserted Ingress default/shop: DuplicateObject"]
    assert fleet.hosts == ["first"]
    (problem,) = fleet.problems(SHOP.ref())
    assert problem.value == "declared 2 times in hub/a.yaml"
    assert problem.effect == "the first one counts"


def test_a_key_that_is_written_twice_is_a_problem_of_the_object(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", yaml_of(SHOP)[:-1] + ", spec: {rules: [{host: last}]}}")
    assert fleet.scan() == ["upserted Ingress default/shop: DuplicateKey"]
    assert fleet.hosts == ["last"]


# -- directories that vanish ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "lost"),
    [
        pytest.param("clusters/one", {"one"}, id="member"),
        pytest.param("clusters", {"one"}, id="all-members"),
        pytest.param("hub", {HUB}, id="hub"),
        pytest.param(".", {HUB, "one"}, id="everything"),
    ],
)
def test_a_directory_that_vanishes_keeps_what_it_held(
    tmp_path: Path, gone: str, lost: set[str]
) -> None:
    (tmp_path / "fleet").mkdir()
    fleet = Fleet(tmp_path / "fleet")
    fleet.write("hub/x.yaml", SHOP)
    fleet.write("clusters/one/x.yaml", CART)
    fleet.scan()
    (fleet.root / gone).rename(tmp_path / "apart")
    fleet.scan()
    assert {name for name, o in fleet.state.origins.items() if not o.reachable} == lost
    assert SHOP.ref() in fleet.state.table(Ingress)
    assert CART.ref("one") in fleet.state.table(Service)
    assert fleet.scan() == []
    (tmp_path / "apart").rename(fleet.root / gone)
    fleet.scan()
    assert all(origin.reachable for origin in fleet.state.origins.values())


def test_the_sentence_names_the_directory(fleet: Fleet) -> None:
    fleet.scan()
    shutil.rmtree(fleet.root / "clusters/one")
    fleet.scan()
    message = fleet.state.origins["one"].message
    assert message == "the directory clusters/one is gone; what it held stays in force"


def test_a_member_that_is_no_directory_any_more_cannot_be_reached(fleet: Fleet) -> None:
    fleet.write("clusters/one/x.yaml", CART)
    fleet.scan()
    shutil.rmtree(fleet.root / "clusters/one")
    (fleet.root / "clusters/one").touch()
    assert fleet.scan() == ["unreachable one"]
    assert CART.ref("one") in fleet.state.table(Service)


def test_a_member_that_goes_while_it_is_read_loses_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory is removed after its files, and a scan may happen in between."""
    fleet.write("clusters/one/x.yaml", CART)
    fleet.scan()
    (fleet.root / "clusters/one/x.yaml").unlink()
    listing = files.list_manifests

    def list_and_remove(directory: Path, name: str) -> files.Listing:
        found = listing(directory, name)
        if name == "clusters/one":
            directory.rmdir()
        return found

    monkeypatch.setattr(files, "list_manifests", list_and_remove)
    assert fleet.scan() == ["unreachable one"]
    assert CART.ref("one") in fleet.state.table(Service)


def test_what_changed_while_a_member_was_away_is_said_when_it_is_back(
    tmp_path: Path, fleet: Fleet
) -> None:
    fleet.write("clusters/one/x.yaml", CART, service("gone"))
    fleet.scan()
    (fleet.root / "clusters/one").rename(tmp_path / "apart")
    fleet.scan()
    write(tmp_path, "apart/x.yaml", CART, service("new"))
    assert fleet.scan() == []
    (tmp_path / "apart").rename(fleet.root / "clusters/one")
    assert fleet.scan() == [
        "deleted Service default/gone in one",
        "upserted Service default/new in one",
    ]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        pytest.param([], "is not a directory", id="nothing"),
        pytest.param(["fleet/clusters"], "it has no directory hub/", id="no-hub"),
    ],
)
def test_a_place_that_is_no_fleet_is_refused_in_a_sentence(
    tmp_path: Path, made: list[str], sentence: str
) -> None:
    for name in made:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(NoFleetError, match=sentence):
        Tree(tmp_path / "fleet", DIALECTS.kinds).check()


def test_a_fleet_without_members_is_one(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    tree = Tree(tmp_path, DIALECTS.kinds)
    tree.check()
    assert [line(event) for event in tree.scan()] == ["listed hub"]


# -- Secrets -------------------------------------------------------------------------------------


def has_secrets(tree: Tree) -> bool:
    """Whether a Secret's model is anywhere in the memory that the tree refers to."""
    seen = {id(tree)}
    waiting: list[object] = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Secret):
            return True
        for referent in gc.get_referents(value):
            if id(referent) not in seen and not isinstance(referent, CODE):
                seen.add(id(referent))
                waiting.append(referent)
    return False


def test_bytes_of_secrets_that_nobody_references_are_not_kept(fleet: Fleet) -> None:
    fleet.write("hub/cert.yaml", CERTIFICATE, "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n")
    assert fleet.scan() == []
    assert not has_secrets(fleet.tree)
    fleet.write("hub/x.yaml", SHOP.tls("cert"))
    fleet.scan()
    assert has_secrets(fleet.tree)
    fleet.write("hub/x.yaml", SHOP)
    assert fleet.scan() == ["upserted Ingress default/shop", "deleted Secret default/cert"]
    assert not has_secrets(fleet.tree)


def test_a_file_is_read_again_when_its_secret_becomes_needed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write("hub/cert.yaml", CERTIFICATE)
    age(fleet.root / "hub/cert.yaml", monkeypatch)
    fleet.scan()
    fleet.write("hub/x.yaml", SHOP.tls("cert"))
    assert fleet.scan() == ["upserted Ingress default/shop", "upserted Secret default/cert"]


def test_a_secret_in_the_file_of_its_ingress_is_read_at_once(fleet: Fleet) -> None:
    fleet.write("hub/x.yaml", CERTIFICATE, SHOP.tls("cert"))
    assert fleet.scan() == ["upserted Ingress default/shop", "upserted Secret default/cert"]


def test_the_copy_of_a_secret_takes_over(fleet: Fleet) -> None:
    fleet.write("hub/a.yaml", CERTIFICATE)
    fleet.write("hub/b.yaml", secret("cert", {"tls.crt": "Yg=="}))
    fleet.write("hub/x.yaml", SHOP.tls("cert"))
    fleet.scan()
    (fleet.root / "hub/a.yaml").unlink()
    assert fleet.scan() == ["upserted Secret default/cert"]
    assert fleet.state.table(Secret)[CERTIFICATE.ref()].data == {"tls.crt": "Yg=="}


def test_a_secret_whose_file_breaks_stays(fleet: Fleet) -> None:
    fleet.write("hub/cert.yaml", CERTIFICATE)
    fleet.write("hub/x.yaml", SHOP.tls("cert"))
    fleet.scan()
    fleet.write("hub/cert.yaml", "[")
    fleet.scan()
    assert fleet.state.table(Secret)[CERTIFICATE.ref()] == CERTIFICATE.model()


def test_a_file_that_goes_while_it_is_looked_at_is_no_mistake(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write("hub/shop.yaml", SHOP)
    fleet.scan()
    real = files.read

    def read(path: Path) -> tuple[bytes, files.Stamp | None]:
        path.unlink()
        return real(path)

    monkeypatch.setattr(files, "read", read)
    fleet.write("hub/shop.yaml", OTHER)
    assert fleet.scan() == []
    monkeypatch.undo()
    assert fleet.scan() == ["deleted Ingress default/shop"]


# -- the class of an Ingress that names none -------------------------------------------------------

IS_DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}
PLAIN, STANDARD = ingress_class("plain"), ingress_class("standard").annotate(IS_DEFAULT)


def classes(fleet: Fleet) -> dict[str, str | None]:
    """The class of each Ingress in force."""
    table = fleet.state.table(Ingress)
    return {ref.name: ingress.spec.ingress_class_name for ref, ingress in table.items()}


def test_an_ingress_without_a_class_gets_the_default_one(fleet: Fleet) -> None:
    by_annotation = OTHER.annotate({"kubernetes.io/ingress.class": "old"})
    named = ingress("named", host="named.com").of_class("plain")
    fleet.write("hub/web.yaml", SHOP, by_annotation, named)
    fleet.write("hub/classes.yaml", PLAIN, STANDARD)
    fleet.scan()
    assert classes(fleet) == {"shop": "standard", "other": None, "named": "plain"}


def test_the_default_class_comes_and_goes(fleet: Fleet) -> None:
    fleet.write("hub/web.yaml", SHOP, OTHER.of_class("plain"))
    fleet.scan()
    assert classes(fleet)["shop"] is None
    fleet.write("hub/classes.yaml", STANDARD)
    assert fleet.scan() == ["upserted Ingress default/shop", "upserted IngressClass standard"]
    assert classes(fleet)["shop"] == "standard"
    (fleet.root / "hub/classes.yaml").unlink()
    fleet.scan()
    assert classes(fleet) == {"shop": None, "other": "plain"}


@pytest.mark.parametrize(
    ("marked", "chosen"),
    [
        pytest.param([PLAIN.annotate(dict.fromkeys(IS_DEFAULT, "yes"))], None, id="no"),
        pytest.param(
            [
                PLAIN.annotate(IS_DEFAULT).created("2026-02-01T00:00:00Z"),
                STANDARD.created("2026-01-01T00:00:00Z"),
            ],
            "plain",
            id="the-newest",
        ),
        pytest.param([STANDARD, PLAIN.annotate(IS_DEFAULT)], "plain", id="the-first-by-name"),
    ],
)
def test_of_several_default_classes_one_counts(
    fleet: Fleet, marked: list[Builder[Any]], chosen: str | None
) -> None:
    fleet.write("hub/web.yaml", SHOP)
    fleet.write("hub/classes.yaml", *marked)
    fleet.scan()
    assert classes(fleet)["shop"] == chosen


def test_a_default_class_that_cannot_be_read_stays_it(fleet: Fleet) -> None:
    fleet.write("hub/web.yaml", SHOP)
    fleet.write("hub/classes.yaml", STANDARD)
    fleet.scan()
    manifest = {**STANDARD.manifest, "spec": 5}
    fleet.write("hub/classes.yaml", manifest)
    fleet.scan()
    assert fleet.problems(STANDARD.ref())
    assert classes(fleet)["shop"] == "standard"
