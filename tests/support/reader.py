"""A reader of the documents, who types their commands: real files, real kubectl, real servers."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fleet.ref import HUB
from fleetgate.demo.fleet import DemoFleet
from tests.servers.binaries import find
from tests.support.kube import Cluster


@dataclass(frozen=True, kw_only=True)
class Reader(DemoFleet):
    """Does by kubectl what the demo does with files. `root` has the files that are applied."""

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
        """Run `kubectl apply -f FILE`, with `-n` if the document has it."""
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
        """Run `kubectl edit` with an editor that adds the line of the document."""
        path = self.directory(HUB) / name
        edited = yaml.safe_load(path.read_text(encoding="utf-8"))
        line = f"    mse.alibabacloud.com/remote-clusters: {','.join(members)}"
        editor = self.root / "editor"
        editor.write_text(f"#!/bin/sh\nsed -i '/^  annotations:$/a\\{line}' \"$1\"\n")
        editor.chmod(0o700)
        hub = self.servers[HUB]
        subprocess.run(
            [
                *(str(find("kubectl")), f"--kubeconfig={hub.kubeconfig}"),
                *("edit", edited["kind"].lower(), edited["metadata"]["name"]),
            ],
            env={**os.environ, "KUBE_EDITOR": str(editor)},
            check=True,
            capture_output=True,
            timeout=60,
        )

    def scale(self, member: str, deployment: str, replicas: int) -> None:
        where = self._found(member, "deployment", deployment)
        arguments = ("deployment", deployment, "--replicas", str(replicas))
        self.servers[member].kubectl("scale", *arguments, *where)

    def delete_service(self, member: str, service: str) -> None:
        where = self._found(member, "service", service)
        self.servers[member].kubectl("delete", "service", service, *where)

    def _found(self, member: str, kind: str, name: str) -> tuple[str, ...]:
        """The option for the namespace of an object, which the documents' commands do not have."""
        one = f"--field-selector=metadata.name={name}"
        found = self.servers[member].kubectl("get", kind, "-A", one, "-o", "json")
        [item] = json.loads(found)["items"]
        return _in(item["metadata"]["namespace"])


def _in(namespace: str) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()
