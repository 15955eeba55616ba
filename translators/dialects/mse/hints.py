"""Hints of `fleetgate check` about Ingresses of the MSE dialect that are probably mistaken."""

from collections.abc import Iterator

from fleet.models import Ingress, by_position
from fleet.problem import Problem, Severity
from fleet.ref import Ref


def literal_stars(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    """Report paths that end with a star, which is an ordinary character to an MSE gateway."""
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
