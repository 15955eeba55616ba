"""The tables of statuses: those of gateways and Ingresses, and the problems in them."""

from collections.abc import Iterable, Iterator
from typing import Final

from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.references import DEFAULT_CERTIFICATE
from translators.dialects.dialect import Dialects
from translators.envoy.names import tables_of
from translators.graph.aliases import AliasTables
from translators.graph.backends import BackendTables
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import ALL, GatewayTables
from translators.graph.hosts import HostTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.graph.keys import GuestKey, HostKey, ServiceOf
from translators.graph.listeners import ListenerTables
from translators.graph.row_weights import RowWeights
from translators.merge.aliases import AliasPlan
from translators.merge.certificate_problems import (
    of_names,
    of_secret,
    overruled,
    without_default,
)
from translators.merge.credentials import without_credentials
from translators.merge.ingress_status import (
    asking,
    lacking,
    shortened,
    unattached,
    without_certificate,
    without_listener,
)
from translators.merge.ownership import below_wildcard
from translators.merge.phase import gateway_status, troubled, without_members
from translators.merge.slices import more_of, more_slices
from translators.model.backends import Target
from translators.model.endpoints import Lack, SliceEndpoints
from translators.model.host_plans import HostPlan
from translators.model.hosts import wildcard_over
from translators.model.ingresses import Asked, IngressRules, Named
from translators.model.listeners import Protocol
from translators.model.policy import Scope
from translators.model.statuses import (
    GatewayStatus,
    IngressStatus,
    RemoteCluster,
    Runtime,
    ShownCertificate,
)
from translators.policies.policy import asked_by

MOST_SLICES: Final = 100
"""The bound on EndpointSlices of one member whose problems are reported one by one."""


