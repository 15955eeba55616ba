"""Runs real API servers: one etcd and up to three kube-apiservers (hub, c1, c2) per test process.

A server starts when it is first used, and runs until the process ends. After each test, the objects
that it made are deleted. There is no controller and no kubelet: Deployments make no Pods, and
objects without an owner are not collected. An API server refuses loopback addresses in
EndpointSlices.
"""

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Final

from tests.servers.binaries import ALL, find
from tests.support.authority import Authority

START: Final = 60.0
"""Seconds in which a server has to answer after its start, which usually takes two or three."""

WIPED: Final = (
    "/api/v1/configmaps",
    "/api/v1/events",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/secrets",
    "/api/v1/serviceaccounts",
    "/api/v1/services",
    "/apis/alibabacloud.com/v1/albconfigs",
    "/apis/apps/v1/deployments",
    "/apis/coordination.k8s.io/v1/leases",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/events.k8s.io/v1/events",
    "/apis/mse.alibabacloud.com/v1alpha1/mseingressconfigs",
    "/apis/networking.k8s.io/v1/ingressclasses",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/policy/v1/poddisruptionbudgets",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/roles",
)
"""The collections that are emptied after a test.

Namespaces and custom resource definitions stay, since deleting them takes long.
"""

_KEPT_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})


def available() -> str | None:
    """The reason why no API server can run here; None if one can."""
    absent = [name for name in ALL if find(name) is None]
    if not absent:
        return None
    return f"no {', '.join(absent)}: `make test` builds them where Go is installed"


