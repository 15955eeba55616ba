"""An Ingress of the MSE dialect is read into rules.

The unit of failure is one rule or one annotation: it becomes a problem if it cannot be used, and
the rest of the Ingress is served.
"""

from fleet.models import Ingress
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.classes import effective_class
from translators.dialects.mse.features import read_features
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.paths import plain_path
from translators.dialects.reading import IngressReader, age_of, named_tls
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind


def read_mse_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    """Read the rules, default backend and annotations of an Ingress of the MSE dialect."""
    wanted, found = read_features(ref, ingress.metadata.annotations, ingress.metadata.unread)
    problems = list(found)
    if ingress.spec.tls:
        problems.append(
            Problem(
                ref,
                "NotSupported",
                "spec.tls",
                ", ".join(named_tls(ingress.spec.tls)),
                "a later version of fleetgate",
                "its hosts are served by HTTP alone",
            )
        )
    reading = IngressReader(
        ref, age_of(ingress), effective_class(ingress), wanted, problems, mse_path, one_set
    )
    return reading.everything(ingress)


def mse_path(path_type: str, text: str) -> Path:
    """Read a path. Every path type but Exact is a Prefix."""
    return plain_path(PathKind.EXACT if path_type == "Exact" else PathKind.PREFIX, text)


def one_set(_: str) -> tuple[TableSet, ...]:
    """Return the one set of route tables that all listeners share."""
    return (MSE_TABLES,)
