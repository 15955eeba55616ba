"""Rate limits: requests of each client address, and of all clients together.

Each Envoy counts by itself, and each route. A bucket holds as many requests as may come at once,
and is filled evenly. A change of a host's route table fills its buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

from translators.envoy.filters import CLIENT_RATE_LIMIT, RATE_LIMIT
from translators.envoy.messages import (
    FractionalPercent,
    HttpStatus,
    LocalRateLimit,
    LocalRateLimitDescriptor,
    RateLimit,
    RateLimitAction,
    RateLimitDescriptorEntry,
    RateLimitGenericKey,
    RateLimitRemoteAddress,
    RateLimitRemoteAddressMatch,
    RuntimeFractionalPercent,
    TokenBucket,
)
from translators.envoy.parts import RouteParts
from translators.envoy.ranges import among
from translators.model.bounds import MAX_CLIENTS
from translators.model.edge import Network
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.route import v3 as schema
    from envoy_data_plane.envoy.type import v3 as envoy_type

_COUNTED: Final = "counted"

TOO_MANY_REQUESTS: Final = 429

_NO_LIMIT: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in each `interval`. As many as `burst` may come at once."""

    requests: int
    interval: timedelta
    burst: int

    def bucket(self) -> envoy_type.TokenBucket:
        """Return the bucket, which is full at first."""
        return TokenBucket(
            max_tokens=self.burst, tokens_per_fill=self.requests, fill_interval=self.interval
        )


@dataclass(frozen=True, slots=True)
class RouteLimit(EnvoyPolicy):
    """The rate of all clients of a route together. Requests beyond it get `status`."""

    scope: ClassVar[Scope] = Scope.ROUTE
    rate: Rate
    status: int = TOO_MANY_REQUESTS

    def route(self, parts: RouteParts) -> None:
        """Configure the limit for the route."""
        limit = LocalRateLimit(
            stat_prefix="rate_limit",
            status=HttpStatus(code=self.status),  # type: ignore[arg-type]  # any code of 400 to 599
            token_bucket=self.rate.bucket(),
            filter_enabled=_always(),
            filter_enforced=_always(),
        )
        parts.configure(RATE_LIMIT, limit)


@dataclass(frozen=True, slots=True)
class ClientLimit(EnvoyPolicy):
    """The rates of each client address; a request must fit into all of them.

    Requests beyond a rate get `status`. Clients in `exempt` are not counted.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    rates: tuple[Rate, ...]
    exempt: tuple[Network, ...]
    status: int

    def route(self, parts: RouteParts) -> None:
        """Configure the limit for the route."""
        limit = LocalRateLimit(
            stat_prefix="client_rate_limit",
            status=HttpStatus(code=self.status),  # type: ignore[arg-type]  # any code of 400 to 599
            # Envoy demands a bucket for all clients together.
            token_bucket=Rate(_NO_LIMIT, timedelta(seconds=1), _NO_LIMIT).bucket(),
            filter_enabled=_always(),
            filter_enforced=_always(),
            rate_limits=[
                RateLimit(actions=[*self._actions(), RateLimitAction(generic_key=name)])
                for name in self._names()
            ],
            descriptors=[
                LocalRateLimitDescriptor(
                    entries=[
                        RateLimitDescriptorEntry(key=key, value=value)
                        for key, value in self._keys(name.descriptor_value)
                    ],
                    token_bucket=rate.bucket(),
                )
                for name, rate in zip(self._names(), self.rates, strict=True)
            ],
            # Envoy's default of 20 would forget an address after 20 others.
            max_dynamic_descriptors=MAX_CLIENTS,
        )
        parts.configure(CLIENT_RATE_LIMIT, limit)

    def _names(self) -> Iterator[schema.RateLimitActionGenericKey]:
        """Yield a name for each rate. Each has buckets of its own."""
        for rate in self.rates:
            yield RateLimitGenericKey(descriptor_value=f"{rate.interval // _SECOND}s")

    def _actions(self) -> Iterator[schema.RateLimitAction]:
        """Yield the actions that make the keys of a request; a client without keys is exempt."""
        if self.exempt:
            others = among(self.exempt, invert=True)
            match = RateLimitRemoteAddressMatch(descriptor_value=_COUNTED, address_matcher=others)
            yield RateLimitAction(remote_address_match=match)
        yield RateLimitAction(remote_address=RateLimitRemoteAddress())

    def _keys(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the keys of a bucket. One without a value stands for every value."""
        if self.exempt:
            yield "remote_address_match", _COUNTED
        yield "remote_address", ""
        yield "generic_key", name


_SECOND: Final = timedelta(seconds=1)


@cache
def _always() -> core.RuntimeFractionalPercent:
    """Return a share of 100 %. Envoy's default is none."""
    return RuntimeFractionalPercent(default_value=FractionalPercent(numerator=100))
