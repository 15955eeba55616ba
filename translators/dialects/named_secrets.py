"""Secrets of the hub as settings of gateways and annotations of Ingresses name them."""

from collections.abc import Callable

from fleet.parse import is_name
from fleet.ref import HUB, Ref
from fleet.references import secret_named
from translators.dialects.annotations.reader import Unusable


def named_secret(text: str) -> Ref:
    """Read NAMESPACE/NAME, a Secret of the hub."""
    if (named := secret_named(text)) is None:
        raise Unusable("the namespace and name of a Secret on the hub, such as web/default-tls")
    return named


def own_secret(namespace: str) -> Callable[[str], Ref]:
    """Make a parser of NAME or NAMESPACE/NAME, a Secret of this namespace.

    Secrets of other namespaces are not open to an Ingress.
    """

    def parse(text: str) -> Ref:
        of, slash, name = text.rpartition("/")
        if not is_name(name) or (slash and of != namespace):
            raise Unusable(f"the name of a Secret of the Ingress's namespace, {namespace}")
        return Ref(HUB, "Secret", namespace, name)

    return parse
