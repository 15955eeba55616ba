"""The tables of translation: which rows there are, and what each of them reads.

    objects ─▶ gateways ─▶ selection ─▶ attachments ─┐
                                                     ├─▶ claims ─▶ plans ─▶ route tables (SRDS)
    objects ─▶ rules ────────────────────────────────┘               └───▶ targets ─▶ clusters (CDS)
    slices ─▶ slice endpoints ────────────────────────────────────────────▶ assignments (EDS)

Each compute function says what its row depends on; `translators.graph.derive` does the rest. A
gateway is known by the Ref of its object.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from fleet.models import (
    EndpointSlice,
    Ingress,
    IngressClass,
    Pod,
    Service,
)
from fleet.outage import Outage
from fleet.pod_addresses import PodAddresses
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import Origin
from translators.dialects.alb.ingress import read_alb_ingress
from translators.dialects.classes import class_of
from translators.dialects.mse.ingress import read_ingress
from translators.dialects.registry import GatewayConfig, read_gateway
from translators.envoy.assignments import Assignment, assign
from translators.envoy.clusters import build_cluster
from translators.envoy.host_tables import is_long, route_table, virtual_host
from translators.envoy.listeners import build_listener
from translators.envoy.names import backend_name, tables_of
from translators.envoy.routes import encode_route
from translators.graph.derive import Derived, Graph, Index, Input, OnFailure, View
from translators.graph.row_weights import RowWeights
from translators.merge.attachments import Attachment, attach, without_class
from translators.merge.hosts import plan_host
from translators.merge.ingress_status import lacking, told, without_listener
from translators.merge.ownership import below_wildcard
from translators.merge.phase import gateway_status, troubled, without_members
from translators.merge.pools import EXTERNAL_NAME, find_port, in_use, lack_of, one_family
from translators.merge.slices import more_slices, read_slice
from translators.model.backends import Backend, Target, holds
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings, PathNormalization
from translators.model.endpoints import Lack, PodEndpoint, SliceEndpoints
from translators.model.gateway_names import gateway_name
from translators.model.gateways import OPEN, Boundaries, Dialect, Gateway, Selector, UpstreamLimits
from translators.model.host_plans import HostPlan
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules
from translators.model.listeners import Entry, TableSet
from translators.model.rules import Rule
from translators.model.statuses import GatewayStatus, IngressStatus, RemoteCluster, Runtime
from xds.resource import Resource

TargetKey: TypeAlias = tuple[Ref, Target]
EntryKey: TypeAlias = tuple[Ref, Entry]
SetKey: TypeAlias = tuple[Ref, TableSet]
ServiceKey: TypeAlias = tuple[str, str, str]

SERVICE_NAME: Final = "kubernetes.io/service-name"

MOST_SLICES: Final = 100
"""EndpointSlices of one member whose problems are told."""

_ALL: Final = "all"
_NOTHING: Final = HostPlan((), None, ())


class HostKey(NamedTuple):
    """A host in one set of a gateway's route tables; "" is every host that no rule names."""

    gateway: Ref
    tables: TableSet
    host: str


