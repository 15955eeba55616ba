"""Acts as kubelet and EndpointSlice controller of members that are real API servers.

API server ──Deployments, Services──▶ files ──▶ the demo's kubelet ──▶ processes
    ▲                                                 │
    └───────────── Pods, EndpointSlices ◀─────────────┘
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from fleetgate.demo.files import replace
from fleetgate.demo.kubelet import RUNNING, Kubelet
from fleetgate.demo.network import Network
from fleetgate.demo.pod import Pace
from tests.support.kube import Cluster
from translators.dialects import DIALECTS

Manifest: TypeAlias = dict[str, Any]

_DECLARED = "declared.yaml"
_DEPLOYMENTS = "/apis/apps/v1/deployments"
_SERVICES = "/api/v1/services"


class KubeMembers(Kubelet):
    """Runs the Deployments of API servers. Only `sync` reads them and writes their Pods."""

    def __init__(
        self, place: Path, members: Mapping[str, Cluster], pace: Pace, network: Network
    ) -> None:
        super().__init__(place, pace, network)
        self._mirrors = []
        for member, cluster in members.items():
            directory = place / "clusters" / member
            directory.mkdir(parents=True)
            self._mirrors.append(_Mirror(cluster, directory))

    async def sync(self, timeout: timedelta = timedelta(seconds=30)) -> None:  # noqa: ASYNC109 (as its base has it)
        for mirror in self._mirrors:
            await asyncio.to_thread(mirror.read)
        await super().sync(timeout)
        for mirror in self._mirrors:
            await asyncio.to_thread(mirror.write)


class _Mirror:
    """Copies one member's declared objects to files, and its running objects back."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self._cluster = cluster
        self._directory = directory
        self._held: dict[str, Manifest] = {}

    def read(self) -> None:
        """Write the Deployments and Services of the API server into a file."""
        declared = [*self._listed("Deployment", _DEPLOYMENTS), *self._listed("Service", _SERVICES)]
        text = yaml.safe_dump_all(declared, explicit_start=True) if declared else ""
        replace(self._directory / _DECLARED, text)

    def write(self) -> None:
        """Write the running Pods and EndpointSlices to the API server, and delete those gone."""
        path = self._directory / RUNNING
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        running = {_path(one): one for one in yaml.safe_load_all(text)}
        for gone in self._held.keys() - running.keys():
            self._ask("DELETE", gone, {"gracePeriodSeconds": 0})
        for path_of, manifest in running.items():
            if self._held.get(path_of) != manifest:
                self._put(path_of, manifest)
        self._held = running

    def _listed(self, kind: str, path: str) -> Iterator[Manifest]:
        """The declared objects, without Services that have no selector and so no Pods."""
        for item in self._ask("GET", path)["items"]:
            metadata, spec = item["metadata"], item["spec"]
            named = {key: metadata[key] for key in ("name", "namespace")}
            if "selector" in spec:
                yield {"kind": kind, "metadata": named, "spec": spec}

    def _put(self, path: str, manifest: Manifest) -> None:
        collection, _, _ = path.rpartition("/")
        if manifest["kind"] == "Pod":
            # The demo's kubelet writes only those fields of a Pod that fleetgate reads.
            manifest = {**manifest, "spec": {"containers": [{"name": "web", "image": "web"}]}}
        if path in self._held:
            if manifest["kind"] != "Pod":
                self._ask("PUT", path, manifest)
        else:
            self._ask("POST", collection, manifest)
        if manifest["kind"] == "Pod":
            self._ask("PUT", f"{path}/status", manifest)

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        status, said = self._cluster.ask(method, path, body)
        assert status in (200, 201), (method, path, said)
        return said


def _path(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{DIALECTS.kinds[manifest['kind']].path_in(metadata['namespace'])}/{metadata['name']}"
