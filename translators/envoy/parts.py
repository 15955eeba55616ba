"""Parts: the fields that policies add to Envoy's messages.

All policies add to the parts first. Then a builder makes the message from its own fields and those
of the parts, and encodes it once. A builder knows no policy.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeAlias

from fleet.ref import Ref
from translators.envoy.access import Access
from translators.envoy.filters import ACCESS
from translators.model.actions import Forward
from translators.model.authorities import AuthoritiesReading
from translators.model.balancing import Balancing
from translators.model.credentials import Credentials
from translators.model.health_checks import HealthCheck
from translators.model.policy import Policy
from translators.model.tls import ServerTls
from xds.wire import pack

Keywords: TypeAlias = dict[str, Any]
"""Fields of a message, as its constructor takes them."""


class Fields:
    """The fields that policies give to one message."""

    def __init__(self) -> None:
        self._values: Keywords = {}

    def put(self, name: str, value: object) -> None:
        """Set a field. Raises ValueError if another policy has set it, which is a bug of ours."""
        if name in self._values:
            raise ValueError(f"two policies set {name}")
        self._values[name] = value

    def add(self, name: str, *values: object) -> None:
        """Add items to a field that is a list."""
        self._values.setdefault(name, []).extend(values)

    def over(self, own: Keywords) -> Keywords:
        """Merge these fields into a builder's own ones: lists are joined, others replaced."""
        merged = {**own}
        for name, value in self._values.items():
            mine = merged.get(name)
            merged[name] = [*mine, *value] if isinstance(mine, list) else value
        return merged


class Parts:
    """Per-route configurations of HTTP filters, by the name of the filter.

    `access` collects the filters that decide who may ask, and the Composite in which they run.
    """

    def __init__(self) -> None:
        self.filters: Keywords = {}
        self.access = Access()

    def configure(self, name: str, config: object) -> None:
        """Configure an HTTP filter of `translators.envoy.filters` for this route or host.

        Raises ValueError if another policy has done so, which is a bug of ours.
        """
        if name in self.filters:
            raise ValueError(f"two policies configure {name}")
        self.filters[name] = config

    @cached_property
    def names(self) -> frozenset[str]:
        """The filters that are configured outside of the Composite."""
        return frozenset((*self.filters, *self.access.beside()))

    @cached_property
    def packed(self) -> Keywords:
        """All configurations as a message holds them, once all policies have added theirs."""
        filters = {**self.filters, **self.access.beside()}
        if (inside := self.access.inside()) is not None:
            filters[ACCESS] = inside
        return {name: pack(config) for name, config in filters.items()}


class RouteParts(Parts):
    """The parts of one route, of its match and of its action.

    `weighted` are fields of the choice between weighted targets, where there are several.
    """

    def __init__(self) -> None:
        super().__init__()
        self.match = Fields()
        self.action = Fields()
        self.weighted = Fields()
        self.route = Fields()
        self.metadata: dict[str, dict[str, object]] = {}

    def note(self, filter_name: str, **values: object) -> None:
        """Add JSON values to the metadata that a filter reads of the route."""
        self.metadata.setdefault(filter_name, {}).update(values)


class TableParts(Parts):
    """The parts of all route tables of a set, which hold for all requests over a listener.

    `table` are fields of a RouteConfiguration.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = Fields()


class EntryParts(Parts):
    """The parts of one of the weighted backends of a route; of the route if it has just one."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = Fields()


class HostParts(Parts):
    """The parts of a VirtualHost, which hold for all routes of a host.

    `host` is its name as it is declared; "" stands for all hosts that no rule names.
    """

    def __init__(self, host: str = "") -> None:
        super().__init__()
        self.host = host
        self.virtual_host = Fields()


class ChainParts:
    """The parts of a host's own filter chain.

    `tls` begins as that of the listener. `root` is where requests for the path `/` go; None if no
    rule says. A `tunnel` sends connections to a backend as they come, and makes HTTP needless.
    `authorities` reads a Secret. `lacks` holds the policies that cannot be carried out, with what
    they expect; a chain that lacks something is not made. A chain is `alone` unless another host
    with the same `tls` may share it.

    The rest goes into the chain: `network` filters, `early` changes of headers, base configurations
    of HTTP `filters` by name, `answers` of the gateway itself, and fields of the `manager`.
    """

    def __init__(
        self,
        host: str,
        tls: ServerTls,
        root: Forward | None,
        authorities: Callable[[Ref], AuthoritiesReading],
    ) -> None:
        self.host = host
        self.tls = tls
        self.root = root
        self.authorities = authorities
        self.alone = False
        self.tunnel: Forward | None = None
        self.network: list[Any] = []  # listener.Filter
        self.early: list[Any] = []  # mutation_rules.HeaderMutation
        self.answers: list[Any] = []  # hcm.ResponseMapper
        self.filters: Keywords = {}
        self.manager = Fields()
        self.lacks: list[tuple[Policy, str]] = []

    def lacking(self, policy: Policy, expected: str) -> None:
        """Note that a policy cannot be carried out."""
        self.lacks.append((policy, expected))


class ClusterParts:
    """The parts of a Cluster, of its HTTP options, and of its limits.

    `connections` are options of its HTTP connections of any version. `limits` and `pod_limits` are
    circuit breakers of the whole Cluster and of each Pod. `balancing` chooses a Pod, and
    `warmup` is the time in which a new Pod gets its full share, where `balancing` allows for it.
    `check` is an active health check of its Pods.
    `tls`, `tls_common` and `tls_params` are fields of an UpstreamTlsContext and of its parts, for
    backends that are asked over TLS. `credentials` holds those of the Secrets that policies name;
    None stands for a Secret without any.
    """

    def __init__(self, credentials: Mapping[Ref, Credentials | None] | None = None) -> None:
        self.credentials = credentials or {}
        self.tls = Fields()
        self.tls_common = Fields()
        self.tls_params = Fields()
        self.cluster = Fields()
        self.http_options = Fields()
        self.connections = Fields()
        self.limits = Fields()
        self.pod_limits = Fields()
        self.balancing = Balancing.ROUND_ROBIN
        self.check: HealthCheck | None = None
        self.warmup: timedelta | None = None


class ListenerParts:
    """The parts of a Listener, and of its HttpConnectionManagers."""

    def __init__(self) -> None:
        self.listener = Fields()
        self.manager = Fields()
