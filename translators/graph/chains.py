"""The tables of hosts' own filter chains.

    plans ─▶ wanting ─▶ chosen ─▶ chains ─▶ listeners (LDS)
    plans ─▶ named ─▶ authorities ────┘

A change of one host encodes its chain, and joins the encoded chains of its listener. A certificate
or a route changes no chain.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.envoy.filter_chains import NO_HOSTS, LabelledHosts, NamedHosts, label_of
from translators.envoy.listeners import HostChains, chains_of_host
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.hosts import HostTables
from translators.graph.inputs import Inputs
from translators.graph.keys import HostKey, SetKey
from translators.merge.authorities import read_authorities
from translators.merge.own_chains import Wish, choose, chosen_by, without_chain
from translators.model.authorities import AuthoritiesReading
from translators.model.host_plans import HostPlan
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules
from translators.model.listeners import ListenerPort, Protocol
from translators.model.policy import Policy, Scope
from translators.policies.policy import ChainPolicy, chain_parts, chain_policies, listener_parts


@dataclass(frozen=True, slots=True)
class ChainRow:
    """The encoded filter chains of a host, and the policies that have no chain.

    Each chain has its listener and its label before it: hosts with the same label share chains.
    `lacks` holds what each of these policies expects.
    """

    bodies: tuple[tuple[ListenerPort, str, bytes], ...] = ()
    lacks: tuple[tuple[Policy, str], ...] = ()


_NO_ROW: Final = ChainRow()


class ChainTables:
    """The tables of filter chains that hosts have of their own."""

    def __init__(
        self, graph: Graph, inputs: Inputs, gateways: GatewayTables, hosts: HostTables
    ) -> None:
        self._inputs = inputs
        self._gateways = gateways
        self._plans = hosts.plans
        named = Index(graph, "authorities of plans", hosts.plans, _secrets)
        self._authorities = Derived(graph, "authorities", named, self._reading)
        self._wanting = Index(graph, "wanting chains", hosts.plans, _wanting)
        self._below = Index(graph, "hosts below wildcards", hosts.plans, _below)
        self.chosen = Derived(graph, "hosts with chains", self._wanting, self._chosen)
        by_host = Index(graph, "chains", self.chosen, _with_chains)
        self.rows = Derived(graph, "chains of hosts", by_host, self._row)

    def of(self, view: View, key: SetKey, at: ListenerPort) -> HostChains:
        """Return the chains of a listener, which uses the set of route tables."""
        chosen = view.get(self.chosen, key) or NO_HOSTS
        own: list[tuple[str, str]] = []
        bodies: dict[str, list[bytes]] = {}
        for host in chosen.own:
            row = view.must(self.rows, HostKey(*key, host))
            encoded = [(label, body) for port, label, body in row.bodies if port == at]
            for label in {label for label, _ in encoded}:
                own.append((host, label))
                bodies[label] = [body for _, body in encoded]
        joined = tuple(body for _, encoded in sorted(bodies.items()) for body in encoded)
        return HostChains(LabelledHosts(tuple(own), chosen.usual), joined)

    def problems(
        self, view: View, ref: Ref, rules: IngressRules, hosts: Iterable[HostKey]
    ) -> Iterator[Problem]:
        """Report the policies of an Ingress that need a chain on hosts that have none.

        Those of a canary have no effect on a host.
        """
        asking = [
            (declared, policy)
            for declared in (() if rules.canaries else rules.policies_of(Scope.HOST))
            if isinstance(policy := declared.policy, ChainPolicy)
        ]
        for key in hosts if asking else ():
            plan = view.get(self._plans, key)
            holding = [each for each in asking if plan and each[1] in plan.policies]
            if not holding:
                continue
            chosen = view.get(self.chosen, (key.gateway, key.tables)) or NO_HOSTS
            if key.host in chosen.own:
                lacks = dict((view.get(self.rows, key) or _NO_ROW).lacks)
            else:
                lacks = dict.fromkeys((policy for _, policy in holding), "")
            for declared, policy in holding:
                if policy in lacks:
                    yield without_chain(ref, declared, policy, key.host, lacks[policy])

    def _reading(self, view: View, ref: Ref) -> AuthoritiesReading:
        return read_authorities(view.get(self._inputs.secrets, ref))

    def _chosen(self, view: View, key: SetKey) -> NamedHosts:
        """Choose the hosts that get a chain."""
        wishes = []
        for host in view.group(self._wanting, key):
            plan = view.must(self._plans, host)
            below = view.group(self._below, host) if host.host.startswith("*") else ()
            wishes.append(Wish(chosen_by(plan), host.host, tuple(each.host for each in below)))
        return choose(wishes)

    def _row(self, view: View, key: HostKey) -> ChainRow:
        plan = view.must(self._plans, key)
        gateway = view.must(self._gateways.declared, key.gateway)
        edge = view.must(self._gateways.edges, key.gateway)

        def authorities(secret: Ref) -> AuthoritiesReading:
            return view.must(self._authorities, secret)

        bodies: list[tuple[ListenerPort, str, bytes]] = []
        lacks: list[tuple[Policy, str]] = []
        for entry in gateway.entries:
            if (
                entry.tables != key.tables
                or entry.tls is None
                or entry.at.protocol is not Protocol.HTTPS
            ):
                continue
            policies = chain_policies(plan.policies)
            parts = chain_parts(policies, key.host, entry.tls, plan.root, authorities)
            if parts.lacks:
                lacks += parts.lacks
                lacking = {policy for policy, _ in parts.lacks}
                policies = tuple(policy for policy in policies if policy not in lacking)
                parts = chain_parts(policies, key.host, entry.tls, plan.root, authorities)
            if policies:
                added = listener_parts(gateway.policies)
                encoded = chains_of_host(gateway.name, entry, edge, parts, added)
                bodies += [(entry.at, label_of(parts), body) for body in encoded]
        return ChainRow(tuple(bodies), tuple(lacks))


def _with_chains(key: SetKey, chosen: NamedHosts) -> Iterator[HostKey]:
    return (HostKey(*key, host) for host in chosen.own)


def _secrets(_: HostKey, plan: HostPlan) -> Iterator[Ref]:
    for policy in chain_policies(plan.policies):
        yield from policy.authorities


def _wanting(key: HostKey, plan: HostPlan) -> Iterator[SetKey]:
    if key.host and chain_policies(plan.policies):
        yield key.gateway, key.tables


def _below(key: HostKey, plan: HostPlan) -> Iterator[HostKey]:
    if plan.below and not chain_policies(plan.policies):
        yield key._replace(host=wildcard_over(key.host))
