"""Names of hosts in Ingresses."""

import re
from typing import Final

from translators.dialects.annotations.reader import Unusable

LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""The regex of a label of DNS in lower case, which the name of a Service is too."""

_HOST: Final = re.compile(rf"(?:\*\.)?{LABEL}(?:\.{LABEL})*")


def host_name(text: str) -> str:
    """Read a host, in lower case; "" stands for every host."""
    host = text.lower()
    if host and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise Unusable("a DNS name such as shop.example.com or *.example.com")
    return host
