"""The rule model: what both Ingress dialects are read into, before anything of Envoy's.

A dialect (`translators.ingress` with the features of `translators.annotations`) turns an Ingress
into `Rule`s; `translators.hosts` orders and relates the rules of one host; `translators.routes`
makes Envoy routes of the result. Everything is frozen and compares by value, which is what lets a
derived row stop a change that changes nothing.

The rest of the ALB dialect has its place here: `order`, `conditions`, `action` and weights per
member (`Backend.weights`). MSE rules use the defaults. A source address will be one more `Where`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Final, NamedTuple, NewType, TypeAlias

from fleet.ref import Ref


class Dialect(Enum):
    """What a gateway is modelled on, which says how its Ingresses are written."""

    MSE = "mse"
    ALB = "alb"


# -- where a request comes in ----------------------------------------------------------------------

TableSet = NewType("TableSet", str)
"""The set of route tables that a listener asks."""

MSE_TABLES: Final = TableSet("mse")
"""The set that all listeners of an MSE gateway share; those of an ALB gateway have one each."""


MAX_PORT: Final = 65535


class Protocol(StrEnum):
    """What a listener speaks."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    QUIC = "QUIC"


class ListenerPort(NamedTuple):
    """What a listener of a gateway is known by."""

    port: int
    protocol: Protocol = Protocol.HTTP

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol}"


class Entry(NamedTuple):
    """A listener that a gateway serves, and the route tables that it asks."""

    at: ListenerPort
    tables: TableSet


# -- what a request must be ------------------------------------------------------------------------


class PathKind(Enum):
    """How a path matches; the value is the rank in a host's order of rules."""

    EXACT = 0
    PREFIX = 1
    REGEX = 2


@dataclass(frozen=True, slots=True)
class Path:
    """A path match. A PREFIX has no trailing slash but for "/", and matches by path element.

    `written` is what people know it by, where requests spell it otherwise. An `ambiguous` one has
    `//`, `%2F` or `%5C`, which a backend may read as one slash. `instructions` is what a REGEX
    costs (`translators.bounds`); one that is `short_only` is asked for short paths only.
    """

    kind: PathKind
    value: str
    written: str = ""
    ambiguous: bool = False
    instructions: int = 0
    short_only: bool = False

    def __str__(self) -> str:
        return f"{self.kind.name.capitalize()} {self.written or self.value}"


@dataclass(frozen=True, slots=True)
class Text:
    """A match of one text: equal, or as an RE2 regex against the whole of it.

    A regex is a user's pattern; `instructions` is what it costs (`translators.bounds`).
    """

    value: str
    regex: bool = False
    instructions: int = 0


class Where(Enum):
    """The part of a request that a condition looks at."""

    HEADER = "header"
    QUERY = "query"
    COOKIE = "cookie"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something a request must have: one of `values` in the named place.

    `name` is the header's, query parameter's or cookie's, "" for METHOD. The conditions of a rule
    are ANDed.
    """

    where: Where
    name: str
    values: tuple[Text, ...]

    @property
    def instructions(self) -> int:
        """What its patterns cost."""
        return sum(text.instructions for text in self.values)


# -- what answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """The Pods of a Service that are asked first; without a usable one the others take over.

    `member` is "" for Pods of every member. `labels` are Pod labels that must all hold.
    `base` means the Pods that carry no canary label (`translators.annotations.subset`).
    """

    member: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    base: bool = False

    @property
    def needs_labels(self) -> bool:
        """Whether Pods must be known, not only their member."""
        return self.base or bool(self.labels)


class ServicePort(NamedTuple):
    """A Service's port as an Ingress names it: by number, or by name where the number is 0.

    A name has a letter, so that it never reads like a number.
    """

    number: int = 0
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(self.number)


class BackendProtocol(StrEnum):
    """What a backend speaks: HTTP/1.1 or HTTP/2, in clear or by TLS."""

    HTTP = "http"
    H2C = "h2c"
    HTTPS = "https"
    H2 = "h2"


class Backend(NamedTuple):
    """A Service port in every attached member, how its Pods are chosen, and what they speak.

    `weights` gives members a share of their own (ALB); () means that every Pod weighs the same.
    A tuple like Target and ServicePort, as they are in the keys of tables.
    """

    namespace: str
    service: str
    port: ServicePort
    subset: Subset | None = None
    weights: tuple[tuple[str, int], ...] = ()
    protocol: BackendProtocol = BackendProtocol.HTTP

    @property
    def pool(self) -> tuple[str, str, ServicePort]:
        """The Service port alone: backends with one pool share their Pods."""
        return self.namespace, self.service, self.port


class Target(NamedTuple):
    """Backends by preference: the next serves while those before have no usable Pod."""

    backends: tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A target and its weight among its neighbours."""

    target: Target
    weight: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request on; weights are shares of their sum."""

    shares: tuple[Share, ...]

    def each(self, change: Callable[[Backend], Backend]) -> "Forward":
        """The same shares of changed backends."""
        return Forward(
            tuple(
                Share(Target(tuple(map(change, share.target.backends))), share.weight)
                for share in self.shares
            )
        )


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """Answer without a backend."""

    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to https for good (308), at `host` or, where that is "", at the one it asked.

    Path and query stay as they are.
    """

    host: str = ""


Action: TypeAlias = Forward | FixedResponse | Redirect


def size_of(action: Action) -> int:
    """How many backends it names; what answers by itself counts as one."""
    if not isinstance(action, Forward):
        return 1
    if len(action.shares) == 1:
        return len(action.shares[0].target.backends)
    return sum(len(share.target.backends) for share in action.shares)


# -- rules -----------------------------------------------------------------------------------------

UNDATED: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """The order in which Ingresses win: older first, undated last, then by `name.namespace`."""

    created: datetime
    tie: str


@dataclass(frozen=True, slots=True)
class Pick:
    """A request that meets the condition goes to the canary for sure, or to the main for sure."""

    condition: Condition
    canary: bool


@dataclass(frozen=True, slots=True)
class Weight:
    """A share of the requests, out of the total of the oldest weight of the path.

    `total` is what counts where that is this one. `key` is the annotation, for problems.
    """

    value: int
    total: int
    key: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """How a canary rule takes requests from the main rule of its host and path.

    `by_request` (headers and query) is asked before `by_cookie`, both before the weight. `weight`
    is None where none was given, which is not the same as 0: the oldest weight brings the total.
    """

    by_request: tuple[Pick, ...] = ()
    by_cookie: tuple[Pick, ...] = ()
    weight: Weight | None = None


DEFAULT_ORDER: Final = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of one host of one Ingress.

    `at` is the field's path within the Ingress, for problems. `order` ranks before the path (ALB).
    `sets` are those of the listeners that it is meant for, whether the gateway has them or not.
    A rule with an `alternative` matches nothing by itself: it adds to the main rule of its path,
    if that is of its `ingress_class`. A `restricted` rule is not for everybody: lists, passwords,
    client certificates and the like guard it, or were meant to. `https_only` is the annotation that
    keeps requests in clear from it, "" where none does.
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
    https_only: str = ""
