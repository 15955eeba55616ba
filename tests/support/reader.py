"""A reader of the documents at a terminal: real files, real kubectl, three clusters."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleet.ref import HUB
from fleetgate.demo.fleet import DemoFleet
from tests.support.kube import Cluster


@dataclass(frozen=True, kw_only=True)
class Reader(DemoFleet):
    """Does by kubectl what the demo does with files; `root` holds the files that are applied."""

    servers: Mapping[str, Cluster]
    """The hub and the members, by their name in the fleet."""
    _namespaces: dict[Path, str] = field(default_factory=dict)

    def apply(
        self,
        text: str,
        name: str,
        *,
        to: str = HUB,
        namespace: str = "",
        values: Mapping[str, str] | None = None,
    ) -> Path:
        """`kubectl apply -f FILE`, with `-n` where the document has it."""
        path = DemoFleet.apply(self, text, name, to=to, values=values)
        self._namespaces[path] = namespace
        self.servers[to].kubectl("apply", "-f", str(path), *_in(namespace))
        return path

    def remove(self, name: str, *, to: str = HUB) -> None:
        path = self.directory(to) / name
        where = _in(self._namespaces[path])
        self.servers[to].kubectl("delete", "--ignore-not-found", "-f", str(path), *where)
        DemoFleet.remove(self, name, to=to)

    def attach(self, name: str, members: Iterable[str]) -> None:
        """What `kubectl edit` comes to; the object is the one in the file."""
        annotation = f"mse.alibabacloud.com/remote-clusters={','.join(members)}"
        path = str(self.directory(HUB) / name)
        self.servers[HUB].kubectl("annotate", "--overwrite", "-f", path, annotation)

    def scale(self, member: str, deployment: str, replicas: int) -> None:
        where = self._found(member, "deployment", deployment)
        arguments = ("deployment", deployment, "--replicas", str(replicas))
        self.servers[member].kubectl("scale", *arguments, *where)

    def delete_service(self, member: str, service: str) -> None:
        where = self._found(member, "service", service)
        self.servers[member].kubectl("delete", "service", service, *where)

    def _found(self, member: str, kind: str, name: str) -> tuple[str, ...]:
        """Where it is: the documents' commands for members do not say it."""
        one = f"--field-selector=metadata.name={name}"
        found = self.servers[member].kubectl("get", kind, "-A", one, "-o", "json")
        [item] = json.loads(found)["items"]
        return _in(item["metadata"]["namespace"])


def _in(namespace: str) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()