@dataclass
class Cluster:
    """One kube-apiserver, used as administrator."""

    name: str
    run: Path
    etcd_url: str
    authority: Authority
    token: str = "admin-token"  # noqa: S105 (the server lives as long as the tests)
    _port: int = field(default_factory=lambda: free_port())  # noqa: PLW0108 (defined below)
    _process: "subprocess.Popen[bytes] | None" = None
    # The kernel kills a server when the thread that started it ends, so this thread starts it.
    _starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The ID of the running process."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @cached_property
    def kubeconfig(self) -> Path:
        """A file with the administrator's kubeconfig, whose only context has the cluster's name."""
        path = self.run / f"{self.name}.kubeconfig"
        path.write_text(json.dumps(self.config()), encoding="utf-8")
        return path

    def config(self, token: str = "") -> dict[str, Any]:
        """A kubeconfig with the administrator's token, or another one."""
        ca = base64.b64encode(self.authority.certificate).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": self.name,
                    "cluster": {"server": self.url, "certificate-authority-data": ca},
                }
            ],
            "users": [{"name": "user", "user": {"token": token or self.token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": "user"}}],
            "current-context": self.name,
        }

    def kubectl(self, *args: str, stdin: str = "") -> str:
        """Run kubectl as administrator, and give its output. Raises AssertionError if it fails."""
        done = self.try_kubectl(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def try_kubectl(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator, which may fail."""
        command = [str(find("kubectl")), f"--kubeconfig={self.kubeconfig}", *args]
        env = os.environ | {"HOME": str(self.run), "KUBECTL_KUBERC": "false"}
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=env, timeout=60, check=False
        )

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send one request, and give the status and the JSON of the answer."""
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        connection = HTTPSConnection("127.0.0.1", self._port, context=context, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text.startswith(b"{") else text.decode()
        finally:
            connection.close()

    def namespace(self, name: str) -> None:
        """Make a namespace, unless it exists."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        status, said = self.ask("POST", "/api/v1/namespaces", body)
        assert status in (201, 409), said

    def install_crds(self) -> None:
        """Install the definitions of deploy/crds, and wait until they are established."""
        crds = Path(__file__).parents[2] / "deploy" / "crds"
        self.kubectl("apply", "--server-side", f"--filename={crds}")
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"--filename={crds}")

    def launch(self) -> None:
        """Start the process. `ready` waits until it answers."""
        assert self._process is None, f"{self.name} runs already"
        self._process = self._starter.submit(self._launched).result()

    def _launched(self) -> "subprocess.Popen[bytes]":
        log = (self.run / f"{self.name}.log").open("ab")
        with log:
            return subprocess.Popen(
                [*_ending_with_us(), str(find("kube-apiserver")), *self._flags()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.run,
            )

    def ready(self) -> None:
        """Return when the server answers."""
        end = time.monotonic() + START
        while True:
            assert self._process is not None
            ended = self._process.poll()
            assert ended is None, f"{self.name} ended with {ended}: {self._log_tail()}"
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < end, f"{self.name} does not answer: {self._log_tail()}"
            _pause()

    def start(self) -> None:
        """Start the server if it does not run, on the same port and with the same data."""
        if self._process is None:
            self.launch()
        self.ready()

    def kill(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Delete all objects that tests have made."""
        for path in WIPED:
            status, found = self.listed(path)
            if status == 404:
                continue
            assert status == 200, found
            for item in found["items"]:
                if not _is_own(item["metadata"], path):
                    self._delete(path, item["metadata"])

    def listed(self, path: str) -> tuple[int, Any]:
        """The answer to a list. Repeats it while a new custom resource refuses lists (429)."""
        end = time.monotonic() + START
        while True:
            status, found = self.ask("GET", path)
            if status != 429 or time.monotonic() > end:
                return status, found
            _pause()

    def _delete(self, path: str, metadata: dict[str, Any]) -> None:
        base, plural = path.rsplit("/", 1)
        namespace = metadata.get("namespace")
        scope = f"/namespaces/{namespace}" if namespace else ""
        at = f"{base}{scope}/{plural}/{metadata['name']}"
        status, said = self.ask("DELETE", at, {"gracePeriodSeconds": 0})
        assert status in (200, 202, 404), said

    def _flags(self) -> Sequence[str]:
        pki = self.run
        return [
            f"--etcd-servers={self.etcd_url}",
            f"--etcd-prefix=/{self.name}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={pki}/server.crt",
            f"--tls-private-key-file={pki}/server.key",
            f"--token-auth-file={pki}/tokens.csv",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--service-account-issuer=https://tests",
            f"--service-account-key-file={pki}/accounts.key",
            f"--service-account-signing-key-file={pki}/accounts.key",
            "--service-cluster-ip-range=10.96.0.0/12",
            "--endpoint-reconciler-type=none",
            # These plugins rely on controllers that do not run here.
            "--disable-admission-plugins=ServiceAccount,DefaultStorageClass,DefaultIngressClass,"
            "StorageObjectInUseProtection,RuntimeClass,PersistentVolumeClaimResize",
            "--enable-priority-and-fairness=false",
            "--max-requests-inflight=0",
            "--max-mutating-requests-inflight=0",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
        ]

    def _log_tail(self) -> str:
        return (self.run / f"{self.name}.log").read_text(encoding="utf-8")[-2000:]


class Clusters:
    """A hub and two members. Each starts when it is first used."""

    def __init__(self, run: Path, etcd_url: str, authority: Authority) -> None:
        self._made = {n: Cluster(n, run, etcd_url, authority) for n in ("hub", "c1", "c2")}
        self._running: set[str] = set()

    @property
    def hub(self) -> Cluster:
        """The hub, started."""
        return self._started("hub")

    @property
    def c1(self) -> Cluster:
        """The member c1, started."""
        return self._started("c1")

    @property
    def c2(self) -> Cluster:
        """The member c2, started."""
        return self._started("c2")

    def all(self) -> tuple[Cluster, Cluster, Cluster]:
        """Hub and members, started at the same time."""
        for name in self._made.keys() - self._running:
            self._made[name].launch()
        return self.hub, self.c1, self.c2

    def wipe(self) -> None:
        """Empty all servers that were used, and start those that were killed."""
        for name in self._running:
            self._made[name].start()
            self._made[name].wipe()

    def end(self) -> None:
        """End all processes."""
        for cluster in self._made.values():
            cluster.kill()

    def _started(self, name: str) -> Cluster:
        cluster = self._made[name]
        if name not in self._running:
            cluster.start()
            self._running.add(name)
        return cluster


@contextmanager
def clusters() -> Iterator[Clusters]:
    """Run etcd, and API servers that are used, while the block runs."""
    run = Path(tempfile.mkdtemp(prefix="fleetgate-kube-"))
    authority = Authority.make("fleetgate-tests")
    server = authority.issue("kube-apiserver", addresses=("127.0.0.1",), names=("localhost",))
    (run / "server.crt").write_bytes(server.certificate)
    (run / "server.key").write_bytes(server.key)
    (run / "accounts.key").write_bytes(authority.key_for_tokens())
    (run / "tokens.csv").write_text('admin-token,admin,admin,"system:masters"\n', encoding="utf-8")
    client, peer = free_port(), free_port()
    url = f"http://127.0.0.1:{client}"
    with (run / "etcd.log").open("ab") as log:
        etcd = subprocess.Popen(
            [*_ending_with_us(), str(find("etcd")), *_etcd_flags(run, url, peer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=run,
        )
    made = Clusters(run, url, authority)
    try:
        yield made
    finally:
        made.end()
        etcd.kill()
        etcd.wait()
        shutil.rmtree(run, ignore_errors=True)


def _etcd_flags(run: Path, url: str, peer: int) -> Sequence[str]:
    peers = f"http://127.0.0.1:{peer}"
    return [
        "--name=tests",
        f"--data-dir={run}/etcd",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=tests={peers}",
        "--unsafe-no-fsync",
    ]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_own(metadata: dict[str, Any], path: str) -> bool:
    """Whether an object is one that the API server has made and needs."""
    if metadata.get("namespace") in _KEPT_NAMESPACES:
        return True
    if "kubernetes.io/bootstrapping" in metadata.get("labels", {}):
        return True
    return path == "/api/v1/services" and metadata["name"] == "kubernetes"


def _ending_with_us() -> Sequence[str]:
    """The command that lets the kernel kill a server when its thread ends, if there is setpriv."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def _pause() -> None:
    """Wait a moment between two attempts, in which the servers run."""
    time.sleep(0.05)
