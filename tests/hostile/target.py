"""What an attack is given: where fleetgate listens, and a certificate that it takes."""

from __future__ import annotations  # grpc's generic names exist for the type checker only

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
from envoy_data_plane.envoy.config.core import v3 as core
from grpc import aio

from fleetgate.certificates.credential import Credential

GATEWAY: Final = "mse/shop"
SERVER_NAME: Final = "fleetgate.test"
HOSTILE_MEMBER: Final = "hostile"

_OPTIONS: Final[Mapping[str, str | int]] = {
    "grpc.ssl_target_name_override": SERVER_NAME,
    "grpc.use_local_subchannel_pool": 1,  # each channel has a connection of its own
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,
    "grpc.max_metadata_size": 64 << 20,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A running fleetgate, as seen by somebody on its network; goes to another process.

    `fleet` is its directory, or the kubeconfig of its hub: whoever may write there is a user who
    declares things. Where xDS asks
    for certificates, the server's own are in `server`, and `renewed` is one to put there.
    """

    xds_port: int
    admin_port: int
    fleet: Path
    certificate: Credential | None = None
    server: Path = Path()
    renewed: Credential | None = None

    def channel(self) -> grpc.Channel:
        """A gRPC connection of its own."""
        address, options = f"127.0.0.1:{self.xds_port}", tuple(_OPTIONS.items())
        if self.certificate is None:
            return grpc.insecure_channel(address, options)
        return grpc.secure_channel(address, _credentials(self.certificate), options)

    def aio_channel(self, compression: grpc.Compression | None = None) -> aio.Channel:
        """The same for asyncio."""
        address, options = f"127.0.0.1:{self.xds_port}", tuple(_OPTIONS.items())
        if self.certificate is None:
            return aio.insecure_channel(address, options, compression)
        return aio.secure_channel(address, _credentials(self.certificate), options, compression)

    def connect(self, port: int) -> socket.socket:
        """A TCP connection."""
        return socket.create_connection(("127.0.0.1", port), timeout=60)


def node(name: str) -> core.Node:
    """A node of the gateway that is served."""
    return core.Node(id=name, cluster=GATEWAY)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has hung up."""
    connection.setblocking(False)
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _credentials(shown: Credential) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(shown.trust, shown.pair.key, shown.pair.certificate)
