"""Security policies: the oldest TLS version and the ciphers of a listener, by the names of ALB.

TLS 1.3 has ciphers of its own, and every policy allows it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from translators.dialects.annotations.reader import Unusable
from translators.dialects.mse.ciphers import KNOWN
from translators.model.tls import TlsVersion

_FORWARD_SECRET: Final = tuple(name for name in KNOWN if name.startswith("ECDHE-"))


class SecurityPolicy(NamedTuple):
    """The oldest version, and ciphers for TLS up to 1.2; () stands for the usual ones."""

    minimum: TlsVersion = TlsVersion.V1_2
    ciphers: tuple[str, ...] = ()


USUAL: Final = SecurityPolicy()
"""The policy of a listener that names none."""

POLICIES: Final[Mapping[str, SecurityPolicy]] = {
    "tls_cipher_policy_1_0": SecurityPolicy(TlsVersion.V1_0, KNOWN),
    "tls_cipher_policy_1_1": SecurityPolicy(TlsVersion.V1_1, KNOWN),
    "tls_cipher_policy_1_2": SecurityPolicy(TlsVersion.V1_2, KNOWN),
    "tls_cipher_policy_1_2_strict": SecurityPolicy(TlsVersion.V1_2, _FORWARD_SECRET),
    "tls_cipher_policy_1_2_strict_with_1_3": SecurityPolicy(TlsVersion.V1_2, _FORWARD_SECRET),
}


def security_policy(text: str) -> SecurityPolicy:
    """Read the name of a policy."""
    if text not in POLICIES:
        raise Unusable(f"one of {', '.join(POLICIES)}", "TLS 1.2 and its usual ciphers hold")
    return POLICIES[text]
