"""Weights of table rows: estimates of the work to compute one, so that a turn can pause before it.

A weight is a number of parts. A part is a rule with one backend, an endpoint, or the like, and
takes about 20 to 50 µs. Rough numbers suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fleet.ref import Ref
from translators.graph.keys import HostKey, ServiceKey, TargetKey
from translators.model.actions import size_of
from translators.model.conditions import surcharge
from translators.model.rules import Rule

if TYPE_CHECKING:
    from translators.graph.tables import Tables

_LINE: Final = 100  # characters of a line of an annotation
_ENDPOINT: Final = 25  # bytes of an encoded endpoint


class RowWeights:
    """The weights of rows that may have many parts, by the keys of the rows."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of_paths(self, ref: Ref) -> int:
        """Count the paths of an Ingress, each multiplied by the lines of the annotations."""
        if (ingress := self._tables.inputs.ingresses.get(ref)) is None:
            return 0
        paths = sum(1 + len(rule.http.paths if rule.http else ()) for rule in ingress.spec.rules)
        texts = sum(map(len, ingress.metadata.annotations.values()))
        return paths * (1 + texts // _LINE)

    def of_rules(self, ref: Ref) -> int:
        """Count the rules and problems of an Ingress."""
        if (row := self._tables.ingresses.rules.get(ref)) is None:
            return 0
        rules = row.rules or tuple(canary.rule for canary in row.canaries)
        return len(row.problems) + len(row.defaults) + _size(rules)

    def of_hosts_rules(self, key: HostKey) -> int:
        """Count the rules that all Ingresses have for a host."""
        tables = self._tables.ingresses
        rows = map(tables.rules.get, tables.by_host.get(key) or ())
        return sum(_size(row.rules_of(key.host)) for row in rows if row)

    def of_plan(self, key: HostKey) -> int:
        """Count the rules in the plan of a host."""
        plan = self._tables.hosts.plans.get(key)
        return _size(plan.rules) if plan else 0

    def of_slice(self, ref: Ref) -> int:
        """Count the endpoints of a slice."""
        endpoint_slice = self._tables.inputs.slices.get(ref)
        return len(endpoint_slice.endpoints) if endpoint_slice else 0

    def of_pool(self, key: TargetKey) -> int:
        """Count the endpoints of a Service in all members of a gateway.

        If the row exists, its old size is taken as the estimate.
        """
        if (row := self._tables.backends.assignments.get(key)) is not None:
            return len(row.resource.body) // _ENDPOINT
        gateway, target = key
        namespace, service, *_ = target.backends[0].pool
        return sum(
            self.of_slice(ref)
            for member in self._tables.gateways.members.get(gateway) or ()
            for ref in self._slices_of(ServiceKey(member, namespace, service))
        )

    def _slices_of(self, service: ServiceKey) -> tuple[Ref, ...]:
        return self._tables.backends.slices_of.get(service) or ()


def _size(rules: Sequence[Rule]) -> int:
    """Estimate the rules, each counted as the bounds on rules do.

    Annotations make rules alike, so two are looked at.
    """
    if not rules:
        return 0
    ends = rules[0], rules[-1]
    return len(rules) * max(size_of(rule.action) + surcharge(rule.conditions) for rule in ends)
