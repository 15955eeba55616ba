"""The tables of backends: the Clusters of routes, and the endpoints behind them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from fleet.member_settings import Addressing, MemberSettings
from fleet.models import EndpointSlice, Service
from fleet.problem import Problem
from fleet.ref import Ref
from translators.envoy.assignments import Assignment, assign
from translators.envoy.clusters import build_cluster, build_outside
from translators.envoy.health_checks import checked_at
from translators.envoy.names import backend_name
from translators.envoy.parts import ClusterParts
from translators.graph.credentials import CredentialTables
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.hosts import HostTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.graph.keys import HostKey, OutsideKey, ServiceKey, ServiceOf, TargetKey
from translators.graph.nodes import NodeTables
from translators.graph.row_weights import RowWeights
from translators.merge.addressing import (
    Reached,
    at_gateway,
    at_nodes,
    each_once,
    is_local,
    nearest,
    node_port,
    nodes_with_pods,
    unreached,
)
from translators.merge.nodes import UsableNode, used_by
from translators.merge.pools import Pools, is_preferred, spoken_by
from translators.merge.scopes import NOTHING, Claim, Settled, settle
from translators.merge.slices import read_slice
from translators.model.backends import Backend, BackendProtocol, Outside, Target
from translators.model.division import Division, by_weight
from translators.model.endpoints import (
    Lack,
    PodEndpoint,
    ServingEndpoint,
    SliceEndpoints,
    StandIn,
)
from translators.model.gateways import MemberGateways, Upstreams
from translators.model.host_plans import HostPlan
from translators.model.ingresses import IngressRules
from translators.model.member_weights import MemberWeights
from translators.model.nearness import NOWHERE, Place, Prefer, tiers_by_nearness
from translators.model.policy import Scope
from translators.policies.policy import cluster_parts, services_of
from xds.resource import Resource

SERVICE_NAME: Final = "kubernetes.io/service-name"
"""The label of an EndpointSlice that names its Service."""


class BackendTables:
    """The tables of what stands behind the routes of all hosts."""

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        gateways: GatewayTables,
        ingresses: IngressTables,
        hosts: HostTables,
        credentials: CredentialTables,
        weights: RowWeights,
    ) -> None:
        self._inputs = inputs
        self._gateways = gateways
        self._ingresses = ingresses
        self.credentials = credentials
        self.slice_endpoints = Derived(
            graph, "slice endpoints", inputs.slices, self._slice_endpoints, weights.of_slice
        )
        self.nodes = NodeTables(graph, inputs)
        self.slices_of = Index(graph, "slices of", inputs.slices, _service_of)
        self.targets = Index(graph, "targets", hosts.plans, _targets)
        self._speaking = Index(graph, "naming a protocol", inputs.services, _with_protocol)
        self._asking = Index(graph, "asking for policies", ingresses.rules, _asks_for)
        weighting = Index(graph, "weighting", ingresses.rules, _weighs)
        self.weights = Derived(graph, "member weights", weighting, self._weights)
        outside = Index(graph, "outside", hosts.plans, _outside)
        self.outside = Derived(graph, "outside clusters", outside, self._outside_cluster)
        self.clusters = Derived(graph, "clusters", self.targets, self._cluster)
        leading = Index(graph, "before other backends", hosts.plans, _followed)
        self._followed = Derived(graph, "followed backends", leading, lambda _, __: True)
        self.assignments = Derived(
            graph, "assignments", self.targets, self._assignment, weights.of_pool
        )
        self.lacks = Derived(graph, "lacks", self.assignments, self._lack)
        inline = Index(graph, "assignments with names", self.assignments, _inline)
        self.inline_clusters = Derived(graph, "clusters with names", inline, self._inline_cluster)
        self.unreached = Index(
            graph, "unreached Services", self.assignments, lambda _, row: row.unreached
        )

    def _slice_endpoints(self, view: View, ref: Ref) -> SliceEndpoints:
        settings = view.get(self._inputs.settings, ref.origin) or MemberSettings()
        read = read_slice(ref, view.must(self._inputs.slices, ref), settings.addresses)
        if settings.addressing is Addressing.PODS:
            return read
        by_nodes = settings.addressing is Addressing.NODE_PORTS
        return replace(read, by_nodes=by_nodes, gateway=settings.gateway)

    def settled(self, view: View, key: ServiceOf) -> Settled:
        """Settle the policies of a Service at a gateway; most Services have none."""
        claims = []
        for ref in view.group(self._asking, (key.namespace, key.service)):
            ingress = view.must(self._ingresses.rules, ref)
            taken = key.gateway in view.must(self._ingresses.attachments, ref).gateways
            if taken and (by := ingress.by):
                claims += [Claim(*by, each) for each in ingress.policies_of(Scope.SERVICE)]
        return settle(claims, f"Service {key.namespace}/{key.service}") if claims else NOTHING

    def _cluster(self, view: View, key: TargetKey, inline: bytes = b"") -> Resource:
        gateway, target = key
        backend = target.backends[0]
        parts = self._parts(view, gateway, backend)
        upstreams = view.must(self._gateways.upstreams, gateway)
        if upstreams.gateways:
            upstreams = upstreams._replace(gateways=self._gateways_of(view, upstreams, backend))
        spoken = self._spoken(view, gateway, backend)
        return build_cluster(target, upstreams, parts, spoken, inline)

    def _gateways_of(self, view: View, upstreams: Upstreams, backend: Backend) -> MemberGateways:
        """Return the members with an ingress of their own that have the Service of a backend.

        Settings for TLS take much of an Envoy's memory, so no other Cluster has them.
        """
        service = (backend.namespace, backend.service)
        return tuple(
            (member, each)
            for member, each in upstreams.gateways
            if view.get(self._inputs.services, Ref(member, "Service", *service)) is not None
        )

    def _inline_cluster(self, view: View, key: TargetKey) -> Resource:
        """Make the Cluster that takes the place of the other one while endpoints have names."""
        return self._cluster(view, key, view.must(self.assignments, key).resource.body)

    def _parts(self, view: View, gateway: Ref, backend: Backend) -> ClusterParts | None:
        """Collect what policies of its Service add to a Cluster."""
        service = ServiceOf(gateway, backend.namespace, backend.service)
        policies = self.settled(view, service).policies
        held = [(ref, self.credentials.of(view, ref)) for each in policies for ref in each.secrets]
        return cluster_parts(policies, tuple(held))

    def _spoken(self, view: View, gateway: Ref, backend: Backend) -> BackendProtocol:
        """Return what the ports of its Service say in the members; the first one that does counts.

        A Cluster has one protocol for the Pods of all members.
        """
        naming = view.group(self._speaking, (backend.namespace, backend.service))
        if naming and backend.protocol is None:
            by_member = {ref.origin: ref for ref in naming}
            for member in view.must(self._gateways.members, gateway):
                if ref := by_member.get(member):
                    said = spoken_by(view.must(self._inputs.services, ref), backend.port)
                    if said is not None:
                        return said
        return BackendProtocol.HTTP

    def _outside_cluster(self, view: View, key: OutsideKey) -> Resource:
        gateway, outside = key
        return build_outside(outside, view.must(self._gateways.upstreams, gateway).limits)

    def _weights(self, view: View, ref: Ref) -> MemberWeights | None:
        """Return the weights of an Ingress, so that its other changes concern no assignment."""
        return view.must(self._ingresses.rules, ref).weights

    def _assignment(self, view: View, key: TargetKey) -> Assignment | None:
        gateway, target = key
        if len(target.backends) > 1:
            return None  # an aggregate has no endpoints of its own
        backend = target.backends[0]
        members = view.must(self._gateways.members, gateway)
        weights = self._weights_of(view, backend, members)
        drained = [m for m, weight in weights.items() if not weight] if weights else []
        serving = self._serving(view, backend, members, drained)
        parts = self._parts(view, gateway, backend)
        row = assign(
            backend_name(backend),
            serving.endpoints,
            self._preferred(view, backend),
            serving.lack,
            self._division(view, key, weights, serving),
            checked_at(parts.check) if parts else b"",
            by_names=serving.by_names,
            checked=parts is not None and parts.check is not None,
        )
        return replace(row, unreached=serving.unreached) if serving.unreached else row

    def _serving(
        self, view: View, backend: Backend, members: Sequence[str], drained: Sequence[str]
    ) -> "_Serving":
        """Collect the endpoints of a backend: its Pods, or what leads to them."""
        pools = Pools(backend.port, has_members=bool(members), drained=drained)
        ways: list[_Way] = []
        for member in members:
            at = Ref(member, "Service", backend.namespace, backend.service)
            service = view.get(self._inputs.services, at)
            if service is not None and (port := pools.port_of(service)) is not None:
                slices = self._slices(view, at)
                pools.add(member, service, port, slices)
                if slices and not slices[0].by_pods:
                    ways.append(_Way(at, service, port, slices[0]))
        pods = pools.usable()
        if not ways:
            return _Serving(pods, pools.lack)
        reached = each_once(
            {way.at.origin: self._reach(view, way, pods.get(way.at.origin, ())) for way in ways}
        )
        endpoints: dict[str, Sequence[ServingEndpoint]] = {**pods}
        endpoints |= {member: each.endpoints for member, each in reached.items()}
        found = ((way.at, reached[way.at.origin].lack) for way in ways)
        lacks = {at: lack for at, lack in found if lack is not Lack.NOTHING}
        nothing = pools.lack is Lack.NOTHING and not any(endpoints.values())
        return _Serving(
            endpoints,
            nearest(lacks.values()) if nothing else pools.lack,
            tuple(unreached(*each) for each in lacks.items()),
            by_names=any(one.named for each in reached.values() for one in each.endpoints),
        )

    def _preferred(self, view: View, backend: Backend) -> Callable[[str, ServingEndpoint], bool]:
        """Return the function that says whether an endpoint belongs to the backend's subset."""
        wanted = backend.subset

        def preferred(member: str, endpoint: ServingEndpoint) -> bool:
            if wanted is None or not wanted.needs_labels:
                return is_preferred(wanted, member, {})
            if isinstance(endpoint, StandIn):
                return False  # it leads to any Pod of the Service
            pod = view.get(self._inputs.pods, Ref(member, "Pod", backend.namespace, endpoint.pod))
            return pod is not None and is_preferred(wanted, member, pod.metadata.labels)

        return preferred

    def _reach(self, view: View, way: "_Way", pods: Sequence[PodEndpoint]) -> Reached:
        """Find the endpoints in the place of a member's Pods."""
        at, service, port, how = way
        if how.gateway:
            return at_gateway(at.origin, how.gateway, pods)
        nodes: Sequence[UsableNode]
        if is_local(service):
            nodes = self.nodes.named(view, at.origin, nodes_with_pods(pods))
        else:
            nodes = used_by(service, self.nodes.of(view, at))
        return at_nodes(service, node_port(service, port), pods, nodes)

    def _division(
        self, view: View, key: TargetKey, weights: Mapping[str, int] | None, serving: "_Serving"
    ) -> Division:
        """Divide the requests between members by weight, or else by nearness."""
        if weights:
            division = by_weight(weights, serving.endpoints)
        else:
            # A name can have any number of addresses, so its member has a weight instead of these.
            given = {} if serving.by_names else weights
            division = self._by_nearness(view, key[0], Division(given), serving)
        if division.top:
            followed = view.get(self._followed, key) is not None
            return replace(division, followed=followed)
        return division

    def _by_nearness(
        self, view: View, gateway: Ref, division: Division, serving: "_Serving"
    ) -> Division:
        """Put farther members into later tiers, if the gateway prefers near ones."""
        nearness = view.must(self._gateways.nearness, gateway)
        if nearness.prefer is Prefer.NONE:
            return division
        members = [member for member, there in serving.endpoints.items() if there]
        settings = {member: view.get(self._inputs.settings, member) for member in members}
        places = {m: Place(s.region, s.zone) if s else NOWHERE for m, s in settings.items()}
        tiers = tiers_by_nearness({m: nearness.distance(place) for m, place in places.items()})
        return replace(division, tiers=tiers, overprovisioning=nearness.overprovisioning)

    def _weights_of(
        self, view: View, backend: Backend, members: tuple[str, ...]
    ) -> Mapping[str, int] | None:
        """Return the weights of members for a backend; None if it does not go by them."""
        if backend.weighted_by is None:
            return None
        given = view.get(self.weights, backend.weighted_by)
        return given.among(members) if given else {}

    def _slices(self, view: View, service: Ref) -> list[SliceEndpoints]:
        key = ServiceKey(service.origin, service.namespace, service.name)
        return [view.must(self.slice_endpoints, ref) for ref in view.group(self.slices_of, key)]

    def _lack(self, view: View, key: TargetKey) -> Lack:
        return view.must(self.assignments, key).lack


