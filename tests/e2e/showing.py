"""Clients that show a certificate to a gateway, and hosts that ask for one.

site.run(guard(site.value, "shop.test", authority, {"auth-tls-verify-depth": "2"}))
seen = site.run(asking.ask("shop.test", showing=pair))
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet.models import Secret
from fleetgate.demo.http import Answer, HttpClient, Question, Tls
from tests.e2e.backends import Request
from tests.e2e.rig import PATIENCE, ask_once
from tests.e2e.secured import Secured
from tests.support.authority import Authority, Pair
from tests.support.builders import Builder, secret
from tests.support.handshakes import client_context

NGINX: Final = "nginx.ingress.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, and the request as it reached the Pod; None if it did not."""

    answer: Answer
    request: Request | None


def authorities(name: str, *bundle: Authority, revocations: bytes = b"") -> Builder[Secret]:
    """Make a Secret with a bundle of authorities."""
    data = {"ca.crt": b"".join(authority.certificate for authority in bundle)}
    data |= {"ca.crl": revocations} if revocations else {}
    return secret(name, {key: b64encode(value).decode() for key, value in data.items()})


async def guard(
    site: Secured, host: str, bundle: Builder[Secret] | None, asked: Mapping[str, str]
) -> None:
    """Declare a host with these annotations, which stand without their prefix."""
    name = host.replace("*", "star").replace(".", "-")
    annotations = {f"{NGINX}{key}": value for key, value in asked.items()}
    made = site.ingress(host, name).annotate(annotations)
    beside = [bundle] if bundle else []
    site.rig.declare(f"{name}.yaml", made, site.secret(name, host), *beside)
    await site.rig.sync()


async def ask(
    site: Secured,
    host: str,
    *,
    showing: Pair | None = None,
    name: str = "",
    headers: Mapping[str, str] | None = None,
    path: str = "/",
    place: Path,
) -> Seen:
    """Send a request over HTTPS; `name` is the server's name if it is not the host."""
    context = client_context(site.authority, checks=False)
    if showing:
        certificate = place / "shown.pem"
        certificate.write_bytes(showing.certificate + showing.key)
        context.load_cert_chain(certificate)
    client = HttpClient(
        site.https, Question(path, host, headers), PATIENCE, Tls(context, name or host)
    )
    before = len(site.pod.asked)
    try:
        answer = await client.ask()
    finally:
        client.close()
    return _seen(site, answer, before)


async def ask_in_clear(
    site: Secured, host: str, *, path: str = "/", headers: Mapping[str, str] | None = None
) -> Seen:
    """Send a request over plain HTTP."""
    before = len(site.pod.asked)
    return _seen(site, await ask_once(site.http, Question(path, host, headers)), before)


def _seen(site: Secured, answer: Answer, before: int) -> Seen:
    return Seen(answer, site.pod.asked[-1] if len(site.pod.asked) > before else None)
