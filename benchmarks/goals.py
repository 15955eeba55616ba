"""The goals of figures. A figure that is not here has no goal.

The goals come from the same measurements of Contour, Istio, Envoy Gateway and go-control-plane on
such a machine. A goal is better than the best of them, or near to it where Go has an advantage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.figures import Figure
from translators.model.bounds import MAX_MATCHED, MAX_PATTERNS


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound in the figure's unit, which the figure should not exceed, or not fall below."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value meets the goal."""
        return value >= self.bound if self.at_least else value <= self.bound


IDLE: Final = "plain, all filters idle"
"""The case of a host without annotations."""

USUAL: Final = "TLS, redirect, CORS and a list"
"""The case of a host with what a usual host has."""


def _idle(hosts: int) -> dict[tuple[str, str, str], Goal]:
    case = f"{hosts} hosts, idle"
    return {("route", case, "median"): Goal(5), ("route", case, "p99"): Goal(20)}


GOALS: Final[Mapping[tuple[str, str, str], Goal]] = MappingProxyType(
    {
        **_idle(0),
        **_idle(1000),
        **_idle(5000),
        ("route", "5000 hosts, back to back", "median"): Goal(6),
        ("route", "5000 hosts, back to back", "p99"): Goal(25),
        ("route", "5000 hosts, back to back", "CPU per route"): Goal(3),
        ("route", "5000 hosts, back to back", "bytes per route"): Goal(1024),
        ("endpoint", "5000 hosts, 20 ms between", "median"): Goal(4),
        ("endpoint", "5000 hosts, 20 ms between", "p99"): Goal(15),
        ("endpoint", "5000 hosts, 20 ms between", "CPU per endpoint"): Goal(1.5),
        ("churn", "5000 hosts", "CPU"): Goal(1.5),
        ("churn", "5000 hosts", "peak memory"): Goal(250),
        ("load-in", "15000 objects", "CPU"): Goal(12),
        ("load-in", "15000 objects", "lag after the last write"): Goal(0.3),
        ("cold", "5000 hosts", "median of 3"): Goal(2.5),
        ("fan-out", "1000 Envoys, delta", "last, median"): Goal(300),
        ("fan-out", "1000 Envoys, delta", "last, beside one that does not read"): Goal(300),
        ("fan-out", "1000 Envoys, delta", "that one is cut off"): Goal(1, at_least=True),
        ("fan-out", "1000 Envoys, delta", "CPU per change"): Goal(0.2),
        ("fan-out", "1000 Envoys, delta", "peak memory"): Goal(614),
        ("fan-out", "1000 Envoys, delta", "connect all"): Goal(15),
        ("fan-out", "1000 Envoys, delta", "CPU of connecting"): Goal(12),
        ("envoy", "5000 hosts, idle", "answered, median"): Goal(12),
        ("envoy", "20000 hosts, idle", "answered, median"): Goal(15),
        ("envoy", "5000 hosts", "series"): Goal(10_000),
        ("envoy", "5000 hosts", "memory"): Goal(307),
        ("forwarding", "5000 paths", "of a host with 10"): Goal(90, at_least=True),
        (
            "patterns",
            f"{MAX_PATTERNS} patterns, a value of {MAX_MATCHED} bytes",
            "CPU per request",
        ): Goal(30),
        ("policies", IDLE, "requests of a listener without them"): Goal(97, at_least=True),
        ("policies", USUAL, "memory in Envoy of a plain host"): Goal(150),
        ("policies", USUAL, "memory in fleetgate of a plain host"): Goal(150),
        ("weights", "5000 hosts", "memory in Envoy of balanced hosts"): Goal(130),
        ("weights", "5000 hosts", "memory in fleetgate of balanced hosts"): Goal(130),
        ("weights", "5000 hosts, idle", "median"): Goal(3),
        ("weights", "5000 hosts, idle", "messages per weight"): Goal(1),
        ("weights", "5000 hosts, idle", "bytes per weight"): Goal(1024),
        ("tls", "5000 hosts", "first handshake, median"): Goal(60),
        ("tls", "5000 hosts", "route, times plain"): Goal(1.3),
        ("tls", "5000 hosts", "endpoint, times plain"): Goal(1.3),
        ("tls", "5000 hosts", "CPU of load-in, times plain"): Goal(1.3),
        ("failover", "kill -9, fleetgate", "failed"): Goal(0),
        ("failover", "partition, fleetgate", "failed"): Goal(0),
        ("failover", "partition, fleetgate", "worst wait"): Goal(3000),
        ("failover", "partition, acknowledged, fleetgate", "failed"): Goal(0),
        ("failover", "partition, acknowledged, fleetgate", "worst wait"): Goal(4000),
        ("failover", "partition, acknowledged, fleetgate", "last stream ends after"): Goal(15_000),
        ("failover", "scale to 0, fleetgate", "failed"): Goal(0),
        ("failover", "member's API server lost, fleetgate", "failed"): Goal(0),
    }
)


def goal_of(figure: Figure) -> Goal | None:
    """The goal of a figure; None if it has none."""
    return GOALS.get(figure.key)
