"""The tables of hosts: the plan of each host, and its route table.

A host with many routes has them encoded by Ingress, so that a change of one Ingress does not encode
the routes of all others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.ref import Ref
from translators.envoy.filters import GROUPED
from translators.envoy.host_tables import inner_table, is_long, route_table, virtual_host
from translators.envoy.parts import Parts
from translators.envoy.routes import encode_route
from translators.graph.certificates import CertificateTables
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.ingresses import IngressTables
from translators.graph.keys import HostKey, SetKey, TargetKey
from translators.graph.passwords import PasswordTables
from translators.graph.row_weights import RowWeights
from translators.merge.hosts import plan_host
from translators.model.actions import Forward
from translators.model.conditions import Where
from translators.model.edge import PathNormalization
from translators.model.gateways import OPEN
from translators.model.host_plans import HostPlan
from translators.model.hosts import wildcard_over
from translators.model.policy import Policy
from translators.model.rules import Rule
from translators.policies.policy import (
    entry_parts,
    host_parts,
    route_parts,
    table_parts,
    with_passwords,
)
from xds.resource import Resource

_NOTHING: Final = HostPlan((), None, ())


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A rule as its Ingress declares it, and its encoded Route."""

    rule: Rule
    body: bytes


class HostTables:
    """The tables of hosts: a route table for each named host, and one for all other hosts."""

    def __init__(
        self,
        graph: Graph,
        gateways: GatewayTables,
        ingresses: IngressTables,
        certificates: CertificateTables,
        passwords: PasswordTables,
        weights: RowWeights,
    ) -> None:
        self.passwords = passwords
        self._gateways = gateways
        self._ingresses = ingresses
        self.certificates = certificates
        self._wildcards: dict[HostKey, HostKey] = {}
        self._sets: dict[SetKey, SetKey] = {}
        self.plans = Derived(graph, "plans", ingresses.by_host, self._plan, weights.of_hosts_rules)
        self.of_long_hosts = Index(graph, "of long hosts", self.plans, _origins_of_long)
        self.routes = Derived(graph, "routes", self.of_long_hosts, self._routes, weights.of_rules)
        self.named_hosts = Index(graph, "named hosts", self.plans, _named)
        self.tables = Derived(
            graph, "host tables", self.named_hosts, self._host_table, weights.of_plan
        )
        self._inner = Index(graph, "inner targets", self.plans, _inner_targets)
        self.inner_tables = Derived(graph, "inner tables", self._inner, self._inner_table)
        stars = Index(graph, "stars", gateways.sets, lambda ref, sets: {(ref, s) for s in sets})
        self.star_tables = Derived(graph, "star tables", stars, self._star_table)

    def _plan(self, view: View, key: HostKey) -> HostPlan:
        rules, by_host = self._ingresses.rules, self._ingresses.by_host
        ingresses = [view.must(rules, ref) for ref in view.group(by_host, key)]
        wildcard = self._wildcard_over(key)
        wildcards, owners = self._ingresses.wildcards, self._ingresses.owners
        is_below = wildcard is not None and bool(view.group(wildcards, wildcard))
        boundaries = OPEN
        if is_below or len(ingresses) > 1 or any(ingress.leads_out for ingress in ingresses):
            boundaries = view.must(self._gateways.boundaries, key.gateway)
        normalization = view.must(self._gateways.paths, key.gateway)
        return plan_host(
            ingresses,
            key.host,
            key.tables,
            boundaries,
            view.get(owners, wildcard) if wildcard and boundaries.owned else None,
            below=is_below,
            strict=normalization is PathNormalization.STRICT,
            https=any(ingress.https_only for ingress in ingresses) and self.has_https(view, key),
        )

    def has_https(self, view: View, key: HostKey) -> bool:
        """Return whether clients can ask for a host by https: TLS ends here, or at a proxy."""
        if view.must(self._gateways.edges, key.gateway).trusted:
            return True
        return self.certificates.ends_tls(view, key.gateway, key.host)

    def _wildcard_over(self, key: HostKey) -> HostKey | None:
        """Return the key of the wildcard over a host, one shared object for all of its hosts."""
        wildcard = wildcard_over(key.host)
        if not wildcard:
            return None
        above = HostKey(key.gateway, key.tables, wildcard)
        return self._wildcards.setdefault(above, above)

    def _routes(self, view: View, ref: Ref) -> Mapping[tuple[str, str], RouteRow]:
        """Encode the rules of an Ingress, by host and field."""
        rules = view.must(self._ingresses.rules, ref).everything
        encode = self._encode(view)
        return {(rule.host, rule.at): RouteRow(rule, encode(rule)) for rule in rules}

    def _encode(self, view: View) -> Callable[[Rule], bytes]:
        """Return the function that encodes a rule, with the passwords that its policies need."""

        def encode(rule: Rule) -> bytes:
            policies = with_passwords(rule.policies, lambda file: self.passwords.of(view, file))
            action = rule.action
            shares = action.shares if isinstance(action, Forward) else ()
            entries = tuple(entry_parts(share.policies) for share in shares)
            return encode_route(rule, route_parts(policies), entries)

        return encode

    def _encoder(self, view: View, plan: HostPlan) -> Callable[[Rule], bytes]:
        """Return the function that encodes a rule. For a long host it uses the stored routes."""
        encode = self._encode(view)
        if not is_long(plan):
            return encode
        encoded = {ref: view.must(self.routes, ref) for ref in plan.origins}

        def route(rule: Rule) -> bytes:
            rows = encoded.get(rule.origin)
            row = rows.get((rule.host, rule.at)) if rows else None
            # A canary changes the main rule, so the plan's rule can differ from the declared one.
            return row.body if row is not None and row.rule == rule else encode(rule)

        return route

    def _host_table(self, view: View, key: HostKey) -> Resource:
        return self.table(view, key, view.must(self.plans, key))

    def _star_table(self, view: View, key: SetKey) -> Resource:
        """Make the table for all other hosts. It always exists: Envoy opens no listener without."""
        host = HostKey(*key, "")
        return self.table(view, host, view.get(self.plans, host) or _NOTHING)

    def _inner_table(self, _: View, key: TargetKey) -> Resource:
        return inner_table(key[1])

    def table(self, view: View, key: HostKey, plan: HostPlan) -> Resource:
        """Make the route table of a name that serves the plan."""
        parts = host_parts(plan.policies, key.host)
        body = virtual_host(plan, key.host, self._encoder(view, plan), parts)
        of_listener = table_parts(self._table_policies(view, key))
        every = (of_listener, parts, *_parts(plan))
        filters = any(not each.names.isdisjoint(GROUPED) for each in every if each)
        filters = filters or any(_asks_who(rule) for rule in plan.everything)
        return route_table(
            key.tables, key.host, body, plan.origins, filters=filters, of_listener=of_listener
        )

    def _table_policies(self, view: View, key: HostKey) -> tuple[Policy, ...]:
        """Return the policies of the listeners that use a host's table."""
        of_set = (key.gateway, key.tables)
        shared = self._sets.setdefault(of_set, of_set)  # one object for all hosts of a set
        return view.get(self._gateways.table_policies, shared) or ()


def _asks_who(rule: Rule) -> bool:
    """Return whether the client's address decides about the rule."""
    return any(condition.where is Where.CLIENT for condition in rule.conditions)


def _parts(plan: HostPlan) -> Iterator[Parts | None]:
    """Yield the parts of all routes and entries that have policies, without passwords."""
    rules = plan.everything
    actions = [rule.action for rule in rules]
    shares = [each for a in actions if isinstance(a, Forward) for each in a.shares]
    yield from map(route_parts, {rule.policies for rule in rules if rule.policies})
    yield from map(entry_parts, {share.policies for share in shares if share.policies})


def _origins_of_long(_: HostKey, plan: HostPlan) -> frozenset[Ref]:
    return plan.origins if is_long(plan) else frozenset()


def _inner_targets(key: HostKey, plan: HostPlan) -> frozenset[TargetKey]:
    """Return the targets that filters of this host ask; most hosts have none."""
    policies = {policy for rule in plan.everything for policy in rule.policies}
    return frozenset((key.gateway, target) for each in policies for target in each.inner_targets)


def _named(key: HostKey, plan: HostPlan) -> Iterator[HostKey]:
    if key.host and (plan.everything or plan.bare):
        yield key
