"""Names of headers that annotations may write and remove."""

from typing import Final

from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.values import field_name

_KEPT: Final = frozenset(
    {
        *("host", "connection", "content-length", "keep-alive", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
"""Headers that say where a request goes and where a message ends."""

_OWN: Final = ("x-envoy-", "x-fg-")


def editable_header(text: str) -> str:
    """Read the name of a header that the gateway does not need itself, in lower case."""
    name = field_name(text)
    if name in _KEPT or name.startswith(_OWN):
        raise Unusable("no header that the gateway itself needs, such as Host or Content-Length")
    return name
