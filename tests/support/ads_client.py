"""A client on a delta ADS stream that sends only the requests that the test makes."""

from __future__ import annotations  # grpc's generic names exist for the type checker only

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from envoy_data_plane.google.rpc import Status

from xds.resource import TypeUrl

_METHOD: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_BOUND: Final = 60.0


class AdsClient:
    """A gateway's client with one stream."""

    def __init__(
        self,
        channel: grpc.Channel,
        gateway: str,
        *,
        node: str = "half-an-envoy",
        bound: float = _BOUND,
    ) -> None:
        self._node = core.Node(id=node, cluster=gateway)
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_METHOD)
        self._heard: Iterator[bytes] = call(iter(self._said.get, None), timeout=bound)

    def request(self, type_url: str, *names: str) -> None:
        """Subscribe to resources of a type by name, or to all of them."""
        self._say(
            discovery.DeltaDiscoveryRequest(
                node=self._node, type_url=type_url, resource_names_subscribe=list(names)
            )
        )

    def hear(self) -> discovery.DeltaDiscoveryResponse:
        """The next response."""
        return discovery.DeltaDiscoveryResponse.parse(next(self._heard))

    def acknowledge(self, response: discovery.DeltaDiscoveryResponse) -> None:
        self._answer(response, None)

    def refuse(self, response: discovery.DeltaDiscoveryResponse, why: str) -> None:
        self._answer(response, Status(code=13, message=why))

    def _answer(self, response: discovery.DeltaDiscoveryResponse, error: Status | None) -> None:
        self._say(
            discovery.DeltaDiscoveryRequest(
                type_url=response.type_url, response_nonce=response.nonce, error_detail=error
            )
        )

    def _say(self, request: discovery.DeltaDiscoveryRequest) -> None:
        self._said.put(bytes(request))

    def close(self) -> None:
        """End the stream."""
        self._said.put(None)


@contextmanager
def ads_client(xds_port: int, gateway: str) -> Iterator[AdsClient]:
    """Connect a client while the block runs."""
    with grpc.insecure_channel(f"127.0.0.1:{xds_port}") as channel:
        client = AdsClient(channel, gateway)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def listening(xds_port: int, gateway: str) -> Iterator[AdsClient]:
    """Connect a client that has acknowledged the gateway's listeners, while the block runs."""
    with ads_client(xds_port, gateway) as client:
        client.request(TypeUrl.LISTENER)
        client.acknowledge(client.hear())
        yield client
