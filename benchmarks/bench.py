"""A hub and two members, and the operations of scenarios on them.

    client ──writes──▶ hub, c1, c2 (kube-apiserver, one etcd) ──▶ fleetgate serve ──xDS──▶ client

All processes run on this machine and share its cores, as they did for the goals.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.client import Client, Outcome
from tests.support.kube import Cluster, Clusters, free_port
from tests.support.process import COMMAND, Fleetgate, fleetgate

HOME: Final = "fleetgate-system"
GATEWAY: Final = "bench"
MEMBERS: Final = ("c1", "c2")


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a load. Hosts beyond the number of Services share Services."""

    hosts: int
    services: int

    @classmethod
    def of(cls, hosts: int) -> "Size":
        """The size with as many Services as hosts."""
        return cls(hosts, hosts)

    def __str__(self) -> str:
        return f"{self.hosts},{self.services}"


NOTHING: Final = Size(0, 0)


@dataclass(slots=True)
class Bench:
    """API servers that hold a load, and the client. `say` shows the progress."""

    clusters: Clusters
    client: Client
    place: Path
    say: Callable[[str], None]
    held: Size = NOTHING
    _most: int = 0
    _known: bool = True

    def prepare(self) -> None:
        """Start the API servers, and attach both members to a gateway."""
        self.say("starting etcd and three API servers")
        hub, *members = self.clusters.all()
        hub.install_crds()
        hub.namespace(HOME)
        for name, member in zip(MEMBERS, members, strict=True):
            self.apply(hub, _member_secret(name, member.config()))
        self.configure({})

    def configure(self, settings: Mapping[str, str]) -> None:
        """Replace the gateway's annotations, apart from the one with its members."""
        self.apply(self.clusters.hub, _gateway(settings))

    def apply(self, cluster: Cluster, manifest: object) -> None:
        """Declare an object."""
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def have(self, size: Size) -> None:
        """Write exactly this load, while no control plane runs."""
        if not self._known:
            self._run("load", f"-held={Size.of(self._most)}", f"-to={NOTHING}")
            self.held, self._known = NOTHING, True
        self._most = max(self._most, size.hosts)
        if size == self.held:
            return
        self.say(f"having {size.hosts} hosts, {size.services} Services (were {self.held.hosts})")
        self._run("load", f"-held={self.held}", f"-to={size}")
        self.held = size

    def forget(self) -> None:
        """Forget the present load and configuration, which a failed step may have changed."""
        self._known = False

    def widen(self, endpoints: int) -> None:
        """Give each Service `endpoints` endpoints; it has two by default."""
        self._run("load", f"-held={self.held}", f"-to={self.held}", f"-endpoints={endpoints}")

    @contextmanager
    def secured(self) -> Iterator[None]:
        """Give each host of the load a certificate while the block runs."""
        self.say(f"giving {self.held.hosts} hosts certificates")
        self._run("secure", f"-held={self.held}")
        try:
            yield
        finally:
            self.unsecure()

    def unsecure(self) -> None:
        """Take the certificates of the load away."""
        self._run("bare", f"-held={self.held}")

    @contextmanager
    def serving(self, *options: str) -> Iterator[Fleetgate]:
        """Run a new control plane while the block runs."""
        log = self.place / "fleetgate.log"
        ports = ("--xds-port", "0", "--admin-port", "0")
        log.unlink(missing_ok=True)
        with fleetgate(log, *self.command, *ports, *options) as running:
            running.until(lambda: "xDS on" in running.text)
            yield running

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments of `fleetgate` that serve this fleet."""
        return ("serve", "--hub-kubeconfig", str(self.clusters.hub.kubeconfig), "--namespace", HOME)

    def measure(self, serving: Fleetgate, command: str, *arguments: str) -> Outcome:
        """Run a command of the client against a control plane that serves the load."""
        joining = (f"-xds=127.0.0.1:{serving.xds_port}", f"-pid={serving.process.pid}")
        return self._run(command, f"-held={self.held}", *joining, *arguments)

    def load_in(self, serving: Fleetgate, size: Size, *options: str) -> Outcome:
        """Write a larger load by the client while a control plane serves."""
        self._most = max(self._most, size.hosts)
        outcome = self.measure(serving, "loadin", f"-to={size}", *options)
        self.held = size
        return outcome

    def measure_start(self) -> Outcome:
        """Let the client start a control plane, and end it once all resources have come."""
        port = free_port()
        started = (*COMMAND, *self.command, "--xds-port", str(port), "--admin-port", "0")
        joining = (f"-held={self.held}", f"-xds=127.0.0.1:{port}")
        return self._run("cold", *joining, "--", *started)

    def _run(self, command: str, *arguments: str) -> Outcome:
        members = ",".join(str(member.kubeconfig) for member in self.clusters.all()[1:])
        servers = (f"-hub={self.clusters.hub.kubeconfig}", f"-members={members}")
        return self.client.run(command, *servers, f"-gateway=mse/{GATEWAY}", *arguments)


def _member_secret(name: str, kubeconfig: object) -> object:
    metadata = {"name": name, "namespace": HOME, "labels": {"fleetgate.dev/member": name}}
    data = {"kubeconfig": json.dumps(kubeconfig)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _gateway(settings: Mapping[str, str]) -> object:
    annotations = {"mse.alibabacloud.com/remote-clusters": ",".join(MEMBERS), **settings}
    return {
        "apiVersion": "mse.alibabacloud.com/v1alpha1",
        "kind": "MseIngressConfig",
        "metadata": {"name": GATEWAY, "annotations": annotations},
        "spec": {"name": GATEWAY, "ingress": {"local": {"ingressClass": GATEWAY}}},
    }
