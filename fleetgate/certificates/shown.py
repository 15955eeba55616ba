"""What the xDS server shows its clients, and the server kept in step with it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

import grpc

from fleetgate.certificates.credential import Credential
from xds.listening import UnusableCredentials
from xds.server import XdsServer

log = logging.getLogger(__name__)


class Shown:
    """The server's credential, which is renewed from time to time."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._callbacks: list[Callable[[], None]] = []

    @property
    def expires(self) -> datetime:
        """When the certificate ends."""
        return self.credential.expires

    @property
    def tls(self) -> grpc.ServerCredentials:
        """TLS that asks every client for a certificate."""
        pair = self.credential.pair
        return grpc.ssl_server_credentials(
            [(pair.key, pair.certificate)], self.credential.trust, require_client_auth=True
        )

    def replace(self, credential: Credential) -> bool:
        """Show this from now on; False if it is what is shown already."""
        if credential == self.credential:
            return False
        self.credential = credential
        for callback in self._callbacks:
            callback()
        return True

    async def follow(self, server: XdsServer, served: Credential) -> None:
        """Have a server that began with the TLS of `served` take what is shown, until cancelled."""
        changed = asyncio.Event()
        self._callbacks.append(changed.set)
        while True:
            if served == self.credential:
                await changed.wait()
                changed.clear()
                continue
            served = self.credential
            try:
                await server.renew(self.tls)
            except UnusableCredentials as e:
                log.warning("%s; xDS goes on with the certificate that it had", e)