class _Serving(NamedTuple):
    """The endpoints of a backend by member.

    `lack` says why there are none, and `unreached` which Pods none of them leads to. `by_names` is
    whether one has a DNS name as its address.
    """

    endpoints: Mapping[str, Sequence[ServingEndpoint]]
    lack: Lack
    unreached: tuple[Problem, ...] = ()
    by_names: bool = False


class _Way(NamedTuple):
    """A Service of a member whose Pods have other endpoints in their place.

    `port` is the name of its port, and `how` one of its slices, which says what these are.
    """

    at: Ref
    service: Service
    port: str
    how: SliceEndpoints


def _inline(key: TargetKey, row: Assignment) -> tuple[TargetKey, ...]:
    return (key,) if row.by_names else ()


def _service_of(ref: Ref, endpoint_slice: EndpointSlice) -> Iterator[ServiceKey]:
    if service := endpoint_slice.metadata.labels.get(SERVICE_NAME):
        yield ServiceKey(ref.origin, ref.namespace, service)


def _with_protocol(ref: Ref, service: Service) -> Iterator[tuple[str, str]]:
    """Return namespace and name of a Service that says what one of its ports speaks."""
    if any(port.app_protocol for port in service.spec.ports):
        yield ref.namespace, ref.name


def _weighs(ref: Ref, rules: IngressRules) -> tuple[Ref, ...]:
    return (ref,) if rules.weights is not None else ()


