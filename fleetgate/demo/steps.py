"""What an example consists of: things done to the fleet, and things asked of the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fleet.ref import HUB
from fleetgate.demo.http import Question


@dataclass(frozen=True, slots=True)
class Apply:
    """`kubectl apply -f FILE`, on the hub or in a member; `values` are filled into the text."""

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
    """End all Pods of a member with SIGKILL; what follows is asked before any probe can fail."""

    member: str


@dataclass(frozen=True, slots=True)
class Revive:
    """Let the killed Pods of a member run again, once their endpoints are known to be down."""

    member: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask many times; `promised` are percentages by the ENV_NAME that the answers show."""

    question: Question
    promised: Mapping[str, float]


Step: TypeAlias = Apply | Attach | Scale | DeleteService | Kill | Revive | Ask


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a document, and its promise in a sentence."""

    title: str
    promise: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its folder of manifests, the gateway it makes, and its examples in order.

    Examples build on those before them, as a reader's terminal does.
    """

    title: str
    folder: str
    gateway: str
    preparation: tuple[Step, ...]
    examples: tuple[Example, ...]
