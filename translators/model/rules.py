"""The rule model: what both Ingress dialects are read into, before anything of Envoy's.

A dialect (`translators.dialects.reading` with the features of `translators.annotations`) turns an Ingress
into `Rule`s; `translators.merge.hosts` orders and relates the rules of one host; `translators.envoy.routes`
makes Envoy routes of the result. Everything is frozen and compares by value, which is what lets a
derived row stop a change that changes nothing.

The rest of the ALB dialect has its place here: `order`, `conditions`, `action` and weights per
member (`Backend.weights`). MSE rules use the defaults. A redirect will be one more `Action`, a
source address one more `Where`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fleet.ref import Ref
from translators.model.actions import Action
from translators.model.canaries import Alternative
from translators.model.conditions import Condition
from translators.model.listeners import MSE_TABLES, TableSet
from translators.model.paths import Path

UNDATED: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """The order in which Ingresses win: older first, undated last, then by `name.namespace`."""

    created: datetime
    tie: str


DEFAULT_ORDER: Final = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of one host of one Ingress.

    `at` is the field's path within the Ingress, for problems. `order` ranks before the path (ALB).
    `sets` are those of the listeners that it is meant for, whether the gateway has them or not.
    A rule with an `alternative` matches nothing by itself: it adds to the main rule of its path,
    if that is of its `ingress_class`. A `restricted` rule is not for everybody: lists, passwords,
    client certificates and the like guard it, or were meant to.
    """

    origin: Ref
    at: str
    age: Age
    host: str
    path: Path
    action: Action
    conditions: tuple[Condition, ...] = ()
    order: int = DEFAULT_ORDER
    sets: tuple[TableSet, ...] = (MSE_TABLES,)
    alternative: Alternative | None = None
    ingress_class: str = ""
    restricted: bool = False