class StatusTables:
    """The tables of statuses.

    Indices say which objects a change concerns, so that no status looks at the whole fleet.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        gateways: GatewayTables,
        ingresses: IngressTables,
        hosts: HostTables,
        aliases: AliasTables,
        listeners: ListenerTables,
        backends: BackendTables,
        dialects: Dialects,
        weights: RowWeights,
    ) -> None:
        self._inputs = inputs
        self._gateways = gateways
        self._ingresses = ingresses
        self._certificates = hosts.certificates
        self._plans = hosts.plans
        self._aliases = aliases.plans
        self._credentials = backends.credentials
        self._listeners = listeners
        self._backends = backends
        self._passwords = hosts.passwords
        self._dialects = dialects
        self._findings = Index(graph, "findings", hosts.plans, _found_in)
        self._alias_findings = Index(graph, "alias findings", aliases.plans, _found_in)
        self._serving = Index(graph, "serving", hosts.plans, _serving)
        guests = Index(graph, "guests", hosts.plans, _guests)
        namespaces = Derived(graph, "guest namespaces", guests, lambda *_: True)
        self._below = Index(graph, "below", namespaces, lambda key, _: (key.wildcard,))
        self.of_gateways = Derived(
            graph, "gateway statuses", inputs.gateway_refs, self._gateway_status
        )
        self.of_ingresses = Derived(
            graph, "ingress statuses", inputs.ingresses, self._ingress_status, weights.of_rules
        )
        self._troubled_ingresses = Index(graph, "troubled Ingresses", self.of_ingresses, _troubled)
        self._troubled_slices = Index(
            graph, "troubled slices", backends.slice_endpoints, _by_origin
        )

    def problems(self) -> Iterator[Problem]:
        """Yield all problems of translation, grouped by object. O(gateways and problems)."""
        for gateway in self.of_gateways.rows.values():
            yield from gateway.problems
        for ref in self._troubled_ingresses.get(ALL) or ():
            yield from self.of_ingresses.rows[ref].problems
        for member in self._troubled_slices.groups:
            shown = self._troubled_slices.first(member, MOST_SLICES)
            for ref in shown:
                yield from self._backends.slice_endpoints.rows[ref].problems
            if more := self._troubled_slices.size(member) - len(shown):
                yield more_slices(member, more)
        yield from _some(self._backends.nodes.problems, "Nodes")
        yield from _some(self._backends.unreached.groups, "Services")

    # -- gateways ----------------------------------------------------------------------------------

    def _gateway_status(self, view: View, ref: Ref) -> GatewayStatus:
        gateway = view.get(self._gateways.declared, ref)
        config = view.get(self._inputs.configs, ref)
        default = gateway.settings.default_certificate if gateway else None
        named = (default,) if default else ()
        remote = tuple(self._remote_cluster(view, m) for m in (gateway.members if gateway else ()))
        return gateway_status(
            gateway,
            view.get(self._inputs.runtimes, ref) or Runtime(),
            remote,
            self._gateways.addresses(view, ref),
            self._gateways.bind(view, ref),
            config.metadata.generation if config else 0,
            view.get(self._inputs.refusals, ref),
            (
                *(
                    problem
                    for secret in named
                    for problem in of_secret(
                        ref, DEFAULT_CERTIFICATE, secret, self._certificates.held(view, secret)
                    )
                ),
                *(
                    problem
                    for at, secret in view.get(self._gateways.certificates, ref) or ()
                    for problem in of_secret(ref, at, secret, self._certificates.held(view, secret))
                ),
                *self._listeners.named.problems(view, ref),
                *(self._listeners.problems(view, ref) if gateway else ()),
            ),
            tuple(self._shown(view, ref)) if gateway else (),
            tuple(e.at for e in self._gateways.served(view, ref)) if gateway else (),
        )

    def _shown(self, view: View, ref: Ref) -> Iterator[ShownCertificate]:
        """Yield the usable certificates that the object names for its listeners."""
        for entry in self._gateways.served(view, ref):
            for i, each in enumerate(entry.certificates):
                held = self._certificates.held(view, each.secret)
                if held.reading and held.reading.certificate:
                    named = f"{each.secret.namespace}/{each.secret.name}"
                    yield ShownCertificate(entry.at, named, is_default=i == 0)

    def _remote_cluster(self, view: View, member: str) -> RemoteCluster:
        origin = view.get(self._inputs.origins, member)
        if origin is None:
            return RemoteCluster(member, "the fleet has no member of this ID", known=False)
        if not origin.reachable:
            return RemoteCluster(member, origin.message, outage=origin.outage)
        if not origin.listed:
            return RemoteCluster(member, Outage.UNREAD.value, outage=Outage.UNREAD)
        return RemoteCluster(member)

    # -- Ingresses ---------------------------------------------------------------------------------

    def _ingress_status(self, view: View, ref: Ref) -> IngressStatus:
        attachment = view.must(self._ingresses.attachments, ref)
        rules = view.get(self._ingresses.rules, ref)
        if rules is None:
            return IngressStatus(problems=attachment.problems)
        serving = {key.gateway for key in view.group(self._serving, ref)}
        found = [self._gateways.addresses(view, g) for g in attachment.gateways if g in serving]
        problems = {
            *attachment.problems,
            *rules.problems,
            *self._problems(view, ref, rules, attachment.gateways),
        }
        return IngressStatus(
            gateways=tuple(self._dialects.name_of(gateway) for gateway in attachment.gateways),
            addresses=tuple(dict.fromkeys(address for each in found for address in each)),
            problems=shortened(ref, problems),
        )

    def _problems(
        self, view: View, ref: Ref, rules: IngressRules, gateways: tuple[Ref, ...]
    ) -> Iterator[Problem]:
        """Yield the problems of an Ingress that its own text does not show."""
        for host in view.group(self._findings, ref):
            yield from view.must(self._plans, host).problems_of(ref)
        for name in view.group(self._alias_findings, ref):
            yield from (p for p in view.must(self._aliases, name).problems if p.at == ref)
        if rules.policies:
            yield from self._overruled(view, ref, rules, gateways)
            yield from self._without_credentials(view, ref, rules)
            yield from self._passwords.lacks(view, ref, rules)
            yield from self._asking(view, ref, rules, gateways)
            claimed = view.must(self._ingresses.claims, ref)
            yield from self._listeners.chains.problems(view, ref, rules, claimed)
        if rules.tls:
            yield from self._of_certificates(view, ref, rules, gateways)
        for gateway in gateways:
            yield from self._without_listener(view, ref, rules, gateway)
            if rules.weights:
                members = view.must(self._gateways.members, gateway)
                whose = self._dialects.name_of(gateway)
                yield from unattached(ref, rules.weights, members, whose)
        for named in rules.named:
            yield from self._lacking(view, gateways, named)
        if any(rule.host.startswith("*") for rule in rules.rules):
            yield from self._below_wildcards(view, ref, rules)

    def _without_credentials(self, view: View, ref: Ref, rules: IngressRules) -> Iterator[Problem]:
        for declared in rules.policies:
            for secret in declared.policy.secrets:
                if self._credentials.lacks(view, secret):
                    yield without_credentials(ref, declared, secret)

    def _lacking(self, view: View, gateways: tuple[Ref, ...], named: Named) -> Iterator[Problem]:
        """Report what a rule's backend lacks, once if it is the same at all of its gateways."""
        of, target = self._backends.lacks, Target((named.backend,))
        lacks = {gateway: view.get(of, (gateway, target)) for gateway in gateways}
        found = {g: lack for g, lack in lacks.items() if lack not in {None, Lack.NOTHING}}
        causes = {g: tuple(self._at_fault(view, g, lack)) for g, lack in found.items()}
        if len(found) == len(gateways) and len(set(found.values())) == 1:
            # If some gateway is not at fault, the rule is the cause.
            because = sum(causes.values(), ()) if all(causes.values()) else ()
            yield lacking(named, found[gateways[0]], "", because)
            return
        for gateway, lack in found.items():
            name = self._dialects.name_of(gateway)
            yield lacking(named, lack, name, causes[gateway])

    def _asking(
        self, view: View, ref: Ref, rules: IngressRules, gateways: tuple[Ref, ...]
    ) -> Iterator[Problem]:
        """Report services that must allow requests and cannot answer. A canary asks none."""
        for declared in () if rules.canaries else rules.policies:
            for backend in asked_by([declared.policy]):
                for gateway in gateways:
                    lack = view.get(self._backends.lacks, (gateway, Target((backend,))))
                    if lack not in {None, Lack.NOTHING}:
                        name = self._dialects.name_of(gateway) if len(gateways) > 1 else ""
                        yield asking(ref, declared, backend, lack, name)

    def _at_fault(self, view: View, gateway: Ref, lack: Lack) -> Iterator[Problem]:
        """Yield the problems of a gateway that hide its backends: no members, or unread ones."""
        key = self._dialects.of(gateway).kind.attaches
        if lack is Lack.MEMBERS:
            yield without_members(gateway, key)
        for member in view.must(self._gateways.members, gateway):
            origin = view.get(self._inputs.origins, member)
            if origin is None or not origin.listed:
                yield troubled(gateway, key, self._remote_cluster(view, member))

    def _overruled(
        self, view: View, ref: Ref, rules: IngressRules, gateways: tuple[Ref, ...]
    ) -> Iterator[Problem]:
        """Report policies of Services for which an older Ingress asks for something else."""
        if any(True for _ in rules.policies_of(Scope.SERVICE)):
            for gateway in gateways:
                for service in rules.services:
                    settled = self._backends.settled(view, ServiceOf(gateway, *service))
                    yield from (p for p in settled.problems if p.at == ref)

    def _of_certificates(
        self, view: View, ref: Ref, rules: IngressRules, gateways: tuple[Ref, ...]
    ) -> Iterator[Problem]:
        """Report what is wrong with the certificates that an Ingress names."""
        tables = self._certificates
        for entry in rules.tls:
            if (secret := entry.secret) is None:
                if any(
                    tables.lacks_default(view, gateway)
                    and not all(tables.is_named(view, gateway, host) for host in entry.hosts)
                    for gateway in gateways
                ):
                    yield without_default(ref, entry, DEFAULT_CERTIFICATE)
                continue
            held = tables.held(view, secret)
            yield from of_secret(ref, f"{entry.at}.secretName", secret, held)
            if held.reading and held.reading.certificate:
                yield from of_names(ref, entry, secret, held.reading.certificate)
            # An entry with hosts is not told of an older one for all other hosts.
            declared = entry.hosts or tuple(entry.named)
            # One who takes an alias is told with the alias.
            hosts = [host for host in declared if not rules.is_alias(host)]
            yield from overruled(ref, entry, secret, tables.others(view, entry, hosts, gateways))

    def _below_wildcards(self, view: View, ref: Ref, rules: IngressRules) -> Iterator[Problem]:
        """Tell an Ingress about other namespaces that have hosts below its wildcards."""
        served = set(view.group(self._serving, ref))
        for key in view.must(self._ingresses.claims, ref):
            if key.host.startswith("*") and key in served:
                mains = rules.rules_of(key.host)
                for guest in view.group(self._below, key) if mains else ():
                    if guest.namespace != ref.namespace:
                        yield below_wildcard(mains[0], guest.namespace)

    def _without_listener(
        self, view: View, ref: Ref, rules: IngressRules, gateway: Ref
    ) -> Iterator[Problem]:
        sets = view.must(self._gateways.sets, gateway)
        for asked in rules.asked:
            if asked.listener.protocol is Protocol.HTTPS and tables_of(asked.listener) in sets:
                yield from self._without_certificate(view, ref, rules, gateway, asked)
            if tables_of(asked.listener) not in sets:
                # This read makes the status depend on all listeners, so it is only done here.
                served = tuple(entry.at for entry in self._gateways.served(view, gateway))
                yield without_listener(ref, asked, self._dialects.name_of(gateway), served)

    def _without_certificate(
        self, view: View, ref: Ref, rules: IngressRules, gateway: Ref, asked: Asked
    ) -> Iterator[Problem]:
        """Report hosts that a listener for TLS cannot show a certificate for."""
        tables, certificates = tables_of(asked.listener), self._certificates
        hosts = sorted({host for of, host in rules.hosts if of == tables})
        without = [h for h in hosts if not certificates.ends_tls(view, gateway, h)]
        if without:
            yield without_certificate(ref, asked, self._dialects.name_of(gateway), without)


