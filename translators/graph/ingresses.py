"""The tables of Ingresses: their gateways, their rules, and the hosts that they claim."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from fleet.ref import HUB, Ref
from translators.dialects.classes import class_of
from translators.dialects.dialect import Dialects
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import ALL, GatewayTables
from translators.graph.inputs import Inputs
from translators.graph.keys import HostKey
from translators.merge.attachments import Attachment, attach, without_class
from translators.merge.ownership import Owner, owner_of
from translators.model.ingresses import IngressRules


class IngressTables:
    """The tables of Ingresses and of the hosts that they name."""

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        gateways: GatewayTables,
        dialects: Dialects,
        weight: Callable[[Ref], int],
    ) -> None:
        self._inputs = inputs
        self._gateways = gateways
        self._dialects = dialects
        self.attachments = Derived(graph, "attachments", inputs.ingresses, self._attachment)
        self.rules = Derived(graph, "rules", self.attachments, self._rules, weight)
        self.claims = Derived(graph, "claims", self.rules, self._claims)
        self.by_host = Index(graph, "by host", self.claims, lambda _, keys: keys)
        self.wildcards = Index(graph, "wildcards", self.claims, _wildcards)
        self.owners = Derived(graph, "owners of wildcards", self.wildcards, self._owner)

    def _attachment(self, view: View, ref: Ref) -> Attachment:
        ingress = view.must(self._inputs.ingresses, ref)
        name, _ = class_of(ingress)
        of_class = Ref(HUB, "IngressClass", "", name)
        ingress_class = view.get(self._inputs.classes, of_class)
        selectors = view.get(self._gateways.selection, ALL) or ()
        attachment = attach(ref, ingress, ingress_class, selectors, self._dialects)
        if attachment.gateways or ingress_class or not name:
            return attachment
        lost = view.get(self._inputs.lost_classes, of_class)
        if lost is None:
            return attachment
        return replace(attachment, problems=(without_class(ref, ingress, lost),))

    def _rules(self, view: View, ref: Ref) -> IngressRules | None:
        """Read an Ingress; None without a gateway, since it belongs to another controller then."""
        attachment = view.must(self.attachments, ref)
        if not attachment.gateways:
            return None
        dialect = self._dialects.of(attachment.gateways[0])
        return dialect.read_ingress(ref, view.must(self._inputs.ingresses, ref))

    def _claims(self, view: View, ref: Ref) -> tuple[HostKey, ...]:
        """Return the hosts of an Ingress at its gateways, sorted.

        A tuple takes 150 bytes less than a set, which matters for thousands of Ingresses.
        """
        hosts = view.must(self.rules, ref).hosts
        gateways = view.must(self.attachments, ref).gateways
        claimed = {
            HostKey(gateway, tables, host)
            for gateway in gateways
            for tables, host in hosts
            if tables in view.must(self._gateways.sets, gateway)
        }
        return tuple(sorted(claimed))

    def _owner(self, view: View, key: HostKey) -> Owner | None:
        """Return the oldest Ingress that names a wildcard. Every host below it reads this row."""
        ingresses = [view.must(self.rules, ref) for ref in view.group(self.wildcards, key)]
        return owner_of(ingresses, key.tables, key.host)


def _wildcards(_: Ref, keys: tuple[HostKey, ...]) -> Iterator[HostKey]:
    return (key for key in keys if key.host.startswith("*"))
