"""The steps of an example: changes of the fleet, and requests to the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fleet.ref import HUB
from fleetgate.demo.http import Question


@dataclass(frozen=True, slots=True)
class Apply:
    """`kubectl apply -f FILE` on the hub or in a member.

    `values` maps texts of the manifest to their replacements.
    """

    file: str
    to: str = HUB
    namespace: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attach:
    """Attach all members to the gateway in this file of the hub."""

    file: str


@dataclass(frozen=True, slots=True)
class Scale:
    """`kubectl scale` in a member."""

    member: str
    replicas: int
    deployment: str = "web-demo"


@dataclass(frozen=True, slots=True)
class DeleteService:
    """`kubectl delete service` in a member."""

    member: str
    service: str = "service1"


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill all Pods of a member with SIGKILL. The next requests come before any probe fails."""

    member: str


@dataclass(frozen=True, slots=True)
class Revive:
    """Start the killed Pods of a member again, once their endpoints say that they are not ready."""

    member: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request many times. `promised` has percentages by the ENV_NAME of the answers.

    With `certificate` (PEM) it is sent over TLS, and only that certificate is trusted.
    """

    question: Question
    promised: Mapping[str, float]
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Redirected:
    """Send a request once, without TLS. The answer is a redirect to the URL `to`."""

    question: Question
    to: str


Step: TypeAlias = Apply | Attach | Scale | DeleteService | Kill | Revive | Ask | Redirected


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a document, and its promise in a sentence."""

    title: str
    promise: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its folder of manifests, its gateway, and its examples in order.

    Each example starts from the state that those before it have left.
    """

    title: str
    folder: str
    gateway: str
    preparation: tuple[Step, ...]
    examples: tuple[Example, ...]
