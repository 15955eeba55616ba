"""A client that speaks xDS line by line, over any rig:

    client = rig.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {"shop": "1"})
    client.ack(CLUSTER)
    client.expect_nothing()

`expect` names what changes for the client, so that one script serves both variants. Over SotW the
response of a full type has to be exactly what the client holds after that change.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from envoy_data_plane.envoy.type.v3 import SemanticVersion
from envoy_data_plane.google.rpc import Status

from tests.xds.resources import CLUSTER, LISTENER, SCOPE, name_in, version_in
from xds.resource import TypeUrl

FULL_OVER_SOTW = (CLUSTER, LISTENER, SCOPE)


class Transport(Protocol):
    """The bytes of one stream, seen from its client."""

    def send(self, data: bytes) -> None: ...

    def receive(self) -> bytes | None:
        """The next response; None if there is none."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Response:
    type_url: str
    nonce: str
    version: str
    bodies: Mapping[str, bytes]
    removed: frozenset[str]

    @property
    def versions(self) -> dict[str, str]:
        return {name: version_in(body) for name, body in self.bodies.items()}


@dataclass
class Held:
    """What the client holds of one type, and the last response of that type."""

    names: set[str] = field(default_factory=set)
    bodies: dict[str, bytes] = field(default_factory=dict)
    accepted: Response | None = None
    pending: Response | None = None
    requested: bool = False

    @property
    def versions(self) -> dict[str, str]:
        return {name: version_in(body) for name, body in self.bodies.items()}


class Client(ABC):
    """One stream and its state. The first message carries the node, as Envoy's does."""

    protocol = ""

    def __init__(self, transport: Transport, node_id: str, group: str) -> None:
        self.node_id = node_id
        self.types: dict[str, Held] = {}
        self._transport = transport
        self.build: tuple[int, int, int] | None = None
        self._group = group
        self._introduced = False
        self._probes = count()

    def held(self, type_url: str) -> Held:
        return self.types.setdefault(type_url, Held())

    def holds(self, type_url: str) -> dict[str, str]:
        """The versions that the client has accepted, by name."""
        return self.held(type_url).versions

    @abstractmethod
    def request(
        self, type_url: str, *names: str, held: Mapping[str, str] | None = None, nonce: str = ""
    ) -> None:
        """Subscribe to names, or to all. `held` is what a reconnecting client holds, by version."""

    @abstractmethod
    def unsubscribe(self, type_url: str, *names: str) -> None: ...

    @abstractmethod
    def reply(self, type_url: str, response: Response, error: str | None) -> None:
        """ACK or NACK a response, which may have been answered before."""

    @abstractmethod
    def parse(self, data: bytes) -> Response: ...

    @abstractmethod
    def expected(
        self, type_url: str, changed: Mapping[str, str], removed: frozenset[str]
    ) -> tuple[dict[str, str], frozenset[str]]:
        """The versions and removals of a response that makes these changes."""

    def receive(self) -> Response | None:
        """Take the next response, if there is one."""
        data = self._transport.receive()
        if data is None:
            return None
        response = self.parse(data)
        held = self.held(response.type_url)
        assert held.pending is None, f"two unacknowledged responses of {response.type_url}"
        held.pending = response
        return response

    def expect(
        self,
        type_url: str,
        changed: Mapping[str, str] | None = None,
        *,
        removed: frozenset[str] | set[str] = frozenset(),
    ) -> Response:
        """Check that the next response is of this type and makes exactly these changes."""
        response = self.receive()
        assert response is not None, f"no response, expected one of {type_url}"
        assert response.type_url == type_url
        expected = self.expected(type_url, changed or {}, frozenset(removed))
        assert (response.versions, response.removed) == expected
        return response

    def ack(self, type_url: str) -> None:
        response = self.take(type_url)
        held = self.held(type_url)
        self.apply(held, response)
        held.accepted = response
        self.reply(type_url, response, None)

    @abstractmethod
    def apply(self, held: Held, response: Response) -> None: ...

    def nack(self, type_url: str, message: str = "missing ]: [+") -> None:
        self.reply(type_url, self.take(type_url), message)

    def take(self, type_url: str) -> Response:
        held = self.held(type_url)
        response, held.pending = held.pending, None
        assert response is not None, f"nothing of {type_url} to answer"
        return response

    def exchange(
        self, type_url: str, changed: Mapping[str, str], *, removed: set[str] | None = None
    ) -> None:
        """Expect a response, and acknowledge it."""
        self.expect(type_url, changed, removed=removed or set())
        self.ack(type_url)

    def receive_and_ack(self) -> str:
        """Take and acknowledge the next response of any type; gives the type."""
        response = self.receive()
        assert response is not None
        self.ack(response.type_url)
        return response.type_url

    def expect_nothing(self) -> None:
        """Check that no response is due: a request made for this check is answered first."""
        probe = f"type.googleapis.com/test.Probe{next(self._probes)}"
        self.request(probe)
        response = self.receive()
        assert response is not None
        assert response.type_url == probe, f"unexpected {response}"
        self.ack(probe)

    def settle(self, *, most: int = 200) -> None:
        """Acknowledge all responses until no more come."""
        for _ in range(most):
            response = self.receive()
            if response is None:
                return
            self.ack(response.type_url)
        raise AssertionError(f"still not settled after {most} responses")

    def close(self) -> None:
        self._transport.close()

    def _take_node(self) -> core.Node | None:
        if self._introduced:
            return None
        self._introduced = True
        node = core.Node(id=self.node_id, cluster=self._group, user_agent_name="dialogue")
        if self.build:
            major, minor, patch = self.build
            version = SemanticVersion(major_number=major, minor_number=minor, patch=patch)
            node.user_agent_build_version = core.BuildVersion(version=version)
        return node