def _asks_for(_: Ref, rules: IngressRules) -> frozenset[tuple[str, str]]:
    """Return namespace and name of each Service for which an Ingress asks for a policy."""
    if not any(True for _ in rules.policies_of(Scope.SERVICE)):
        return frozenset()
    return rules.services


def _targets(key: HostKey, plan: HostPlan) -> Iterator[TargetKey]:
    """Yield the targets of a plan, and the single backends that aggregates are made of."""
    for target in plan.targets:
        yield key.gateway, target
        for backend in target.backends:
            yield key.gateway, Target((backend,))
    for service in _services(plan):
        if isinstance(service, Target):
            yield key.gateway, service


def _followed(key: HostKey, plan: HostPlan) -> Iterator[TargetKey]:
    """Yield the single backends that others follow in an aggregate."""
    for target in plan.targets:
        for backend in target.backends[:-1]:
            yield key.gateway, Target((backend,))


def _outside(key: HostKey, plan: HostPlan) -> Iterator[OutsideKey]:
    for service in _services(plan):
        if isinstance(service, Outside):
            yield key.gateway, service


def _services(plan: HostPlan) -> Iterator[Target | Outside]:
    """Yield the services that are asked whether a request is allowed."""
    for rule in plan.everything:
        if rule.policies:
            yield from services_of(rule.policies)
