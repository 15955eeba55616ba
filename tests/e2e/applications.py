"""A served fleet of well-known applications, with Pods that answer like them.

The manifests are those of tests/golden/cases/application-*. Only the addresses of Pods differ.
"""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from fleet.ref import HUB
from fleetgate.demo.http import Address
from tests.e2e.application_pods import ArgoCd, Registry, Seen, echo, keycloak, sockets, watch
from tests.e2e.rig import ONE, Rig, rig
from tests.e2e.speaking import Answer, either_pod, grpc_pod, http_pod, self_made, tls_of
from tests.golden.case import CASES, Case
from tests.support.builders import mse_gateway, write
from translators.dialects.edge_settings import TRUSTED_PROXIES

APPLICATIONS: Final = tuple(Case(name) for name in CASES if name.startswith("application-"))

PORT: Final = 8443
"""Where clients reach the proxy that ends TLS in front of the gateway."""

BY_TLS: Final = {"x-forwarded-proto": "https", "x-forwarded-port": str(PORT)}
"""What that proxy says."""

_PATIENCE: Final = ClientTimeout(total=20)


@dataclass(frozen=True, slots=True)
class Applications:
    """All applications, behind one gateway."""

    rig: Rig
    gateway: Address
    client: ClientSession
    argo_cd: ArgoCd

    def url(self, target: str) -> URL:
        """Return the URL for a request. The target is kept as it is written."""
        host, port = self.gateway
        return URL(f"http://{host}:{port}{target}", encoded=True)

    def ask(
        self,
        method: str,
        host: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: object = None,
        expect100: bool = False,
    ) -> AbstractAsyncContextManager[ClientResponse]:
        """Send a request as a proxy does that got it over TLS."""
        return self.client.request(
            method,
            self.url(target),
            headers={"host": f"{host}:{PORT}", **BY_TLS, **(headers or {})},
            data=data,
            expect100=expect100,
            allow_redirects=False,
        )


async def seen_by_pod(asking: AbstractAsyncContextManager[ClientResponse]) -> Seen:
    """Return the request that a Pod has repeated in its answer."""
    async with asking as answer:
        body = await answer.read()
        assert answer.status == 200, body
        return Seen(**json.loads(body))


@asynccontextmanager
async def applications(root: Path) -> AsyncIterator[Applications]:
    """Serve all of them while the block runs."""
    argo_cd = ArgoCd()
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root, [ONE], gateway=False))
        trusting = {TRUSTED_PROXIES: "127.0.0.0/8"}
        served.declare("gateway.yaml", mse_gateway("gw", members=[ONE]).annotate(trusting))
        pods = _Pods(argo_cd, tls_of(self_made(), root))
        for case in APPLICATIONS:
            write(served.fleet.directory(HUB), f"{case.name}.yaml", _text(case, "hub/ingress.yaml"))
            own = yaml.safe_load_all(_text(case, f"clusters/{ONE}/services.yaml"))
            placed = [await pods.place(manifest, stack) for manifest in own]
            write(served.fleet.directory(ONE), f"{case.name}.yaml", *placed)
        session = ClientSession(
            timeout=_PATIENCE,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            max_field_size=64 * 1024,
        )
        client = await stack.enter_async_context(session)
        yield Applications(served, await served.address(), client, argo_cd)


def _text(case: Case, name: str) -> str:
    return case.files()[name].read_text(encoding="utf-8")


class _Pods:
    """One Pod for each port of a Service."""

    def __init__(self, argo_cd: ArgoCd, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._argo_cd = argo_cd
        self._answers: Mapping[str, Answer] = {
            "argocd/argo-cd-server/https": argo_cd.answer,
            "argocd-insecure/argo-cd-server/http": argo_cd.answer,
            "harbor/harbor-core/http-web": Registry("harbor-core").answer,
            "keycloak/keycloak/http": keycloak,
            "gitlab/gitlab-registry/http-registry": Registry("gitlab-registry").answer,
            "gitlab/gitlab-webservice-default/http-workhorse": sockets(
                "http-workhorse", {"/-/cable": "actioncable-v1-json"}
            ),
            "gitlab/gitlab-kas/tcp-kas-external-api": sockets(
                "tcp-kas-external-api", {"/": "ws-tunnel"}, same_origin=False
            ),
            "gitlab/gitlab-kas/tcp-kas-k8s-proxy": sockets(
                "tcp-kas-k8s-proxy",
                {"/k8s-proxy/api/v1/namespaces/a/pods/b/exec": "v5.channel.k8s.io"},
                same_origin=False,
            ),
            "monitoring/kps-grafana/http-web": sockets("kps-grafana", {"/api/live/ws": ""}),
        }

    async def place(self, manifest: dict[str, Any], stack: AsyncExitStack) -> dict[str, Any]:
        """Return the manifest, with the addresses of a slice replaced by those of running Pods."""
        if manifest["kind"] != "EndpointSlice":
            return manifest
        metadata = manifest["metadata"]
        service = metadata["labels"]["kubernetes.io/service-name"]
        manifest["endpoints"] = [{"addresses": ["127.0.0.1"]}]
        for port in manifest["ports"]:
            name = f"{metadata['namespace']}/{service}/{port['name']}"
            _, port["port"] = await stack.enter_async_context(self._pod(name))
        return manifest

    @asynccontextmanager
    async def _pod(self, name: str) -> AsyncIterator[Address]:
        _, service, port = name.split("/")
        answer = self._answers.get(name, echo(port if service.startswith("gitlab") else service))
        tls = self._tls if port == "https" else None
        async with http_pod(answer, tls) as by_http:
            if name != "argocd-insecure/argo-cd-server/http":
                yield by_http
                return
            async with grpc_pod(watch) as by_grpc, either_pod(by_http, by_grpc) as both:
                yield both
