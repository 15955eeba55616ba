"""The steps of an example: changes of the fleet, and requests to the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fleet.ref import HUB, Ref
from fleetgate.demo.http import Question


@dataclass(frozen=True, slots=True)
class Apply:
    """`kubectl apply -f FILE` on the hub or in a member.

    `values` maps texts of the manifest to their replacements. `over` is the file of an older
    version of the same objects, whose place this one takes.
    """

    file: str
    to: str = HUB
    namespace: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    over: str = ""

    @property
    def kept_as(self) -> str:
        """The name of the file in the fleet."""
        return self.over or self.file


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

    With `certificate` (PEM) it is sent over TLS, and only that certificate is trusted. `times` is
    the number of requests.
    """

    question: Question
    promised: Mapping[str, float]
    certificate: str = ""
    times: int = 2000


@dataclass(frozen=True, slots=True)
class Try:
    """Send a request a few times, one after the other. `promised` has the statuses with counts.

    `path` is the path that the Pod is promised to be asked for; "" if no Pod is asked.
    """

    question: Question
    promised: Mapping[int, int]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Redirected:
    """Send a request once, without TLS. The answer is a redirect to the URL `to`."""

    question: Question
    to: str


@dataclass(frozen=True, slots=True)
class Listed:
    """`kubectl get` of the gateway: `promised` is its PORT&PROTOCOL, and all members are listed."""

    promised: str


@dataclass(frozen=True, slots=True)
class Reported:
    """`kubectl get events` of an Ingress: one for `reason`, whose text contains `says`."""

    ingress: str
    namespace: str
    reason: str
    says: str


@dataclass(frozen=True, slots=True)
class Call:
    """Call the health service of gRPC on a host, over TLS. Only `certificate` (PEM) is trusted."""

    host: str
    certificate: str


@dataclass(frozen=True, slots=True)
class ByQuic:
    """Show the command that asks a host by HTTP/3, and whether QUIC answers there."""

    question: Question


Change: TypeAlias = Apply | Attach | Scale | DeleteService | Kill | Revive
"""A change of the fleet."""

Check: TypeAlias = Ask | Try | Redirected | Listed | Reported | Call | ByQuic
"""A look at the fleet, which is as promised or not."""

Step: TypeAlias = Change | Check


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a document, and its promise in a sentence."""

    title: str
    promise: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its folder of manifests, its gateway, and its examples in order.

    Each example starts from the state that those before it have left. `kind` is the kind of the
    gateway's object.
    """

    title: str
    folder: str
    gateway: str
    preparation: tuple[Change, ...]
    examples: tuple[Example, ...]
    kind: str = "MseIngressConfig"

    @property
    def ref(self) -> Ref:
        """The gateway's object."""
        return Ref(HUB, self.kind, "", self.gateway)
