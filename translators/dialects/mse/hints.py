"""What `check` says of Ingresses of the MSE dialect that are most likely not meant so."""

from collections.abc import Iterator

from fleet.models import Ingress, by_position
from fleet.problem import Problem, Severity
from fleet.ref import Ref


def literal_stars(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    """Paths that end with a star, which is a character like any other to an MSE gateway."""
    for i, rule in by_position(ingress.spec.rules):
        for j, path in by_position(rule.http.paths if rule.http else ()):
            if path.path.endswith("*"):
                meant = path.path.rstrip("*").rstrip("/") or "/"
                yield Problem(
                    ref,
                    "LiteralStar",
                    f"spec.rules[{i}].http.paths[{j}].path",
                    path.path,
                    f"{meant} with pathType Prefix, for everything below it",
                    "the star stands for itself: no other path is met",
                    severity=Severity.HINT,
                )
