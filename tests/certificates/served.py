"""An xDS server with TLS, and clients of every kind: gRPC, and a real Envoy."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from grpc import aio

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.certificates.authority import Authority
from fleetgate.certificates.credential import Credential
from fleetgate.certificates.directory import replace_files
from fleetgate.certificates.gateway_uris import by_certificate
from fleetgate.certificates.made import MadeCertificates, MadeSettings
from fleetgate.certificates.pair import Pair
from fleetgate.certificates.roots import Roots
from fleetgate.certificates.sds_files import XdsTls, sds_documents
from fleetgate.certificates.secret import Kept
from fleetgate.certificates.shown import Shown
from fleetgate.local.envoy_process import Envoy
from tests.xds.dialogue import AGGREGATED
from tests.xds.gateway import SCOPE_HEADER, listener, scope
from tests.xds.resources import LISTENER, SCOPE
from xds.cache import SnapshotCache
from xds.resource import TypeUrl
from xds.server import ServerSettings, XdsServer

SHOP = "mse/shop"
SERVER = "fleetgate.test.svc"
SETTINGS = MadeSettings(names=(SERVER,))
PATIENCE = 30.0
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
YEARS = timedelta(days=5 * 365)


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class MemoryStore:
    """Authorities that are kept nowhere."""

    roots: Roots | None = None
    version: int = 0
    fails: Exception | None = None
    writes: list[Roots] = field(default_factory=list)

    async def read(self) -> Kept | None:
        if self.fails:
            raise self.fails
        return Kept(self.roots, str(self.version)) if self.roots else None

    async def write(self, roots: Roots, over: Kept | None) -> bool:
        if (over.version if over else "0") != str(self.version):
            return False
        self.roots, self.version = roots, self.version + 1
        self.writes.append(roots)
        return True


def authority(since: datetime = NOW) -> Authority:
    return Authority.make(since, YEARS)


async def made(store: MemoryStore | None = None, clock: Clock | None = None) -> MadeCertificates:
    return await MadeCertificates.open(store or MemoryStore(), SETTINGS, clock or Clock())


def serial(credential: Credential) -> int:
    return x509.load_pem_x509_certificate(credential.pair.certificate).serial_number


def unusable(trust: bytes) -> Credential:
    """A certificate with its key, of a kind that gRPC does not have."""
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + DAY)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    pair = Pair(signed, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Credential(pair, trust)


@dataclass
class Served:
    """A running server; `shown` are the serial numbers of the certificates that clients came with.

    `changed` is set when a stream comes, goes or moves on.
    """

    cache: SnapshotCache
    server: XdsServer
    certificates: Shown
    changed: asyncio.Event
    shown: list[int]
    port: int = 0
    _following: asyncio.Task[None] | None = None

    async def restart(self) -> None:
        """Break all connections; who comes again does it with a new handshake."""
        await self.stop()
        await self.start()

    async def start(self) -> None:
        """Serve, by what is shown at each time; again at the same port."""
        served = self.certificates.credential
        self.port = await self.server.start(f"127.0.0.1:{self.port}", self.certificates.tls)
        self._following = asyncio.create_task(self.certificates.follow(self.server, served))

    async def stop(self) -> None:
        assert self._following
        self._following.cancel()
        await asyncio.wait([self._following])
        await self.server.stop(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def joined(self) -> None:
        """Wait until somebody has taken all that is there for the shop."""
        await self.until(lambda: self.cache.listens(SHOP) and not self.cache.unacknowledged(SHOP))

    def publish(self, answer: str) -> None:
        self.cache.publish(SHOP, {SCOPE: {"shop": scope("shop", answer=answer)}})

    async def presents(self, number: int, client: Credential) -> None:
        """Wait until a new connection is shown the certificate of this serial number."""

        async def presented() -> bool:
            try:
                return await self.presented(client) == number
            except OSError:  # in the moment between the old and the new one
                return False

        await eventually(presented)

    async def presented(self, client: Credential) -> int:
        """The serial number of the certificate that a new connection is shown."""
        return await presented(self.port, client, SERVER)


async def presented(port: int, client: Credential, server_name: str) -> int:
    """The serial number of the certificate that a server shows. Raises OSError."""
    context = ssl.create_default_context(cadata=client.trust.decode())
    context.set_alpn_protocols(["h2"])
    connection = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=server_name
    )
    found = connection[1].get_extra_info("ssl_object").getpeercert(binary_form=True)
    connection[1].transport.abort()
    return x509.load_der_x509_certificate(found).serial_number


@asynccontextmanager
async def served(
    certificates: Shown, settings: ServerSettings | None = None
) -> AsyncIterator[Served]:
    """Serve a listener and a route table to the gateway mse/shop, and more to mse/other."""
    cache, changed, shown = SnapshotCache(), asyncio.Event(), list[int]()
    cache.on_change(changed.set)
    decide = by_certificate()

    def group_of(node: object, auth: object) -> str | None:
        (pem,) = auth["x509_pem_cert"]  # type: ignore[index]
        shown.append(x509.load_pem_x509_certificate(pem).serial_number)
        return decide(node, auth)  # type: ignore[arg-type]

    served = Served(
        cache,
        XdsServer(cache, settings or ServerSettings(), group_of),
        certificates,
        changed,
        shown,
    )
    cache.publish(SHOP, {LISTENER: {"http": listener("http")}})
    served.publish("first")
    cache.publish("mse/other", {LISTENER: {"secret": listener("secret")}})
    await served.start()
    try:
        yield served
    finally:
        await served.stop()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gRPC client got: the names of listeners, or why it got none."""

    names: frozenset[str] = frozenset()
    code: grpc.StatusCode = grpc.StatusCode.OK
    details: str = ""


