"""Questions about a text that may be an IP address or a DNS name."""

import ipaddress
import re
from typing import Final

_LABEL: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_METADATA_SERVICES: Final = frozenset(
    (
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
        "metadata.azure.internal",
        "api.metadata.cloud.ibm.com",
    )
)
"""Names under which clouds have their metadata services."""

_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def is_loopback(address: str) -> bool:
    """Whether an IP address or a host name stands for the machine that this process runs on."""
    if is_ip(address):
        parsed = ipaddress.ip_address(address)
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        return (mapped or parsed).is_loopback
    return address.lower() == "localhost" or address.lower().endswith(".localhost")


def is_metadata_service(name: str) -> bool:
    """Whether a host name is known to stand for the metadata service of a cloud."""
    return name.lower().removesuffix(".") in _METADATA_SERVICES


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_dns_name(text: str) -> bool:
    """Whether a text is the DNS name of a host, with or without a dot at its end.

    A last label that is a number makes an address of it for some resolvers: 127.1 is 127.0.0.1.
    """
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= 253
        and all(map(_LABEL.fullmatch, labels))
        and _NUMBER.fullmatch(labels[-1]) is None
    )
