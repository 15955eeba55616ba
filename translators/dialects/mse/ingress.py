"""An Ingress of the MSE dialect is read into rules.

The unit of failure is one rule or one annotation: it becomes a problem if it cannot be used, and
the rest of the Ingress is served.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from fleet.models import Ingress
from fleet.ref import Ref
from translators.dialects.classes import effective_class
from translators.dialects.mse.features import read_features
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.paths import PLAIN, PathReading, either_way
from translators.dialects.reading import IngressReader, age_of
from translators.dialects.tls import with_tls
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind

_KINDS: Final[Mapping[str, PathKind]] = {"Exact": PathKind.EXACT}


def read_mse_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    """Read the rules, default backend and annotations of an Ingress of the MSE dialect."""
    wanted, found = read_features(ref, ingress.metadata.annotations, ingress.metadata.unread)
    problems = list(found)
    path = either_way(mse_path) if wanted.split else partial(mse_path, reading=wanted.paths)
    reading = IngressReader(
        ref, age_of(ingress), effective_class(ingress), wanted, problems, path, one_set
    )
    rules = reading.everything(ingress)
    return with_tls(ref, ingress, rules)


def mse_path(path_type: str, text: str, reading: PathReading = PLAIN) -> Path:
    """Read a path. Every path type but Exact is a Prefix, unless annotations make it a pattern."""
    return reading.read(_KINDS.get(path_type, PathKind.PREFIX), text)


def one_set(_: str) -> tuple[TableSet, ...]:
    """Return the one set of route tables that all listeners share."""
    return (MSE_TABLES,)
