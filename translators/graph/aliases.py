"""The tables of aliases: further names of hosts, each with a route table of its own."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from fleet.ref import Ref
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.hosts import HostTables
from translators.graph.ingresses import IngressTables
from translators.graph.keys import HostKey
from translators.merge.aliases import AliasClaim, AliasPlan, plan_alias
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules
from xds.resource import Resource


class NamedHost(NamedTuple):
    """An alias, and the host that it is a name of."""

    alias: HostKey
    of: HostKey


class AliasTables:
    """The tables of aliases. Most fleets have none, and then these tables are empty."""

    def __init__(
        self, graph: Graph, gateways: GatewayTables, ingresses: IngressTables, hosts: HostTables
    ) -> None:
        self._gateways = gateways
        self._ingresses = ingresses
        self._hosts = hosts
        having = Index(graph, "with aliases", ingresses.rules, _having)
        self._claims = Derived(graph, "alias claims", having, self._claimed)
        self._by_name = Index(graph, "by alias", self._claims, _names)
        self._hosts_of = Derived(graph, "hosts of aliases", self._by_name, self._targets)
        self._aliases_of = Index(graph, "aliases of hosts", self._hosts_of, lambda _, row: row)
        self.plans = Derived(graph, "alias plans", self._by_name, self._plan)
        self.served = Index(graph, "served aliases", self.plans, _served)
        self.tables = Derived(graph, "alias tables", self.served, self._table)

    def _claimed(self, view: View, ref: Ref) -> tuple[NamedHost, ...]:
        """Return the aliases of an Ingress at its gateways."""
        aliases = view.must(self._ingresses.rules, ref).aliases
        return tuple(
            NamedHost(HostKey(gateway, tables, alias.host), HostKey(gateway, tables, alias.of))
            for gateway in view.must(self._ingresses.attachments, ref).gateways
            for alias in aliases
            for tables in alias.sets
            if tables in view.must(self._gateways.sets, gateway)
        )

    def _targets(self, view: View, key: HostKey) -> tuple[HostKey, ...]:
        """Return the hosts that Ingresses give this name to, sorted."""
        claims = [view.must(self._claims, ref) for ref in view.group(self._by_name, key)]
        return tuple(sorted({each.of for row in claims for each in row if each.alias == key}))

    def _plan(self, view: View, key: HostKey) -> AliasPlan:
        claims = []
        for ref in view.group(self._by_name, key):
            rules = view.must(self._ingresses.rules, ref)
            if by := rules.by:
                claims += [AliasClaim(*by, a) for a in rules.aliases if a.host == key.host]
        targets = view.must(self._hosts_of, key)
        plans = {target.host: view.get(self._hosts.plans, target) for target in targets}
        own = view.get(self._hosts.plans, key)
        wildcard = wildcard_over(key.host)
        above = None
        if wildcard and view.must(self._gateways.boundaries, key.gateway).owned:
            above = view.get(self._ingresses.owners, key._replace(host=wildcard))
        return plan_alias(
            claims,
            {host: plan for host, plan in plans.items() if plan},
            {t.host: bisect_left(view.group(self._aliases_of, t), key) for t in targets},
            key.tables,
            is_named=own is not None and bool(own.everything or own.bare),
            above=above,
            https=lambda: self._hosts.has_https(view, key),
        )

    def _table(self, view: View, key: HostKey) -> Resource | None:
        plan = view.must(self.plans, key).plan
        return self._hosts.table(view, key, plan) if plan else None


def _having(ref: Ref, rules: IngressRules) -> tuple[Ref, ...]:
    return (ref,) if rules.aliases else ()


def _names(_: Ref, row: tuple[NamedHost, ...]) -> frozenset[HostKey]:
    return frozenset(named.alias for named in row)


def _served(key: HostKey, row: AliasPlan) -> Iterator[HostKey]:
    if row.plan:
        yield key
