"""After any edits in any order, the state equals that of a source that starts afterwards."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fleet.models import FleetObject
from fleet.ref import Ref
from fleet.sources.tree import Tree
from fleet.state import FleetState
from tests.support.builders import Builder, ingress, secret, service, write
from translators.dialects import DIALECTS

ORIGINS = ("hub", "clusters/one", "clusters/two")
NAMES = ("a.yaml", "b.yaml", "sub/c.yaml")
KINDS = tuple({type(thing.model()) for thing in (ingress("a"), service("a"), secret("a"))})

objects = st.builds(
    lambda name, host, cert: ingress(name, host=host).tls(cert) if cert else ingress(name),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["a.com", "b.com"]),
    st.sampled_from(["", "x", "y"]),
) | st.builds(
    lambda make, name: make(name), st.sampled_from([service, secret]), st.sampled_from(["x", "y"])
)
paths = st.builds("{}/{}".format, st.sampled_from(ORIGINS), st.sampled_from(NAMES))


def table(state: FleetState) -> dict[Ref, FleetObject]:
    return {ref: value for kind in KINDS for ref, value in state.table(kind).items()}


class Edits(RuleBasedStateMachine):
    """Edits after which every file can be read: the objects of a broken file depend on the past."""

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp())
        self.root = self.top / "fleet"
        (self.root / "hub").mkdir(parents=True)
        self.tree = Tree(self.root, DIALECTS.kinds)
        self.state = FleetState()
        self.files: set[str] = set()

    @rule(path=paths, things=st.lists(objects, max_size=3))
    def write(self, path: str, things: list[Builder[FleetObject]]) -> None:
        write(self.root, path, "# a comment\n", *things)
        self.files.add(path)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.files:
            path = data.draw(st.sampled_from(sorted(self.files)))
            (self.root / path).unlink()
            self.files.discard(path)

    @rule(data=st.data(), to=paths)
    def move(self, data: st.DataObject, to: str) -> None:
        if self.files:
            path = data.draw(st.sampled_from(sorted(self.files)))
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).rename(self.root / to)
            self.files = self.files - {path} | {to}

    @rule(origin=st.sampled_from(ORIGINS))
    def go_and_come_back(self, origin: str) -> None:
        if (self.root / origin).exists():
            (self.root / origin).rename(self.top / "apart")
            self.scan()
            (self.top / "apart").rename(self.root / origin)

    @rule(data=st.data(), text=st.sampled_from(["", "[", "a: b: c", "kind: Ingress"]))
    def break_and_repair(self, data: st.DataObject, text: str) -> None:
        if self.files:
            path = data.draw(st.sampled_from(sorted(self.files)))
            good = (self.root / path).read_text()
            write(self.root, path, text)
            before = table(self.state)
            self.scan()
            if text != "kind: Ingress":
                assert before.keys() - table(self.state).keys() == set()
            write(self.root, path, good)

    @rule()
    def scan(self) -> None:
        self.state.apply(self.tree.scan())

    @invariant()
    def the_watched_one_holds_what_a_fresh_reader_finds(self) -> None:
        self.scan()
        fresh = FleetState()
        tree = Tree(self.root, DIALECTS.kinds)
        fresh.apply(tree.scan())
        assert table(self.state) == table(fresh)
        assert self.state.problems == fresh.problems
        assert self.tree.unused == tree.unused
        assert {ref: self.tree.file_of(ref) for ref in table(fresh)} == {
            ref: tree.file_of(ref) for ref in table(fresh)
        }

    def teardown(self) -> None:
        shutil.rmtree(self.top)


Edits.TestCase.settings = settings(max_examples=40, stateful_step_count=15)
TestEdits = Edits.TestCase


PIECES = st.sampled_from(
    [
        "apiVersion: networking.k8s.io/v1\n",
        "kind: Ingress\n",
        "metadata:\n  name: x\n",
        "spec:\n  rules:\n  - host: a\n",
        "  - http: {paths: [{path: /, backend: }]}\n",
        "---\n",
        "kind: List\nitems:\n",
        "- &a {b: *a}\n",
        "{<<: {}}\n",
        "\t",
        "'\\0'\n",
        "\ufeff",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=20) | PIECES.map(str.encode), max_size=8), st.data())
def test_no_bytes_in_a_file_stop_the_others(junk: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write(root, "hub/z.yaml", ingress("control"))
        suffix = data.draw(st.sampled_from([".yaml", ".json"]))
        (root / f"hub/a{suffix}").write_bytes(b"".join(junk))
        state = FleetState()
        state.apply(Tree(root, DIALECTS.kinds).scan())
        assert ingress("control").ref() in state.table(type(ingress("control").model()))
        for problems in state.problems.values():
            for problem in problems:
                problem.message.encode()
