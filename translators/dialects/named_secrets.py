"""Secrets of the hub as settings of gateways name them: NAMESPACE/NAME."""

from fleet.ref import Ref
from fleet.references import secret_named
from translators.dialects.annotations.reader import Unusable


def named_secret(text: str) -> Ref:
    """Read the name of a Secret of the hub."""
    if (named := secret_named(text)) is None:
        raise Unusable("the namespace and name of a Secret on the hub, such as web/default-tls")
    return named
