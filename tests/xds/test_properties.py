"""After any events in any order, a client that has acknowledged all responses holds the snapshot.

Until then no route leads to a Cluster that the client does not have.
"""

from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.xds.dialogue import Client, Response
from tests.xds.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    SCOPE,
    clusters_in,
    eds_cluster,
    resource,
)
from tests.xds.rigs import GROUP, MachineRig
from xds.resource import Resource, TypeUrl

HOSTS = ("h1", "h2", "h3")
CLUSTERS = ("c1", "c2", "c3", "c4")
TYPES = (CLUSTER, ENDPOINT, LISTENER, SCOPE)

hosts = st.fixed_dictionaries(
    {}, optional={host: st.tuples(st.sampled_from(CLUSTERS), st.integers(1, 3)) for host in HOSTS}
)


class Conversation(RuleBasedStateMachine):
    """A fleet that changes, and a client that behaves like Envoy at any timing."""

    protocol = ""
    filling = 0

    def __init__(self) -> None:
        super().__init__()
        self.rig = MachineRig(self.protocol, filling=self.filling)
        self.rejects: set[str] = set()
        self.endpoints_asked: set[str] = set()
        # Over SotW a client does not say what it holds. So on a new stream it gives up at once what
        # was removed, and a route may break.
        self.breaks_allowed = False
        self.client: Client = self.rig.connect()

    @initialize(subscribe=st.permutations(TYPES))
    def start(self, subscribe: list[TypeUrl]) -> None:
        for type_url in subscribe:
            self.subscribe(type_url)

    def subscribe(self, type_url: TypeUrl, held: Mapping[str, str] | None = None) -> None:
        if type_url != ENDPOINT:
            self.client.request(type_url, held=held)
        elif self.endpoints_asked:
            self.client.request(type_url, *sorted(self.endpoints_asked), held=held)

    @rule(
        declared=hosts,
        cluster_version=st.integers(1, 3),
        endpoint_version=st.integers(1, 3),
        listener=st.sampled_from(["1", "2"]),
    )
    def declare(
        self,
        declared: dict[str, tuple[str, int]],
        cluster_version: int,
        endpoint_version: int,
        listener: str,
    ) -> None:
        """Declare hosts, exactly the Clusters that they lead to, and their endpoints."""
        used = {cluster for cluster, _ in declared.values()}
        scopes = {
            host: resource(host, f"{cluster}.{version}", to=(cluster,))
            for host, (cluster, version) in declared.items()
        }
        self.rig.publish(
            {
                LISTENER: {"http": listener},
                SCOPE: {host: scopes.get(host) for host in HOSTS},
                CLUSTER: {
                    c: eds_cluster(c, str(cluster_version)) if c in used else None for c in CLUSTERS
                },
                ENDPOINT: {c: str(endpoint_version) if c in used else None for c in CLUSTERS},
            }
        )

    @rule(name=st.sampled_from(CLUSTERS), version=st.integers(1, 5))
    def change_endpoints(self, name: str, version: int) -> None:
        if name in self.rig.cache.snapshot(GROUP).get(ENDPOINT, {}):
            self.rig.publish({ENDPOINT: {name: str(version)}})

    @rule()
    def receive(self) -> None:
        response = self.client.receive()
        if response:
            self.check(response)

    @rule(type_url=st.sampled_from(TYPES))
    def acknowledge(self, type_url: TypeUrl) -> None:
        if self.client.held(type_url).pending is None:
            return
        self.client.ack(type_url)
        if type_url == CLUSTER:
            self.ask_for_endpoints()

    def ask_for_endpoints(self) -> None:
        wanted = set(self.client.holds(CLUSTER))
        if gone := self.endpoints_asked - wanted:
            self.client.unsubscribe(ENDPOINT, *sorted(gone))
        if new := wanted - self.endpoints_asked:
            self.client.request(ENDPOINT, *sorted(new))
        self.endpoints_asked = wanted

    @rule(type_url=st.sampled_from(TYPES))
    def reject(self, type_url: TypeUrl) -> None:
        """Reject a response with several resources, which are accepted in other company."""
        held = self.client.held(type_url)
        if held.pending is None:
            return
        versions = held.versions
        new = [n for n, version in held.pending.versions.items() if versions.get(n) != version]
        if len(new) > 1:  # a resource that is rejected alone is bad
            self.client.nack(type_url)

    @rule()
    def reconnect(self) -> None:
        old, self.client = self.client, self.rig.connect()
        old.close()
        for type_url in TYPES:
            state = self.client.held(type_url)
            state.bodies = dict(old.held(type_url).bodies)
            self.subscribe(type_url, held=old.holds(type_url))
        self.breaks_allowed = self.protocol == "sotw"

    @rule(seconds=st.sampled_from([0.4, 1.0]))
    def wait(self, seconds: float) -> None:
        self.rig.advance(seconds)

    @rule()
    def come_to_rest(self) -> None:
        for type_url in TYPES:
            self.acknowledge(type_url)
        for _ in range(300):
            response = self.client.receive()
            if response is None and self.quiet():
                break
            if response:
                self.check(response)
                self.acknowledge(TypeUrl(response.type_url))
            self.rig.advance(0.1)
        else:
            raise AssertionError("never comes to rest")
        snapshot = self.rig.cache.snapshot(GROUP)
        for type_url in TYPES:
            held = self.client.holds(type_url)
            declared = {name: r.version for name, r in snapshot.get(type_url, {}).items()}
            if type_url == ENDPOINT and self.client.protocol == "sotw":
                held = {name: held[name] for name in declared}  # no response removes the others
            assert held == declared, type_url
        self.breaks_allowed = False
        assert not self.rig.cache.unacknowledged()
        assert not self.rig.cache.rejections(GROUP)

    def quiet(self) -> bool:
        return all(
            view.pending == 0
            for client in self.rig.cache.clients()
            for view in client.types.values()
        )

    def check(self, response: Response) -> None:
        """Check that Envoy has the Clusters that it routes to after this response."""
        clusters = set(self.client.holds(CLUSTER))
        routes = {n: clusters_in(b) for n, b in self.client.held(SCOPE).bodies.items()}
        if response.type_url == SCOPE:
            for name, body in response.bodies.items():
                assert clusters_in(body) <= clusters, f"{name} leads to a missing Cluster"
        if response.type_url == CLUSTER:
            gone = set(response.removed)
            if self.client.protocol == "sotw":
                gone = clusters - response.bodies.keys()
            for name, targets in routes.items():
                assert self.breaks_allowed or not targets & gone, (
                    f"{name} leads to a Cluster that is gone"
                )

    @invariant()
    def clusters_of_routes_are_there(self) -> None:
        clusters = set(self.client.holds(CLUSTER))
        for body in self.client.held(SCOPE).bodies.values():
            assert self.breaks_allowed or clusters_in(body) <= clusters


class DeltaConversation(Conversation):
    protocol = "delta"


class LargeConversation(Conversation):
    """The same with requests that are large enough for the memo."""

    protocol = "delta"
    filling = 5000


class SotwConversation(Conversation):
    protocol = "sotw"


TestDelta = DeltaConversation.TestCase
TestLarge = LargeConversation.TestCase
TestSotw = SotwConversation.TestCase
TestDelta.settings = settings(max_examples=60, stateful_step_count=30)
TestLarge.settings = settings(max_examples=60, stateful_step_count=30)
TestSotw.settings = settings(max_examples=60, stateful_step_count=30)
__all__ = ["Resource", "TestDelta", "TestLarge", "TestSotw"]
