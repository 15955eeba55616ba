"""All scenarios, in the order of the tables."""

from typing import Final

from benchmarks.scenarios.checks import CHECKS
from benchmarks.scenarios.churn import CHURN
from benchmarks.scenarios.cold import COLD
from benchmarks.scenarios.endpoints import ENDPOINTS
from benchmarks.scenarios.envoy import ENVOY
from benchmarks.scenarios.failover import FAILOVER
from benchmarks.scenarios.fan_out import FAN_OUT
from benchmarks.scenarios.forwarding import FORWARDING
from benchmarks.scenarios.grpc import GRPC
from benchmarks.scenarios.load_in import LOAD_IN
from benchmarks.scenarios.memory import MEMORY
from benchmarks.scenarios.patterns import PATTERNS
from benchmarks.scenarios.policies import POLICIES
from benchmarks.scenarios.routes import ROUTES
from benchmarks.scenarios.step import Scenario
from benchmarks.scenarios.tls import TLS
from benchmarks.scenarios.weights import WEIGHTS

SCENARIOS: Final[tuple[Scenario, ...]] = (
    ROUTES,
    ENDPOINTS,
    CHURN,
    LOAD_IN,
    COLD,
    FAN_OUT,
    MEMORY,
    ENVOY,
    FAILOVER,
    FORWARDING,
    PATTERNS,
    POLICIES,
    WEIGHTS,
    CHECKS,
    TLS,
    GRPC,
)
