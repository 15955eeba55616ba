"""Every feature of the ALB dialect, and what follows from an annotation that has no effect yet.

A request must not go where the annotation would not have sent it. So where an annotation decides
which requests a path takes or what becomes of them, the path is not served without it; where it
tunes how they are served, they are served without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations import canary
from translators.annotations.feature import Change, Feature
from translators.annotations.listen_ports import LISTEN_PORTS, listen_ports
from translators.annotations.reader import ALB, NGINX, Reader
from translators.model import Dialect, ListenerPort

FEATURES: Final[tuple[Feature[Any], ...]] = (canary.FEATURE,)  # each has options of its own type


class Without(Enum):
    """What is done without an annotation that has no effect yet; the value is for people."""

    PATHS = "paths to {} are not served"
    INGRESS = "the Ingress is not served"
    NOTHING = "no effect yet"


_TUNING: Final = """
backend-protocol backend-scheduler backend-scheduler-uch-value cluster-weight. cookie-timeout
cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers
cors-max-age enable-cors healthcheck-code healthcheck-connect-port healthcheck-enabled
healthcheck-httpcode healthcheck-interval-seconds healthcheck-method healthcheck-path
healthcheck-protocol healthcheck-timeout-seconds healthy-threshold-count rule-direction.
ssl-redirect sticky-session sticky-session-type traffic-limit-ip-qps traffic-limit-qps
unhealthy-threshold-count
"""

LATER: Final[Mapping[str, Without]] = {
    "actions.": Without.PATHS,
    "conditions.": Without.PATHS,
    "order": Without.INGRESS,
    "rewrite-target": Without.INGRESS,
    "use-regex": Without.INGRESS,
    **dict.fromkeys(_TUNING.split(), Without.NOTHING),
}
"""Keys of the dialect that have no effect yet: their users are told so.

One that ends with a dot goes on with a name, where PATHS says so a Service's.
"""

_DEFAULTS: Final[Mapping[str, str]] = {"order": "10"}
"""Values that ask for what is done without the annotation."""

_SSL_REDIRECT: Final = f"{NGINX}ssl-redirect"


@dataclass(frozen=True, slots=True)
class AlbFeatures:
    """What the annotations of an Ingress ask for.

    `ports` is None without `listen-ports`; `unserved` are the Services whose paths are not served.
    """

    served: bool
    ports: tuple[ListenerPort, ...] | None
    changes: tuple[Change, ...]
    unserved: frozenset[str]
    problems: tuple[Problem, ...]


def read_alb_features(at: Ref, annotations: Mapping[str, str]) -> AlbFeatures:
    """Read the annotations of an Ingress."""
    reader = Reader(at, annotations, Dialect.ALB)
    changes = [feature.change(reader) for feature in FEATURES]
    ports = reader.read(LISTEN_PORTS, listen_ports, Without.INGRESS.value)
    later = list(_later(annotations))
    unusable = ports is None and reader.has(LISTEN_PORTS)
    return AlbFeatures(
        served=not unusable and all(found.without is not Without.INGRESS for found in later),
        ports=ports,
        changes=tuple(change for change in changes if change),
        unserved=frozenset(found.rest for found in later if found.without is Without.PATHS),
        problems=(*reader.problems, *(found.problem(at) for found in later)),
    )


@dataclass(frozen=True, slots=True)
class _Later:
    """An annotation without effect; `rest` is what its key goes on with."""

    without: Without
    rest: str
    key: str
    value: str

    def problem(self, at: Ref) -> Problem:
        """What its users are told."""
        effect = self.without.value.format(self.rest)
        later = "a later version of fleetgate"
        return Problem(at, "NotSupported", self.key, self.value, later, effect)


def _later(annotations: Mapping[str, str]) -> Iterator[_Later]:
    for key, value in annotations.items():
        if not key.startswith(ALB) and key != _SSL_REDIRECT:
            continue
        stem, dot, rest = key.partition("/")[2].partition(".")
        without = LATER.get(stem + dot)
        # What is switched off, or is the default, has the effect that it asks for.
        asks = without is Without.PATHS or value.strip() not in {"", "false", _DEFAULTS.get(stem)}
        if without is not None and asks:
            yield _Later(without, rest, key, value)
