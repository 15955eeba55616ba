"""Rules: what an Ingress says of the requests of one path.

Every dialect is read into rules, and everything after that knows rules alone: which of them win on
a host, how a canary takes part, what Envoy is told. They are frozen and compare by value, so that a
row of a table that comes out as before stops a change there.
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


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """The order in which Ingresses win: older first, undated last, then by `name.namespace`."""

    created: datetime
    tie: str


DEFAULT_ORDER: Final = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of one host of one Ingress.

    `at` is the field's path within the Ingress, for problems. `order` ranks before the path.
    `sets` are those of the listeners that the rule is meant for, whether the gateway has them or
    not. `policies` are those that its Ingress asks for, whatever their scope. A `restricted` rule
    is not for everybody: lists, passwords, client certificates and the like guard it, or were meant
    to. `https_only` is the annotation that keeps requests in clear from it, "" where none does.
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
    policies: tuple[Policy, ...] = ()
    ingress_class: str = ""
    restricted: bool = False
    https_only: str = ""