class DeltaClient(Client):
    protocol = "delta"

    def request(
        self, type_url: str, *names: str, held: Mapping[str, str] | None = None, nonce: str = ""
    ) -> None:
        self._send(
            discovery.DeltaDiscoveryRequest(
                type_url=type_url,
                resource_names_subscribe=list(names),
                initial_resource_versions=dict(held or {}),
                response_nonce=nonce,
            )
        )

    def unsubscribe(self, type_url: str, *names: str) -> None:
        self._send(
            discovery.DeltaDiscoveryRequest(
                type_url=type_url, resource_names_unsubscribe=list(names)
            )
        )
        for name in names:
            self.held(type_url).bodies.pop(name, None)

    def reply(self, type_url: str, response: Response, error: str | None) -> None:
        self._send(
            discovery.DeltaDiscoveryRequest(
                type_url=type_url,
                response_nonce=response.nonce,
                error_detail=Status(code=13, message=error) if error is not None else None,
            )
        )

    def _send(self, request: discovery.DeltaDiscoveryRequest) -> None:
        request.node = self._take_node()
        self._transport.send(bytes(request))

    def parse(self, data: bytes) -> Response:
        parsed = discovery.DeltaDiscoveryResponse.parse(data)
        for each in parsed.resources:
            assert each.resource is not None
            assert each.resource.type_url == parsed.type_url
            assert each.name == name_in(each.resource.value)
            assert each.version == version_in(each.resource.value)
        return Response(
            parsed.type_url,
            parsed.nonce,
            parsed.system_version_info,
            {each.name: each.resource.value for each in parsed.resources if each.resource},
            frozenset(parsed.removed_resources),
        )

    def expected(
        self, type_url: str, changed: Mapping[str, str], removed: frozenset[str]
    ) -> tuple[dict[str, str], frozenset[str]]:
        return dict(changed), removed

    def apply(self, held: Held, response: Response) -> None:
        held.bodies.update(response.bodies)
        for name in response.removed:
            held.bodies.pop(name, None)


class SotwClient(Client):
    protocol = "sotw"

    def request(
        self, type_url: str, *names: str, held: Mapping[str, str] | None = None, nonce: str = ""
    ) -> None:
        state = self.held(type_url)
        state.names.update(names)
        accepted = state.accepted
        self._send(type_url, accepted, nonce or (accepted.nonce if accepted else ""), None)

    def unsubscribe(self, type_url: str, *names: str) -> None:
        state = self.held(type_url)
        state.names.difference_update(names)
        for name in names:
            state.bodies.pop(name, None)
        accepted = state.accepted
        self._send(type_url, accepted, accepted.nonce if accepted else "", None)

    def reply(self, type_url: str, response: Response, error: str | None) -> None:
        last = response if error is None else self.held(type_url).accepted
        self._send(type_url, last, response.nonce, error)

    def resume(self, type_url: str, version: str) -> None:
        """The first request of a client that has accepted this version on an earlier stream."""
        self._send(type_url, Response(type_url, "", version, {}, frozenset()), "", None)

    def _send(
        self, type_url: str, accepted: Response | None, nonce: str, error: str | None
    ) -> None:
        request = discovery.DiscoveryRequest(
            node=self._take_node(),
            type_url=type_url,
            version_info=accepted.version if accepted else "",
            resource_names=sorted(self.held(type_url).names),
            response_nonce=nonce,
            error_detail=Status(code=13, message=error) if error is not None else None,
        )
        self._transport.send(bytes(request))

    def parse(self, data: bytes) -> Response:
        parsed = discovery.DiscoveryResponse.parse(data)
        assert all(each.type_url == parsed.type_url for each in parsed.resources)
        bodies = {name_in(each.value): each.value for each in parsed.resources}
        assert len(bodies) == len(parsed.resources)
        return Response(parsed.type_url, parsed.nonce, parsed.version_info, bodies, frozenset())

    def expected(
        self, type_url: str, changed: Mapping[str, str], removed: frozenset[str]
    ) -> tuple[dict[str, str], frozenset[str]]:
        if type_url not in FULL_OVER_SOTW:
            assert not removed, "not expressible"
            return dict(changed), frozenset()
        content = self.holds(type_url) | dict(changed)
        return {n: v for n, v in content.items() if n not in removed}, frozenset()

    def apply(self, held: Held, response: Response) -> None:
        if response.type_url in FULL_OVER_SOTW:
            held.bodies = dict(response.bodies)
        else:
            held.bodies.update(response.bodies)


CLIENTS: Mapping[str, type[Client]] = {"delta": DeltaClient, "sotw": SotwClient}
AGGREGATED: Mapping[str, str] = {
    "delta": "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    "sotw": "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
}
__all__ = ["AGGREGATED", "CLIENTS", "Client", "Response", "Transport", "TypeUrl"]
