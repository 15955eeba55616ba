"""Policies: what an Ingress or gateway asks for beyond the backend of a request, and its scope.

A policy is a frozen value, so that table rows that contain it can be compared.
`translators.policies` has the policies, and brings them into Envoy's messages.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from fleet.ref import Ref
from translators.model.backends import Target


class Scope(Enum):
    """The extent of a policy. Two Ingresses can disagree about any scope wider than ROUTE."""

    ENTRY = "backend entry"
    """The requests that a rule sends to one of its weighted backends: a canary has its own."""
    ROUTE = "route"
    """The rules of the Ingress that asks for it."""
    HOST = "host"
    """All rules of a host."""
    SERVICE = "Service"
    """All routes to a Service."""
    LISTENER = "listener"
    """All requests over a listener. Only the gateway's own object can ask for such a policy."""
    GATEWAY = "gateway"
    """All listeners of a gateway. Only the gateway's own object can ask for such a policy."""


class Policy:
    """The base class of all policies. Its subclasses are frozen dataclasses."""

    scope: ClassVar[Scope]

    @property
    def at_redirect(self) -> "Policy | None":
        """What it asks of requests that the gateway redirects; None for nothing.

        Only policies of scope ROUTE say so. Nobody is asked for a password to be redirected, least
        of all in clear text to https.
        """
        return None

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that it sends requests to, beside those of the rule."""
        return ()

    @property
    def inner_targets(self) -> tuple[Target, ...]:
        """Those of its targets that a filter asks, by a route table for this target alone."""
        return ()

    @property
    def secrets(self) -> tuple[Ref, ...]:
        """The Secrets whose certificate and authorities it needs towards backends."""
        return ()


@dataclass(frozen=True, slots=True)
class Declared:
    """A policy, and the annotation that asks for it."""

    policy: Policy
    key: str
    value: str


def at_redirect(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """Return what policies ask of requests that the gateway redirects."""
    kept = (p.at_redirect if p.scope is Scope.ROUTE else p for p in policies)
    return tuple(policy for policy in kept if policy)