class GuestKey(NamedTuple):
    """A namespace that has hosts below a wildcard."""

    wildcard: HostKey
    namespace: str


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A rule as its Ingress declares it, and its encoded Route."""

    rule: Rule
    body: bytes


class Tables:
    """All tables of one translator. Rows of a gateway have its Ref first in their key."""

    def __init__(  # noqa: PLR0915 (it is the list of all tables)
        self, default_bind: Bind, on_failure: OnFailure | None = None
    ) -> None:
        self._default_bind = default_bind
        graph = self.graph = Graph(on_failure)
        weights = RowWeights(self)
        self._wildcards: dict[HostKey, HostKey] = {}

        # what is declared, and what is known of the world
        self.ingresses = Input[Ref, Ingress](graph, "ingresses")
        self.classes = Input[Ref, IngressClass](graph, "classes")
        self.lost_classes = Input[Ref, Ref](graph, "lost classes")
        self.configs = Input[Ref, GatewayConfig](graph, "configs")
        self.services = Input[Ref, Service](graph, "services")
        self.slices = Input[Ref, EndpointSlice](graph, "slices")
        self.pods = Input[Ref, Pod](graph, "pods")
        self.origins = Input[str, Origin](graph, "origins")
        self.pod_addresses = Input[str, PodAddresses](graph, "pod addresses")
        self.binds = Input[Ref, Bind](graph, "binds")
        self.runtimes = Input[Ref, Runtime](graph, "runtimes")
        self.addresses = Input[Ref, tuple[str, ...]](graph, "addresses")

        # gateways; the narrow rows keep an attached member from touching what does not care
        self.gateways = Derived(graph, "gateways", self.configs, self._gateway)
        self.members = Derived(graph, "members", self.gateways, self._members)
        self.limits = Derived(graph, "limits", self.gateways, self._limits)
        self.edges = Derived(graph, "edges", self.gateways, self._edge)
        self.paths = Derived(graph, "paths", self.edges, self._path_normalization)
        self.boundaries = Derived(graph, "boundaries", self.gateways, self._boundaries)
        self.selectors = Derived(graph, "selectors", self.gateways, self._selector)
        self.all_selectors = Index(graph, "all selectors", self.selectors, lambda *_: (_ALL,))
        self.selection = Derived(graph, "selection", self.all_selectors, self._selection)
        self.sets = Derived(graph, "sets", self.gateways, self._sets)
        self.entries = Index(graph, "entries", self.gateways, _entries)
        self.listeners = Derived(graph, "listeners", self.entries, self._listener)

        # Ingresses, and the hosts that they name
        self.attachments = Derived(graph, "attachments", self.ingresses, self._attachment)
        self.rules = Derived(graph, "rules", self.attachments, self._rules, weights.of_paths)
        self.claims = Derived(graph, "claims", self.rules, self._claims)
        self.by_host = Index(graph, "by host", self.claims, lambda _, pairs: pairs)
        self.plans = Derived(graph, "plans", self.by_host, self._plan, weights.of_hosts_rules)

        # the routes of long hosts, encoded by Ingress, so that a change does not encode them all
        self.of_long_hosts = Index(graph, "of long hosts", self.plans, _origins_of_long)
        self.routes = Derived(graph, "routes", self.of_long_hosts, self._routes, weights.of_rules)

        # route tables: one for each host that rules name, one for all the rest
        self.named_hosts = Index(graph, "named hosts", self.plans, _named)
        self.host_tables = Derived(
            graph, "host tables", self.named_hosts, self._host_table, weights.of_plan
        )
        self.stars = Index(graph, "stars", self.sets, lambda ref, sets: {(ref, s) for s in sets})
        self.star_tables = Derived(graph, "star tables", self.stars, self._star_table)

        # backends
        self.slice_endpoints = Derived(
            graph, "slice endpoints", self.slices, self._slice_endpoints, weights.of_slice
        )
        self.slices_of = Index(graph, "slices of", self.slices, _service_of)
        self.targets = Index(graph, "targets", self.plans, _targets)
        self.clusters = Derived(graph, "clusters", self.targets, self._cluster)
        self.assignments = Derived(
            graph, "assignments", self.targets, self._assignment, weights.of_pool
        )
        self.lacks = Derived(graph, "lacks", self.assignments, self._lack)

        # what everybody is told
        self.findings = Index(graph, "findings", self.plans, _found_in)
        self.served = Index(graph, "served", self.plans, _serving)
        guests = Index(graph, "guests", self.plans, _guests)
        namespaces = Derived(graph, "guest namespaces", guests, lambda *_: True)
        self.below = Index(graph, "below", namespaces, lambda key, _: (key.wildcard,))
        self.gateway_statuses = Derived(
            graph, "gateway statuses", self.configs, self._gateway_status
        )
        self.ingress_statuses = Derived(
            graph, "ingress statuses", self.ingresses, self._ingress_status, weights.of_rules
        )
        # so that all problems are found without a look at everything that has none
        self._troubled_ingresses = Index(
            graph, "troubled Ingresses", self.ingress_statuses, _troubled
        )
        self._troubled_slices = Index(graph, "troubled slices", self.slice_endpoints, _by_origin)

    def problems(self) -> Iterator[Problem]:
        """What translation has found, an object's problems together. O(gateways and problems)."""
        for gateway in self.gateway_statuses.rows.values():
            yield from gateway.problems
        for ref in self._troubled_ingresses.get(_ALL) or ():
            yield from self.ingress_statuses.rows[ref].problems
        for member in self._troubled_slices.groups:
            shown = self._troubled_slices.first(member, MOST_SLICES)
            for ref in shown:
                yield from self.slice_endpoints.rows[ref].problems
            if more := self._troubled_slices.size(member) - len(shown):
                yield more_slices(member, more)

    # -- gateways ----------------------------------------------------------------------------------

    def _gateway(self, view: View, ref: Ref) -> Gateway:
        return read_gateway(ref, view.must(self.configs, ref))

    def _members(self, view: View, ref: Ref) -> tuple[str, ...]:
        return view.must(self.gateways, ref).members

    def _limits(self, view: View, ref: Ref) -> UpstreamLimits:
        return view.must(self.gateways, ref).limits

    def _edge(self, view: View, ref: Ref) -> EdgeSettings:
        return view.must(self.gateways, ref).edge

    def _path_normalization(self, view: View, ref: Ref) -> PathNormalization:
        return view.must(self.edges, ref).paths

    def _boundaries(self, view: View, ref: Ref) -> Boundaries:
        return view.must(self.gateways, ref).boundaries

    def _selector(self, view: View, ref: Ref) -> Selector:
        return view.must(self.gateways, ref).selector

    def _selection(self, view: View, key: str) -> tuple[Selector, ...]:
        return tuple(view.must(self.selectors, ref) for ref in view.group(self.all_selectors, key))

    def _sets(self, view: View, ref: Ref) -> frozenset[TableSet]:
        """The route tables that its listeners ask."""
        return frozenset(entry.tables for entry in self._served(view, ref))

    def _served(self, view: View, ref: Ref) -> tuple[Entry, ...]:
        """The listeners of a gateway that have a port where its Envoys listen."""
        bind = self._bind(view, ref)
        return tuple(e for e in view.must(self.gateways, ref).entries if bind.takes(e.at))

    def _listener(self, view: View, key: EntryKey) -> Resource | None:
        gateway, entry = key
        bind = self._bind(view, gateway)
        if not bind.takes(entry.at):
            return None
        return build_listener(gateway, entry, bind, view.must(self.edges, gateway))

    def _bind(self, view: View, gateway: Ref) -> Bind:
        return view.get(self.binds, gateway) or self._default_bind

    # -- Ingresses ---------------------------------------------------------------------------------

    def _attachment(self, view: View, ref: Ref) -> Attachment:
        ingress = view.must(self.ingresses, ref)
        name, _ = class_of(ingress)
        of_class = Ref(HUB, "IngressClass", "", name)
        ingress_class = view.get(self.classes, of_class)
        selectors = view.get(self.selection, _ALL) or ()
        found = attach(ref, ingress, ingress_class, selectors)
        if found.gateways or ingress_class or not name:
            return found
        lost = view.get(self.lost_classes, of_class)
        return replace(found, problems=(without_class(ref, ingress, lost),)) if lost else found

    def _rules(self, view: View, ref: Ref) -> IngressRules | None:
        """Ingresses of other controllers are none of our business, mistakes included."""
        attachment = view.must(self.attachments, ref)
        if not attachment.gateways:
            return None
        read = read_ingress if attachment.dialect is Dialect.MSE else read_alb_ingress
        return read(ref, view.must(self.ingresses, ref))

    def _claims(self, view: View, ref: Ref) -> frozenset[HostKey]:
        hosts = view.must(self.rules, ref).hosts
        gateways = view.must(self.attachments, ref).gateways
        return frozenset(
            HostKey(gateway, tables, host)
            for gateway in gateways
            for tables, host in hosts
            if tables in view.must(self.sets, gateway)
        )

    def _plan(self, view: View, key: HostKey) -> HostPlan:
        ingresses = [view.must(self.rules, ref) for ref in view.group(self.by_host, key)]
        wildcard = self._wildcard_over(key)
        above = view.group(self.by_host, wildcard) if wildcard else ()
        boundaries = OPEN
        if above or len(ingresses) > 1 or any(ingress.leads_out for ingress in ingresses):
            boundaries = view.must(self.boundaries, key.gateway)
        return plan_host(
            ingresses,
            key.host,
            key.tables,
            boundaries,
            [view.must(self.rules, ref) for ref in above] if boundaries.owned else (),
            below=bool(above),
            strict=view.must(self.paths, key.gateway) is PathNormalization.STRICT,
        )

    def _wildcard_over(self, key: HostKey) -> HostKey | None:
        """The key of the wildcard over a host: one object for all of its hosts, which are many."""
        wildcard = wildcard_over(key.host)
        if not wildcard:
            return None
        found = HostKey(key.gateway, key.tables, wildcard)
        return self._wildcards.setdefault(found, found)

    # -- route tables ------------------------------------------------------------------------------

    def _routes(self, view: View, ref: Ref) -> Mapping[tuple[str, str], RouteRow]:
        """By the host and the place of the rule within its Ingress."""
        rules = view.must(self.rules, ref).everything
        return {(rule.host, rule.at): RouteRow(rule, encode_route(rule)) for rule in rules}

    def _encoder(self, view: View, plan: HostPlan) -> Callable[[Rule], bytes]:
        """Give the Route of a rule, from those that are kept where the host is long."""
        if not is_long(plan):
            return encode_route
        kept = {ref: view.must(self.routes, ref) for ref in plan.origins}

        def route(rule: Rule) -> bytes:
            row = kept[rule.origin].get((rule.host, rule.at)) if rule.origin in kept else None
            # Where a canary takes part, the plan's rule is not the one that is declared.
            return row.body if row is not None and row.rule == rule else encode_route(rule)

        return route

    def _host_table(self, view: View, key: HostKey) -> Resource:
        plan = view.must(self.plans, key)
        body = virtual_host(plan, key.host, self._encoder(view, plan))
        return route_table(key.tables, key.host, body, plan.origins)

    def _star_table(self, view: View, key: SetKey) -> Resource:
        """Always there, if only to answer 404: Envoy opens a listener once it has a table."""
        gateway, tables = key
        plan = view.get(self.plans, HostKey(gateway, tables, "")) or _NOTHING
        body = virtual_host(plan, "", self._encoder(view, plan))
        return route_table(tables, "", body, plan.origins)

    # -- backends ----------------------------------------------------------------------------------

    def _slice_endpoints(self, view: View, ref: Ref) -> SliceEndpoints:
        addresses = view.get(self.pod_addresses, ref.origin) or PodAddresses()
        return read_slice(ref, view.must(self.slices, ref), addresses)

    def _cluster(self, view: View, key: TargetKey) -> Resource:
        gateway, target = key
        return build_cluster(target, view.must(self.limits, gateway))

    def _assignment(self, view: View, key: TargetKey) -> Assignment | None:
        gateway, target = key
        if len(target.backends) > 1:
            return None  # an aggregate has no endpoints of its own
        backend = target.backends[0]
        name = backend_name(backend)
        members = view.must(self.members, gateway)
        lack = Lack.SERVICE if members else Lack.MEMBERS
        services: dict[str, Service] = {}
        pools: dict[str, list[PodEndpoint]] = {}
        for member in members:
            service = view.get(
                self.services, Ref(member, "Service", backend.namespace, backend.service)
            )
            if service is None:
                continue
            if service.spec.type == EXTERNAL_NAME:
                lack = lack.or_nearer(Lack.EXTERNAL_NAME)
                continue
            port_name = find_port(service, backend.port)
            if port_name is None:
                lack = lack.or_nearer(Lack.PORT)
                continue
            refs = view.group(self.slices_of, (member, backend.namespace, backend.service))
            slices = [view.must(self.slice_endpoints, ref) for ref in refs]
            services[member] = service
            pools[member] = [endpoint for each in slices for endpoint in each.at(port_name)]
            found = Lack.NOTHING if pools[member] else lack_of(service, port_name, slices)
            lack = lack.or_nearer(found)
        usable = {m: one_family(services[m], used) for m, used in in_use(pools).items()}

        def preferred(member: str, endpoint: PodEndpoint) -> bool:
            wanted = backend.subset
            if wanted is None:
                return True
            if not wanted.needs_labels:
                return holds(wanted, member, {})
            pod = view.get(self.pods, Ref(member, "Pod", backend.namespace, endpoint.pod))
            return pod is not None and holds(wanted, member, pod.metadata.labels)

        return assign(name, usable, preferred, lack)

    def _lack(self, view: View, key: TargetKey) -> Lack:
        return view.must(self.assignments, key).lack

    # -- statuses ----------------------------------------------------------------------------------

    def _gateway_status(self, view: View, ref: Ref) -> GatewayStatus:
        gateway = view.must(self.gateways, ref)
        runtime = view.get(self.runtimes, ref) or Runtime()
        remote = tuple(self._remote_cluster(view, member) for member in gateway.members)
        addresses = self._addresses(view, ref)
        generation = view.must(self.configs, ref).metadata.generation
        bind = self._bind(view, ref)
        return gateway_status(gateway, runtime, remote, addresses, bind, generation)

    def _remote_cluster(self, view: View, member: str) -> RemoteCluster:
        origin = view.get(self.origins, member)
        if origin is None:
            return RemoteCluster(member, "the fleet has no member of this ID", known=False)
        if not origin.reachable:
            return RemoteCluster(member, origin.message, outage=origin.outage)
        if not origin.listed:
            return RemoteCluster(member, Outage.UNREAD.value, outage=Outage.UNREAD)
        return RemoteCluster(member)

    def _addresses(self, view: View, ref: Ref) -> tuple[str, ...]:
        """Where clients reach a gateway: as somebody found out, as declared, or as it listens."""
        gateway, bind = view.get(self.gateways, ref), self._bind(view, ref)
        declared = tuple(a for a in gateway.addresses if bind.can_show(a)) if gateway else ()
        found = view.get(self.addresses, ref) or declared
        return found or ((bind.address,) if bind.can_show(bind.address) else ())

    def _ingress_status(self, view: View, ref: Ref) -> IngressStatus:
        attachment = view.must(self.attachments, ref)
        rules = view.get(self.rules, ref)
        if rules is None:
            return IngressStatus(problems=attachment.problems)
        problems = {*attachment.problems, *rules.problems}
        for key in view.group(self.findings, ref):
            problems |= {p for p in view.must(self.plans, key).problems if p.at == ref}
        for gateway in attachment.gateways:
            problems |= set(self._without_listener(view, ref, rules, gateway))
        for rule, backend in rules.named:
            found = self._lacking(view, attachment.gateways, rule, backend, bool(rules.canaries))
            problems |= set(found)
        if any(rule.host.startswith("*") for rule in rules.rules):
            problems |= set(self._below_wildcards(view, ref))
        serving = {key.gateway for key in view.group(self.served, ref)}
        found = [self._addresses(view, g) for g in attachment.gateways if g in serving]
        return IngressStatus(
            gateways=tuple(gateway_name(gateway) for gateway in attachment.gateways),
            addresses=tuple(dict.fromkeys(address for each in found for address in each)),
            problems=told(ref, problems),
        )

    def _lacking(
        self,
        view: View,
        gateways: tuple[Ref, ...],
        rule: Rule,
        backend: Backend,
        of_canary: bool,  # noqa: FBT001
    ) -> Iterator[Problem]:
        """What a rule lacks: said once where it is the same at all of its gateways."""
        lacks = {
            gateway: view.get(self.lacks, (gateway, Target((backend,)))) for gateway in gateways
        }
        found = {g: lack for g, lack in lacks.items() if lack not in {None, Lack.NOTHING}}
        causes = {g: tuple(self._at_fault(view, g, lack)) for g, lack in found.items()}
        if len(found) == len(gateways) and len(set(found.values())) == 1:
            # Where a gateway is not at fault, the rule is.
            because = sum(causes.values(), ()) if all(causes.values()) else ()
            yield lacking(rule, backend, found[gateways[0]], "", because, of_canary=of_canary)
            return
        for gateway, lack in found.items():
            name = gateway_name(gateway)
            yield lacking(rule, backend, lack, name, causes[gateway], of_canary=of_canary)

    def _at_fault(self, view: View, gateway: Ref, lack: Lack) -> Iterator[Problem]:
        """Why a gateway cannot know who answers: no member, or one that was never read."""
        if lack is Lack.MEMBERS:
            yield without_members(gateway)
        for member in view.must(self.members, gateway):
            origin = view.get(self.origins, member)
            if origin is None or not origin.listed:
                yield troubled(gateway, self._remote_cluster(view, member))

    def _below_wildcards(self, view: View, ref: Ref) -> Iterator[Problem]:
        """What it is told of other namespaces that have hosts below its wildcards."""
        for key in view.must(self.claims, ref):
            if key.host.startswith("*"):
                mains = [r for r in view.must(self.plans, key).rules if r.origin == ref]
                for guest in view.group(self.below, key) if mains else ():
                    if guest.namespace != ref.namespace:
                        yield below_wildcard(mains[0], guest.namespace)

    def _without_listener(
        self, view: View, ref: Ref, rules: IngressRules, gateway: Ref
    ) -> Iterator[Problem]:
        sets = view.must(self.sets, gateway)
        for asked in rules.asked:
            if tables_of(asked.listener) not in sets:
                # Only here: an Ingress that is served does not hear of other listeners.
                served = tuple(entry.at for entry in self._served(view, gateway))
                yield without_listener(ref, asked, gateway_name(gateway), served)


