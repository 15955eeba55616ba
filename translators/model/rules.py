"""Rules: what an Ingress declares for the requests of one path.

Every dialect is read into rules. All later steps know rules only: they decide which rules win on a
host, add canaries to them, and make Envoy's routes of them. Rules are frozen and compare by value,
so that an unchanged table row ends the propagation of a change.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fleet.ref import Ref
from translators.model.actions import Action
from translators.model.conditions import Condition
from translators.model.listeners import TableSet
from translators.model.paths import Path
from translators.model.policy import Policy

UNDATED: Final = datetime.max.replace(tzinfo=UTC)
"""The creation time of an object without one, such as one in a file: it counts as the youngest."""


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """The precedence of an Ingress: the older one wins, and `tie` decides between equally old ones.

    `tie` is `name.namespace`.
    """

    created: datetime
    tie: str


DEFAULT_ORDER: Final = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of one host of one Ingress.

    `at` is the path of the declaring field in the Ingress, for problems. Rules with a lower `order`
    come first, whatever their paths; `order_key` is the annotation that says so, and "" if none
    does. `sets` belong to the listeners that the rule is meant for, even if the gateway lacks
    these. `policies` are those that the Ingress asks for, of any scope. `restricted` says that
    access is limited by address lists, passwords or the like, or was meant to be. `https_only` is
    the annotation that redirects requests in clear text; "" if none does. `fallback` is the
    annotation that puts a backend behind those of the action; "" if none does.
    """

    origin: Ref
    at: str
    age: Age
    host: str
    path: Path
    action: Action
    sets: tuple[TableSet, ...]
    conditions: tuple[Condition, ...] = ()
    order: int = DEFAULT_ORDER
    order_key: str = ""
    policies: tuple[Policy, ...] = ()
    ingress_class: str = ""
    restricted: bool = False
    https_only: str = ""
    fallback: str = ""
