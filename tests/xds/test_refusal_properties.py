"""After any rejections in any order clients come to rest, and the cache tells what they lack.

At rest a client lacks only what was rejected. Beyond the snapshot it keeps only Clusters and
endpoints that a route may need which stands in for a rejected one. When the rejected resources are
replaced, it holds the snapshot.
"""

from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.xds.dialogue import Client
from tests.xds.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    SCOPE,
    Declared,
    eds_cluster,
    resource,
)
from tests.xds.rigs import GROUP, MachineRig
from xds.resource import Resource, TypeUrl

CLUSTERS = ("c1", "c2", "c3")
NAMES = {CLUSTER: CLUSTERS, ENDPOINT: CLUSTERS, LISTENER: ("l1", "l2"), SCOPE: ("h1", "h2")}
NODES = ("envoy-1", "envoy-2")
REFUSED = ("bad1", "bad2")
VERSIONS = ("1", "2", *REFUSED)
Lack = tuple[str, TypeUrl, str]

nodes = st.sampled_from(NODES)
types = st.sampled_from(tuple(NAMES))
places = st.sampled_from([(url, name) for url, names in NAMES.items() for name in names])
versions = st.sampled_from([None, *VERSIONS])


class Refusals(RuleBasedStateMachine):
    """Two clients that reject each response with a bad resource."""

    protocol = ""

    def __init__(self) -> None:
        super().__init__()
        self.rig = MachineRig(self.protocol)
        self.clients: dict[str, Client] = {}

    @initialize()
    def start(self) -> None:
        everything: dict[TypeUrl, Declared] = {
            url: {name: built(url, name, "1", CLUSTERS[0]) for name in names}
            for url, names in NAMES.items()
        }
        self.rig.publish(everything)
        for node in NODES:
            self.connect(node)
        self.come_to_rest()

    def connect(self, node: str) -> None:
        old = self.clients.get(node)
        client = self.clients[node] = self.rig.connect(node)
        for url in NAMES:
            held = old.holds(url) if old else {}
            if old:
                client.held(url).bodies = dict(old.held(url).bodies)
            client.request(url, *(CLUSTERS if url == ENDPOINT else ()), held=held)

    @rule(
        changes=st.dictionaries(places, versions, min_size=1, max_size=4),
        to=st.sampled_from(CLUSTERS),
    )
    def publish(self, changes: dict[tuple[TypeUrl, str], str | None], to: str) -> None:
        for (url, name), version in changes.items():
            self.rig.publish({url: {name: version and built(url, name, version, to)}})

    @rule(node=nodes)
    def receive(self, node: str) -> None:
        self.clients[node].receive()

    @rule(node=nodes, url=types)
    def answer(self, node: str, url: TypeUrl) -> None:
        client = self.clients[node]
        pending = client.held(url).pending
        if pending is None:
            return
        if any(version.startswith("bad") for version in pending.versions.values()):
            client.nack(url)
        else:
            client.ack(url)

    @rule(node=nodes)
    def reconnect(self, node: str) -> None:
        self.clients[node].close()
        self.connect(node)

    @rule()
    def rest(self) -> None:
        self.come_to_rest()
        cache = self.rig.cache
        rejected = {(TypeUrl(r.type_url), r.name): r.message for r in cache.rejections(GROUP)}
        said = {(m.node_id, m.type_url, m.name): m.reason for m in cache.unacknowledged()}
        lacks = set(self.lacks())
        assert lacks <= said.keys()
        declared = cache.snapshot(GROUP)
        for (node, url, name), reason in said.items():
            if message := rejected.get((url, name)):
                assert (node, url, name) in lacks
                assert reason == f"rejected: {message}"
                continue
            # The server cannot know whether the client has kept a part of a rejected response.
            assert reason.startswith("kept")
            assert url in (CLUSTER, ENDPOINT)
            assert name not in declared.get(url, {})
            assert {r for r, _ in rejected} & {SCOPE, LISTENER}
        for client in cache.clients():
            for url, view in client.types.items():
                of = [name for at, to, name in said if (at, to) == (client.node_id, url)]
                assert view.pending == sum((url, name) not in rejected for name in of)

    @rule()
    def mend(self) -> None:
        self.come_to_rest()
        for rejection in self.rig.cache.rejections(GROUP):
            url, name = TypeUrl(rejection.type_url), rejection.name
            self.rig.publish({url: {name: built(url, name, "mended", CLUSTERS[0])}})
        self.come_to_rest()
        assert not self.rig.cache.unacknowledged()
        assert not any(t.pending for c in self.rig.cache.clients() for t in c.types.values())
        assert not list(self.lacks())

    def teardown(self) -> None:
        if self.clients:
            self.rest()
            self.mend()

    def lacks(self) -> Iterator[Lack]:
        """The names under which a client holds something else than is declared."""
        declared = self.rig.cache.snapshot(GROUP)
        for node, client in self.clients.items():
            for url, names in NAMES.items():
                held = client.holds(url)
                for name in names:
                    wanted = declared.get(url, {}).get(name)
                    if wanted is None and url == ENDPOINT and self.protocol == "sotw":
                        continue  # SotW cannot remove endpoints
                    if held.get(name) != (wanted and wanted.version):
                        yield node, url, name

    def come_to_rest(self) -> None:
        quiet = 0
        for _ in range(400):
            quiet += 1
            for node, client in self.clients.items():
                for url in NAMES:
                    self.answer(node, url)
                if client.receive():
                    quiet = 0
            if quiet > 10:  # that is longer than routes wait for endpoints
                return
            self.rig.advance(0.2)
        raise AssertionError("never comes to rest")


def built(url: TypeUrl, name: str, version: str, to: str) -> Resource:
    """A resource, which clients may reject. A host leads to a Cluster, and its version says so."""
    if url == CLUSTER:
        return eds_cluster(name, version)
    if url == SCOPE:
        return resource(name, f"{version}.{to}", to=(to,))
    return resource(name, version)


class DeltaRefusals(Refusals):
    protocol = "delta"


class SotwRefusals(Refusals):
    protocol = "sotw"


TestDelta = DeltaRefusals.TestCase
TestSotw = SotwRefusals.TestCase
TestDelta.settings = settings(max_examples=50, stateful_step_count=20)
TestSotw.settings = settings(max_examples=50, stateful_step_count=20)
__all__ = ["TestDelta", "TestSotw"]
