"""A small fleet with running backends in two members, and manifests that take one line each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

from fleet.models import EndpointSlice, Pod
from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Address
from fleetgate.demo.kubelet import RUNNING, Kubelet
from fleetgate.demo.pod import Pace
from tests.support import builders

ONE, TWO = "one", "two"

AT_ONCE = Pace(unready_after=timedelta(), restart_after=timedelta())
"""A dead Pod becomes unready, and is restarted, without delay."""

NEVER = Pace(unready_after=timedelta(days=1), restart_after=timedelta(days=1))
"""A dead Pod stays ready and is not restarted, so only the gateway can notice its death."""


@dataclass(frozen=True, slots=True)
class RunningFleet:
    """A fleet whose members run the Pods of their Deployments."""

    fleet: DemoFleet
    kubelet: Kubelet

    def endpoints(self, member: str, service: str = "web") -> Mapping[Address, bool]:
        """The addresses in the EndpointSlices of a member's Service, and whether each is ready."""
        return {
            (endpoint.addresses[0], port.port or 0): endpoint.conditions.ready is True
            for piece in self._running(member, "EndpointSlice")
            for slice_ in [EndpointSlice.model_validate(piece)]
            if slice_.metadata.labels["kubernetes.io/service-name"] == service
            for endpoint in slice_.endpoints
            for port in slice_.ports
        }

    def pod_labels(self, member: str) -> Mapping[str, Mapping[str, str]]:
        """The labels of the member's Pods, by name."""
        pods = [Pod.model_validate(piece) for piece in self._running(member, "Pod")]
        return {pod.metadata.name: pod.metadata.labels for pod in pods}

    def _running(self, member: str, kind: str) -> list[Mapping[str, object]]:
        path = self.fleet.directory(member) / RUNNING
        pieces = yaml.safe_load_all(path.read_text() if path.exists() else "")
        return [piece for piece in pieces if piece["kind"] == kind]


@asynccontextmanager
async def running_fleet(
    root: Path, pace: Pace = AT_ONCE, members: Sequence[str] = (ONE, TWO)
) -> AsyncIterator[RunningFleet]:
    """Make an empty fleet in `root`, and run its Pods while the block runs."""
    fleet = DemoFleet.create(root, members)
    async with Kubelet(root, pace).running() as kubelet:
        yield RunningFleet(fleet, kubelet)


def deployment(
    name: str = "web",
    *,
    env: str = "",
    replicas: int = 1,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
) -> str:
    """A Deployment whose Pods have these labels, by default `app: NAME`."""
    container = {
        "name": "web",
        "image": "web",
        "env": [{"name": "ENV_NAME", "value": env}],
        "ports": [{"name": n, "containerPort": p} for n, p in (ports or {}).items()],
    }
    pods = dict(labels or {"app": name})
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": pods},
        "template": {"metadata": {"labels": pods}, "spec": {"containers": [container]}},
    }
    return _manifest("apps/v1", "Deployment", name, namespace, spec)


def service(
    name: str = "web",
    *,
    target: int | str = 8080,
    port: int = 80,
    namespace: str = "default",
    selector: Mapping[str, str] | None = None,
) -> str:
    """A Service for the Pods of the Deployment of the same name, or for selected ones."""
    ports = [{"port": port, "protocol": "TCP", "targetPort": target}]
    spec = {"selector": dict(selector or {"app": name}), "ports": ports}
    return _manifest("v1", "Service", name, namespace, spec)


def gateway(name: str = "gateway", members: Sequence[str] = (ONE, TWO)) -> str:
    """An MSE gateway for the class `mse` with these members attached."""
    attached = {"mse.alibabacloud.com/remote-clusters": ",".join(members)}
    return _text(builders.mse_gateway(name).annotate(attached).manifest)


def ingress(
    name: str = "web",
    *,
    host: str = "example.com",
    annotations: Mapping[str, str] | None = None,
) -> str:
    """An Ingress of the class `mse` that sends all requests to a host to the Service `web`."""
    made = builders.ingress(name, host=host).path("/", to="web:80").of_class("mse")
    return _text(made.annotate(annotations or {}).manifest)


def _manifest(
    version: str,
    kind: str,
    name: str,
    namespace: str,
    spec: Mapping[str, object],
) -> str:
    metadata = {"name": name, "namespace": namespace}
    document = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
    return _text(document)


def _text(manifest: Mapping[str, object]) -> str:
    return "---\n" + yaml.safe_dump(dict(manifest), sort_keys=False)
