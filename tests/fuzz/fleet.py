"""The Services and Secrets of a fleet for random Ingresses, with Pods of many kinds."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from h2.events import RequestReceived

from fleet.models import Secret
from fleetgate.demo.http import Address
from tests.e2e.authorizer import authorizer
from tests.e2e.backends import Backend, Manner, backend
from tests.e2e.rig import ONE, TWO, Rig
from tests.e2e.speaking import http_pod, strict_http2_pod, tls_of
from tests.fuzz.annotations import POOL
from tests.support.authority import Authority
from tests.support.builders import Builder, service, slice_of
from tests.support.certificates import Key, certificate, pem
from tests.support.secrets import of_bytes, secrets

Json = Any  # a manifest, right or wrong

_SPOKEN: Final = {"http2": "kubernetes.io/h2c", "tls": "https"}
"""What a Service says about its Pods; every second one says nothing."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The Pods that remember requests."""

    all: tuple[Backend, ...]

    def forget(self) -> None:
        """Forget all requests, of which there are very many."""
        for pod in self.all:
            pod.asked.clear()


@asynccontextmanager
async def populated(served: Rig, authority: Authority) -> AsyncIterator[Pods]:
    """Run the Pods while the block runs, and declare the Services and Secrets."""
    async with AsyncExitStack() as stack:
        web_pod = await stack.enter_async_context(backend("web"))
        api = await stack.enter_async_context(backend("api"))
        falters = await stack.enter_async_context(backend("falters", manner=Manner.FALTER))
        down = await stack.enter_async_context(backend("down", manner=Manner.UNAVAILABLE))
        auth = await stack.enter_async_context(authorizer("auth"))
        place = stack.enter_context(tempfile.TemporaryDirectory())
        pair = authority.issue("pod", addresses=["127.0.0.1"], names=["web.test", "pod"])
        secure = await stack.enter_async_context(http_pod(_answer, tls_of(pair, Path(place))))
        http2 = await stack.enter_async_context(strict_http2_pod(RequestReceived))
        served.expose("web", [web_pod])
        served.expose("control", [web_pod])
        served.expose("api", [api])
        served.expose("auth", [auth])
        served.declare("secrets.yaml", *_secrets(authority))
        in_one: Mapping[str, list[Address]] = {
            "plain": [web_pod.address, api.address],
            "tls": [secure],
            "http2": [http2],
            "falter": [falters.address, down.address, web_pod.address],
            "gone": [],
        }
        write(served, ONE, "pool", _pool(in_one))
        write(served, TWO, "pool", _pool({"beside": [api.address]}))
        yield Pods((web_pod, api, falters, down, auth))


def write(served: Rig, origin: str, name: str, manifests: Iterable[Json]) -> None:
    """Write objects as JSON, in which any text can be written."""
    path = served.fleet.directory(origin) / f"{name}.json"
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(map(json.dumps, manifests)))
    draft.replace(path)


def _pool(pods: Mapping[str, list[Address]]) -> Iterator[Json]:
    for kind, addresses in pods.items():
        for number in range(POOL):
            name = f"{kind}-{number}"
            made = service(name, ports={"http": 80}).manifest
            if kind in _SPOKEN and number % 2:
                made["spec"]["ports"][0]["appProtocol"] = _SPOKEN[kind]
            yield made
            for place, (host, port) in enumerate(addresses):
                one = slice_of(
                    name, addresses=[host], port=port, port_name="http", suffix=str(place)
                )
                yield one.manifest


def _secrets(authority: Authority) -> Iterator[Builder[Secret]]:
    yield from secrets(authority)
    now, day = datetime.now(UTC), timedelta(days=1)

    def tls(
        name: str, key: Key, ends: datetime = now + day, written: bytes = b""
    ) -> Builder[Secret]:
        made = certificate("*.test", key=key, begin=now - 2 * day, end=ends)
        data = {"tls.crt": made.certificate, "tls.key": written or made.key}
        return of_bytes(name, {**data, "ca.crt": made.certificate})

    curve = ec.generate_private_key(ec.SECP384R1())
    yield tls("rsa", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    yield tls("ed25519", ed25519.Ed25519PrivateKey.generate())
    yield tls("expired", curve, ends=now - day)
    yield tls("mismatched", curve, written=pem(ec.generate_private_key(ec.SECP256R1())))
    yield tls("encrypted", curve, written=pem(curve, password="secret"))  # noqa: S106 (of a test)
    bundle = b"".join(Authority.make(f"ca-{n}").certificate for n in range(20))
    pair = authority.issue("crowd", addresses=[], names=[f"n{n}.test" for n in range(100)])
    users = b"\n".join(b"u%d:{PLAIN}%d" % (n, n) for n in range(1100))
    data = {"tls.crt": pair.certificate + bundle, "tls.key": pair.key, "ca.crt": bundle}
    yield of_bytes("crowd", {**data, "ca.crl": authority.revoke(pair), "auth": users})


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    await request.read()
    return web.Response(text=request.raw_path, headers={"set-cookie": "a=b; Path=/internal"})
