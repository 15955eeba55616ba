"""A served gateway for tests of TLS: hosts with certificates, and clients that trust their issuer.

site.declare_host("shop.test")              an Ingress with a certificate of its own
shown = await site.handshake("shop.test")
answer = await site.ask("shop.test", "/")   over HTTPS
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet.models import Secret
from fleetgate.demo.http import Address, Answer, HttpClient, Question, Tls
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, PATIENCE, TWO, Rig, rig
from tests.support.authority import Authority, Pair
from tests.support.builders import Builder, IngressBuilder, ingress, mse_gateway, secret
from tests.support.certificates import tls_data
from tests.support.handshakes import Shown, client_context, handshake


@dataclass(frozen=True, slots=True)
class Secured:
    """A fleet with the Service `web` behind a real Envoy; `https` is its address for TLS."""

    rig: Rig
    authority: Authority
    pod: Backend
    http: Address
    https: Address

    def pair(self, *names: str) -> Pair:
        """Issue a certificate for DNS names. The first one is its common name."""
        return self.authority.issue(names[0], addresses=[], names=names)

    def secret(self, name: str, *names: str) -> Builder[Secret]:
        """Make a Secret with a certificate for DNS names."""
        return secret(name, tls_data(self.pair(*names)))

    def ingress(self, host: str, certificate: str, *hosts: str) -> IngressBuilder:
        """Make the Ingress of a host with an entry of `spec.tls`, by default for this host."""
        named = host.replace("*", "star").replace(".", "-") or "rest"
        made = ingress(named, host=host).path("/", to="web:80").of_class("mse")
        return made.tls(certificate, *(hosts or (host,)))

    async def declare_host(self, host: str) -> None:
        """Declare an Ingress of a host with a certificate of its own."""
        name = host.replace("*", "star").replace(".", "-")
        self.rig.declare(f"{name}.yaml", self.ingress(host, name), self.secret(name, host))
        await self.rig.sync()

    async def handshake(self, name: str | None, *alpn: str, checks: bool = False) -> Shown:
        """Make one handshake; with `checks` the certificate has to be for the name."""
        context = client_context(self.authority, *alpn, checks=checks)
        return await handshake(self.https, name, context)

    async def ask(
        self, host: str, path: str = "/", headers: dict[str, str] | None = None, *, name: str = ""
    ) -> Answer:
        """Send a request over HTTPS. The server's name is that of the host unless given."""
        client = self.client(Question(path, host, headers), name or host.partition(":")[0])
        try:
            return await client.ask()
        finally:
            client.close()

    def client(self, question: Question, name: str) -> HttpClient:
        """Make a client that keeps its connection."""
        context = client_context(self.authority, checks=False)
        return HttpClient(self.https, question, PATIENCE, Tls(context, name))


async def is_refused(site: Secured, name: str | None) -> bool:
    """Return whether the gateway refuses the handshake with an alert."""
    try:
        await site.handshake(name)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    return False


@asynccontextmanager
async def secured(
    root: Path, annotations: Mapping[str, str] | None = None
) -> AsyncIterator[Secured]:
    """Serve a gateway of the class `mse`; enter it with `tests.e2e.standing.standing`.

    `annotations` are those of the gateway's object.
    """
    async with rig(root, gateway=False) as served, backend("web") as pod:
        gateway = mse_gateway("gw", members=[ONE, TWO]).annotate(annotations or {})
        served.declare("gateway.yaml", gateway)
        served.expose("web", [pod])
        http, https = await served.addresses("gw")
        yield Secured(served, Authority.make("clients trust it"), pod, http, https)
