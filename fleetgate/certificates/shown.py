"""The credential that the xDS server shows, and its replacement while clients are connected."""

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
    """The server's credential. `replace` renews it, and `follow` gives the new one to a server."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._callbacks: list[Callable[[], None]] = []

    @property
    def expires(self) -> datetime:
        """The end of the certificate's validity."""
        return self.credential.expires

    @property
    def tls(self) -> grpc.ServerCredentials:
        """The settings of a TLS server that asks every client for a certificate."""
        pair = self.credential.pair
        return grpc.ssl_server_credentials(
            [(pair.key, pair.certificate)], self.credential.trust, require_client_auth=True
        )

    def replace(self, credential: Credential) -> bool:
        """Replace the credential. Return False where it is the same."""
        if credential == self.credential:
            return False
        self.credential = credential
        for callback in self._callbacks:
            callback()
        return True

    async def follow(self, server: XdsServer, served: Credential) -> None:
        """Renew the TLS of a server whenever the credential changes, until cancelled.

        The server has begun with `served`.
        """
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
