"""Translation of a directory fleet without a server, for `check` and `translate`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet.problem import Problem
from fleet.sources.tree import NoFleetError, Tree
from fleet.state import FleetState
from fleetgate.core.addresses import Addresses
from fleetgate.core.hints import hints, not_carried_out
from fleetgate.core.problems import all_problems, misshapen
from fleetgate.core.redaction import redacted
from fleetgate.errors import OperatorError
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.graph.translator import Translator
from translators.model.binds import Bind
from xds.readable import readable
from xds.resource import Resource, TypeUrl

SECTIONS: Mapping[TypeUrl, str] = {
    TypeUrl.LISTENER: "listeners",
    TypeUrl.SCOPED_ROUTE: "scoped_routes",
    TypeUrl.CLUSTER: "clusters",
    TypeUrl.ENDPOINT: "endpoints",
}
"""The titles of a gateway's resources, in the order in which a request meets these."""


@dataclass(frozen=True, slots=True)
class Offline:
    """A fleet that was read once: its resources by gateway, and its problems and hints.

    `objects` is the number of objects that were read. `not_carried_out` counts the Ingresses with
    each annotation that is not carried out, by the annotation and the effect of its absence.
    """

    resources: Mapping[str, Mapping[TypeUrl, Mapping[str, Resource]]]
    problems: tuple[Problem, ...]
    tree: Tree
    objects: int
    not_carried_out: Mapping[tuple[str, str], int]


def read_fleet(root: Path, bind: str, port_offset: int, dialects: Dialects = DIALECTS) -> Offline:
    """Read and translate a directory fleet. Raises OperatorError where `root` is none."""
    tree = Tree(root, dialects.kinds)
    try:
        tree.check()
    except NoFleetError as e:
        raise OperatorError(str(e)) from e
    state = FleetState()
    translator = Translator(state, dialects)
    translator.tell_time(datetime.now(UTC))
    changes = state.apply(tree.scan())
    addresses = Addresses(bind, one_host=True).assign(dialects.gateways_in(state))
    for gateway, address in addresses.items():
        translator.bind(gateway, Bind(address, port_offset))
    turn = translator.update(changes)
    resources = {
        gateway: {
            type_url: {name: r for name, r in named.items() if r is not None}
            for type_url, named in update.items()
        }
        for gateway, update in turn.updates.items()
    }
    tables = translator.tables
    more = (*misshapen(state, dialects, Bind()), *hints(state, tables, tree.endpoints, dialects))
    return Offline(
        resources,
        all_problems(state, tables, more),
        tree,
        sum(map(len, changes.objects.values())),
        not_carried_out(state, tables, dialects),
    )


def show(resources: Mapping[TypeUrl, Mapping[str, Resource]]) -> dict[str, Any]:  # JSON
    """Return a gateway's resources by title, as Envoy's config dump shows them."""
    return {
        section: [
            redacted(readable(type_url, r.body)) for _, r in sorted(resources[type_url].items())
        ]
        for type_url, section in SECTIONS.items()
        if type_url in resources
    }