def _some(problems: Iterable[Problem], what: str) -> Iterator[Problem]:
    """Yield the first MOST_SLICES problems of each member, and one that counts the others."""
    by_member: dict[str, list[Problem]] = {}
    for problem in sorted(problems):
        by_member.setdefault(problem.at.origin, []).append(problem)
    for member, found in by_member.items():
        yield from found[:MOST_SLICES]
        if len(found) > MOST_SLICES:
            yield more_of(member, f"{len(found) - MOST_SLICES} more {what}", found[0])


def _troubled(_: Ref, row: IngressStatus) -> tuple[str, ...]:
    return (ALL,) if row.problems else ()


def _by_origin(ref: Ref, row: SliceEndpoints) -> tuple[str, ...]:
    return (ref.origin,) if row.problems else ()


def _serving(_: HostKey, plan: HostPlan) -> frozenset[Ref]:
    return plan.origins | plan.sharing if plan.sharing else plan.origins


def _guests(key: HostKey, plan: HostPlan) -> Iterable[GuestKey]:
    if not plan.below:
        return ()
    wildcard = key._replace(host=wildcard_over(key.host))
    return [GuestKey(wildcard, namespace) for namespace in plan.below]


def _found_in(_: HostKey, plan: HostPlan | AliasPlan) -> frozenset[Ref]:
    return frozenset(problem.at for problem in plan.problems)
