"""TLS handshakes with a gateway, as clients make them."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509

from fleetgate.demo.http import Address
from tests.support.authority import Authority

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server showed: its certificate, and the protocols that both sides agreed upon."""

    certificate: x509.Certificate
    version: str
    alpn: str

    @property
    def name(self) -> str:
        """The common name of the certificate."""
        (name,) = self.certificate.subject
        return str(name.value)


def client_context(authority: Authority, *alpn: str, checks: bool = True) -> ssl.SSLContext:
    """Make the settings of a client that trusts an authority; it may accept any certificate."""
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    if not checks:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([*alpn])
    return context


async def handshake(address: Address, name: str | None, context: ssl.SSLContext) -> Shown:
    """Make one handshake. Raises ssl.SSLError if the server refuses, as do failed checks."""
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection(
            *address, ssl=context, server_hostname="" if name is None else name
        )
    try:
        secured: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = secured.getpeercert(binary_form=True)
        assert der is not None
        return Shown(
            x509.load_der_x509_certificate(der),
            secured.version() or "",
            secured.selected_alpn_protocol() or "",
        )
    finally:
        writer.transport.abort()


def hello(name: bytes) -> bytes:
    """Make a ClientHello with any bytes as the server's name, as no usual client sends it."""
    labels = "x" * 50 + "."
    stand_in = (labels * 6)[: len(name) - 1] + "x"
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(incoming, outgoing, server_hostname=stand_in)
    with suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    made = outgoing.read()
    before = bytes(1) + len(name).to_bytes(2, "big")  # the type of the name, and its length
    assert made.count(before + stand_in.encode()) == 1
    return made.replace(before + stand_in.encode(), before + name)


CLOSED, ALERT = 0, 21
"""What a server answers to a ClientHello: nothing, or a record of this type."""


async def answer_to(address: Address, name: bytes) -> int:
    """Send a ClientHello with this server's name; return the type of the first record."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(hello(name))
            return (await reader.read(1) or bytes(1))[0]
        except ConnectionResetError:
            return CLOSED
        finally:
            writer.transport.abort()
