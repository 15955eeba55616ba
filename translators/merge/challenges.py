"""Challenges: paths by which an authority checks who owns a host.

Solvers, such as those of cert-manager, have Ingresses of their own for them.
"""

from typing import Final

from translators.model.paths import PathKind
from translators.model.rules import Rule

_CHALLENGES: Final = "/.well-known/acme-challenge/"


def is_challenge(rule: Rule) -> bool:
    """Return whether a rule is for a challenge.

    The solvers of some versions of cert-manager have the path type ImplementationSpecific.
    """
    is_plain = rule.path.kind is not PathKind.REGEX
    return is_plain and rule.path.value.startswith(_CHALLENGES)
