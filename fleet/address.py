"""Texts that are addresses."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether an IP address or a host name means the machine that asks."""
    if is_ip(address):
        found = ipaddress.ip_address(address)
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return (mapped or found).is_loopback
    return address.lower() == "localhost" or address.lower().endswith(".localhost")


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
