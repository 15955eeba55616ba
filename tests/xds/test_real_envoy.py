"""A real Envoy as the client: bisection, warming, reconnects, Secrets on demand."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fleetgate.local.envoy_process import find_envoy
from tests.xds.gateway import SCOPE_HEADER, cluster, endpoints, listener, scope, secret
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE, SECRET
from xds.cache import SnapshotCache
from xds.resource import TypeUrl, Update
from xds.server import XdsServer

GROUP = "mse/shop"
PATIENCE = 60.0
BAD_REGEX = "["


def bootstrap(xds_port: int, api_type: str) -> Mapping[str, object]:
    ads = {
        "api_type": api_type,
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
    }
    source = {"ads": {}, "resource_api_version": "V3"}
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": xds_port}}}
    protocol = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "node": {"id": "envoy-1", "cluster": GROUP},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {"ads_config": ads, "cds_config": source, "lds_config": source},
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "xds",
                        "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
                    },
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            "@type": f"type.googleapis.com/{protocol}",
                            "explicit_http_config": {"http2_protocol_options": {}},
                        }
                    },
                }
            ]
        },
    }


class Gateway:
    """A cache, its server, and an Envoy that is connected to it."""

    def __init__(
        self,
        cache: SnapshotCache,
        server: XdsServer,
        port: int,
        admin: str,
        session: aiohttp.ClientSession,
    ) -> None:
        self.cache = cache
        self.server = server
        self.port = port
        self._admin = admin
        self._session = session
        self._changed = asyncio.Event()
        cache.on_change(self._changed.set)

    def publish(self, update: Update) -> None:
        self.cache.publish(GROUP, update)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def in_sync(self) -> None:
        await self.until(lambda: self.cache.listens(GROUP) and not self.cache.unacknowledged(GROUP))

    async def asked_for(self, *types: TypeUrl) -> None:
        """Wait until an Envoy has asked for these types: what it holds is not sent again."""
        clients = self.cache.clients
        await self.until(lambda: any(client.types.keys() >= {*types} for client in clients()))

    async def read(self, page: str) -> str:
        async with self._session.get(f"http://{self._admin}{page}") as response:
            return await response.text()

    async def statistic(self, name: str) -> int:
        lines = (await self.read(f"/stats?filter=^{name}$")).splitlines()
        return int(lines[0].partition(": ")[2]) if lines else 0

    async def ask(self, name: str) -> str:
        """The answer of the route table of this name."""
        host, port = await self.address()
        url = f"http://{host}:{port}/"
        async with self._session.get(url, headers={SCOPE_HEADER: name}) as response:
            return await response.text() if response.status == 200 else str(response.status)

    async def address(self) -> tuple[str, int]:
        """The address of the only listener."""
        listeners = json.loads(await self.read("/listeners?format=json"))
        address = listeners["listener_statuses"][0]["local_address"]["socket_address"]
        return address["address"], address["port_value"]

    async def handshake(self, server_name: str) -> bytes | None:
        """The certificate that is shown for a server name; None for a handshake that fails."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host, port = await self.address()
        try:
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=server_name
            )
        except (ssl.SSLError, ConnectionError):
            return None
        shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
        writer.transport.abort()
        return shown.getpeercert(binary_form=True)

    async def shows(self, server_name: str, certificate: bytes | None) -> None:
        """Wait until handshakes with a server name show this certificate, or fail for None."""

        async def as_expected() -> bool:
            return await self.handshake(server_name) == certificate

        await eventually(as_expected)

    async def answers(self, expected: Mapping[str, str]) -> None:
        """Wait for these answers: workers take a change some moments after its ACK."""

        async def as_expected() -> bool:
            return {name: await self.ask(name) for name in expected} == expected

        await eventually(as_expected)

    async def zero(self, name: str) -> None:
        """Wait until a statistic is 0."""

        async def is_zero() -> bool:
            return await self.statistic(name) == 0

        await eventually(is_zero)


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Check until it holds: Envoy sends no event for it."""
    while True:
        if await check():
            return
        await asyncio.sleep(0.02)


@asynccontextmanager
async def backend() -> AsyncIterator[int]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="backend")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def gateway(tmp_path: Path, api_type: str) -> AsyncIterator[Gateway]:
    cache = SnapshotCache()
    server = XdsServer(cache)
    config, admin = tmp_path / "envoy.json", tmp_path / "admin"
    port = await server.start("127.0.0.1:0")
    config.write_text(json.dumps(bootstrap(port, api_type)))
    with (tmp_path / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            find_envoy(),
            *("--disable-hot-restart", "--concurrency", "1"),
            *("--admin-address-path", str(admin), "-c", str(config)),
            stderr=log,
        )
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:

            async def announced() -> bool:
                return admin.exists() and admin.read_text() != ""

            await eventually(announced)
            yield Gateway(cache, server, port, admin.read_text(), session)
    finally:
        process.terminate()
        await process.wait()
        await server.stop(0)


@pytest.fixture(params=["DELTA_GRPC", "GRPC"], ids=["delta", "sotw"])
def api_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_envoy_serves_while_a_bad_scope_is_isolated(tmp_path: Path, api_type: str) -> None:
    async def scenario() -> None:
        async with backend() as port, gateway(tmp_path, api_type) as g:
            g.publish(
                {
                    CLUSTER: {"shop": cluster("shop")},
                    ENDPOINT: {"shop": endpoints("shop", port)},
                    LISTENER: {"http": listener("http")},
                    SCOPE: {"a": scope("a", to="shop"), "m": scope("m", answer="m1")},
                }
            )
            await g.in_sync()
            await g.answers({"a": "backend", "m": "m1", "unknown": "404"})

            # Envoy takes scopes in order, so those that precede the bad one are poisoned.
            g.publish(
                {
                    SCOPE: {
                        "a": scope("a", answer="a2"),
                        "b": scope("b", answer="b2"),
                        "m": scope("m", answer="never", regex=BAD_REGEX),
                        "y": scope("y", answer="y2"),
                        "z": scope("z", to="shop"),
                    }
                }
            )
            await g.until(lambda: len(g.cache.unacknowledged(GROUP)) == 1)

            (rejection,) = g.cache.rejections(GROUP)
            assert (rejection.type_url, rejection.name) == (SCOPE, "m")
            assert "missing ]" in rejection.message
            assert g.cache.unacknowledged(GROUP)[0].name == "m"
            await g.answers({"a": "a2", "b": "b2", "m": "m1", "y": "y2", "z": "backend"})

            g.publish({SCOPE: {"m": scope("m", answer="m3")}})
            await g.in_sync()
            await g.answers({"a": "a2", "b": "b2", "m": "m3", "y": "y2", "z": "backend"})
            assert not g.cache.rejections(GROUP)

    asyncio.run(scenario())


def test_changed_cluster_does_not_wait_for_its_endpoints(tmp_path: Path, api_type: str) -> None:
    """If its endpoints did not come once more, it would warm for 15 seconds."""

    async def scenario() -> None:
        async with backend() as port, gateway(tmp_path, api_type) as g:
            g.publish(
                {
                    CLUSTER: {"shop": cluster("shop")},
                    ENDPOINT: {"shop": endpoints("shop", port)},
                    LISTENER: {"http": listener("http")},
                    SCOPE: {"a": scope("a", to="shop")},
                }
            )
            await g.in_sync()
            await g.answers({"a": "backend"})
            before = await g.statistic("cluster.shop.init_fetch_timeout")

            g.publish({CLUSTER: {"shop": cluster("shop", connect_timeout=2)}})
            await g.in_sync()

            await g.zero("cluster_manager.warming_clusters")
            assert await g.statistic("cluster.shop.init_fetch_timeout") == before
            assert '"connect_timeout": "2s"' in await g.read("/config_dump")
            assert await g.ask("a") == "backend"

    asyncio.run(scenario())


def test_listener_of_a_gateway_without_scopes_opens(tmp_path: Path, api_type: str) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path, api_type) as g:
            g.publish({LISTENER: {"http": listener("http")}})
            await g.in_sync()
            await g.zero("listener_manager.total_listeners_warming")
            await g.answers({"anything": "404"})

    asyncio.run(scenario())


def test_envoy_that_comes_back_is_sent_only_what_it_lacks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend() as port, gateway(tmp_path, "DELTA_GRPC") as g:
            g.publish(
                {
                    CLUSTER: {"shop": cluster("shop")},
                    ENDPOINT: {"shop": endpoints("shop", port)},
                    LISTENER: {"http": listener("http")},
                    SCOPE: {"a": scope("a", to="shop"), "b": scope("b", answer="b1")},
                }
            )
            await g.in_sync()
            before = g.cache.traffic()

            await g.server.stop(0)
            await g.until(lambda: not g.cache.clients())
            g.publish({SCOPE: {"b": scope("b", answer="b2")}})
            await g.server.start(f"127.0.0.1:{g.port}")
            await g.asked_for(CLUSTER, ENDPOINT, LISTENER, SCOPE)
            await g.in_sync()

            after = g.cache.traffic()
            sent = {t: after[t].resources - before[t].resources for t in after}
            assert sent == {CLUSTER: 0, ENDPOINT: 0, LISTENER: 0, SCOPE: 1}
            await g.answers({"a": "backend", "b": "b2"})

    asyncio.run(scenario())


def certificate(name: str) -> tuple[bytes, bytes, bytes]:
    """A certificate as PEM and as DER, and its key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), made.public_bytes(Encoding.DER), pem


def test_certificates_come_on_demand_and_a_name_without_one_ends_its_handshake(
    tmp_path: Path,
) -> None:
    chain, shown, key = certificate("shop.example.com")

    async def scenario() -> None:
        async with gateway(tmp_path, "DELTA_GRPC") as g:
            g.publish({LISTENER: {"https": listener("https", tls=True)}})
            await g.in_sync()
            await g.zero("listener_manager.total_listeners_warming")
            assert await g.handshake("shop.example.com") is None

            g.publish({SECRET: {"shop.example.com": secret("shop.example.com", chain, key)}})
            await g.shows("shop.example.com", shown)
            assert await g.handshake("unknown.example.com") is None

            g.publish({SECRET: {"shop.example.com": None}})
            await g.shows("shop.example.com", None)
            g.publish({SECRET: {"shop.example.com": secret("shop.example.com", chain, key)}})
            await g.shows("shop.example.com", shown)

    asyncio.run(scenario())