async def ask(
    port: int,
    channel_credentials: grpc.ChannelCredentials | None,
    cluster: str = SHOP,
    *,
    patient: bool = False,
) -> Answer:
    """Ask for listeners as a node of a cluster; who is patient tries again until it is let in."""
    address = f"127.0.0.1:{port}"
    options = [("grpc.ssl_target_name_override", SERVER), ("grpc.use_local_subchannel_pool", 1)]
    channel = (
        aio.secure_channel(address, channel_credentials, options)
        if channel_credentials
        else aio.insecure_channel(address, options)
    )
    request = discovery.DeltaDiscoveryRequest(
        node=core.Node(id="client", cluster=cluster), type_url=TypeUrl.LISTENER
    )
    async with channel, asyncio.timeout(PATIENCE):
        call: aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(AGGREGATED["delta"])(
            wait_for_ready=patient
        )
        try:
            await call.write(bytes(request))
            data = await call.read()
        except (aio.AioRpcError, asyncio.InvalidStateError):
            data = None
        if not isinstance(data, bytes):
            return Answer(code=await call.code(), details=await call.details() or "")
        response = discovery.DeltaDiscoveryResponse.parse(data)
        return Answer(frozenset(resource.name for resource in response.resources))


def channel(credential: Credential) -> grpc.ChannelCredentials:
    """TLS of a client that shows its certificate."""
    return grpc.ssl_channel_credentials(
        credential.trust, credential.pair.key, credential.pair.certificate
    )


def write(place: Path, credential: Credential, documents: str = "tls") -> None:
    """Have the files in `place`/tls, and the documents there too or in a place of their own."""
    texts = {n: text.encode() for n, text in sds_documents(str(place / "tls")).items()}
    if documents == "tls":
        replace_files(place / "tls", {**credential.files, **texts})
        return
    replace_files(place / "tls", credential.files)
    (place / documents).mkdir(exist_ok=True)
    for name, content in texts.items():
        (place / documents / name).write_bytes(content)


@dataclass
class Joining:
    """An Envoy that asks fleetgate by its bootstrap."""

    envoy: Envoy

    async def statistic(self, name: str) -> int:
        page = await self.envoy.get(f"/stats?filter=^{name}$")
        return int(page.rpartition(": ")[2] or 0)

    async def reaches(self, name: str, value: int) -> None:
        """Wait until a statistic is as large as that."""

        async def reached() -> bool:
            return await self.statistic(name) >= value

        await eventually(reached)

    async def shows(self, number: int) -> None:
        """Wait until Envoy has loaded the certificate of this serial number."""

        async def shown() -> bool:
            return f"{number:x}" in await self.envoy.get("/certs")

        await eventually(shown)

    async def answers(self, text: str) -> None:
        """Wait until Envoy's listener answers this."""
        async with aiohttp.ClientSession() as session:

            async def answered() -> bool:
                _, listens, address = (await self.envoy.get("/listeners")).partition("::")
                if not listens:
                    return False
                url = f"http://{address.strip()}/"
                async with session.get(url, headers={SCOPE_HEADER: "shop"}) as answer:
                    return await answer.text() == text

            await eventually(answered)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds that only polling shows, such as one on Envoy's pages."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def envoy(
    port: int,
    place: Path,
    *,
    tls: bool = True,
    documents: str = "tls",
    server_name: str = SERVER,
) -> AsyncIterator[Joining]:
    """A real Envoy of mse/shop with fleetgate's bootstrap; its files are in `place`/tls."""
    files = XdsTls(str(place / "tls"), server_name, str(place / documents))
    settings = BootstrapSettings(
        xds_port=port, node_id="envoy-1", full_statistics=True, tls=files if tls else None
    )
    running = Envoy(SHOP, settings, place / "envoy.log")
    async with running.running():
        yield Joining(running)
