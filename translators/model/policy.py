"""What somebody asks for requests beyond where they go, and how far one wish reaches.

A policy is a frozen value: rows of tables compare by it. `translators.policies` has them all, and
how they get into Envoy's messages.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Scope(Enum):
    """What a policy holds for, and so where two Ingresses may ask for different things."""

    ROUTE = "route"
    """The rules of the Ingress that asks for it."""
    HOST = "host"
    """Everything on a host."""
    SERVICE = "Service"
    """Every way to a Service."""
    GATEWAY = "gateway"
    """All listeners of a gateway; only the gateway's own object can ask for it."""


class Policy:
    """Base of all policies; subclasses are frozen dataclasses."""

    scope: ClassVar[Scope]


@dataclass(frozen=True, slots=True)
class Declared:
    """A policy, and the annotation that asks for it."""

    policy: Policy
    key: str
    value: str