def _origins_of_long(_: HostKey, plan: HostPlan) -> frozenset[Ref]:
    return plan.origins if is_long(plan) else frozenset()


def _troubled(_: Ref, row: IngressStatus) -> tuple[str, ...]:
    return (_ALL,) if row.problems else ()


def _by_origin(ref: Ref, row: SliceEndpoints) -> tuple[str, ...]:
    return (ref.origin,) if row.problems else ()


def _entries(ref: Ref, gateway: Gateway) -> Iterator[EntryKey]:
    return ((ref, entry) for entry in gateway.entries)


def _named(key: HostKey, plan: HostPlan) -> Iterator[HostKey]:
    if key.host and (plan.everything or plan.bare):
        yield key


def _service_of(ref: Ref, endpoint_slice: EndpointSlice) -> Iterator[ServiceKey]:
    if service := endpoint_slice.metadata.labels.get(SERVICE_NAME):
        yield ref.origin, ref.namespace, service


def _targets(key: HostKey, plan: HostPlan) -> Iterator[TargetKey]:
    """An aggregate needs the Clusters that it is made of."""
    for target in plan.targets:
        yield key.gateway, target
        for backend in target.backends:
            yield key.gateway, Target((backend,))


def _serving(_: HostKey, plan: HostPlan) -> frozenset[Ref]:
    return plan.origins | plan.sharing if plan.sharing else plan.origins


def _guests(key: HostKey, plan: HostPlan) -> Iterable[GuestKey]:
    if not plan.below:
        return ()
    wildcard = key._replace(host=wildcard_over(key.host))
    return [GuestKey(wildcard, namespace) for namespace in plan.below]


def _found_in(_: HostKey, plan: HostPlan) -> frozenset[Ref]:
    return frozenset(problem.at for problem in plan.problems)
