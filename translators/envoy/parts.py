"""Parts: the fields that policies add to Envoy's messages.

All policies add to the parts first. Then a builder makes the message from its own fields and those
of the parts, and encodes it once. A builder knows no policy.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.authorities import AuthoritiesReading
from translators.model.policy import Policy
from translators.model.tls import ServerTls

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
    """Per-route configurations of HTTP filters, by the name of the filter."""

    def __init__(self) -> None:
        self.filters: Keywords = {}

    def configure(self, name: str, config: object) -> None:
        """Configure an HTTP filter of `translators.envoy.filters` for this route or host.

        Raises ValueError if another policy has done so, which is a bug of ours.
        """
        if name in self.filters:
            raise ValueError(f"two policies configure {name}")
        self.filters[name] = config


class RouteParts(Parts):
    """The parts of one route, of its match and of its action."""

    def __init__(self) -> None:
        super().__init__()
        self.match = Fields()
        self.action = Fields()
        self.route = Fields()


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
    """The parts of a Cluster, and of its HTTP options."""

    def __init__(self) -> None:
        self.cluster = Fields()
        self.http_options = Fields()


class ListenerParts:
    """The parts of a Listener, and of its HttpConnectionManagers."""

    def __init__(self) -> None:
        self.listener = Fields()
        self.manager = Fields()
