"""Questions about a text that may be an IP address."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether an IP address or a host name stands for the machine that this process runs on."""
    if is_ip(address):
        parsed = ipaddress.ip_address(address)
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        return (mapped or parsed).is_loopback
    return address.lower() == "localhost" or address.lower().endswith(".localhost")


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
