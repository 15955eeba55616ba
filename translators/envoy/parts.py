"""What policies add to Envoy's messages: each message is collected first, and encoded once.

A builder makes the message with its own fields and those of the parts. It knows no policy.
"""

from typing import Any, TypeAlias

Keywords: TypeAlias = dict[str, Any]
"""Fields of a message, as its constructor takes them."""


class Fields:
    """The fields that policies give to one message."""

    def __init__(self) -> None:
        self._values: Keywords = {}

    def put(self, name: str, value: object) -> None:
        """Set a field. Raises ValueError where another policy has set it: that is our mistake."""
        if name in self._values:
            raise ValueError(f"two policies set {name}")
        self._values[name] = value

    def add(self, name: str, *values: object) -> None:
        """Add items to a field that is a list."""
        self._values.setdefault(name, []).extend(values)

    def over(self, own: Keywords) -> Keywords:
        """These fields and a builder's own ones: lists are joined, others are overruled."""
        merged = {**own}
        for name, value in self._values.items():
            mine = merged.get(name)
            merged[name] = [*mine, *value] if isinstance(mine, list) else value
        return merged


class Parts:
    """Filters that are switched on, or told something, below the listener: by their names."""

    def __init__(self) -> None:
        self.filters: Keywords = {}

    def configure(self, name: str, config: object) -> None:
        """Give an HTTP filter of `translators.envoy.filters` its configuration here."""
        if name in self.filters:
            raise ValueError(f"two policies configure {name}")
        self.filters[name] = config


class RouteParts(Parts):
    """What one route gets beside its match and its action."""

    def __init__(self) -> None:
        super().__init__()
        self.match = Fields()
        self.action = Fields()
        self.route = Fields()


class HostParts(Parts):
    """What everything on a host gets."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_host = Fields()


class ClusterParts:
    """How Envoy talks to a Service."""

    def __init__(self) -> None:
        self.cluster = Fields()
        self.http_options = Fields()


class ListenerParts:
    """What all requests of a listener get."""

    def __init__(self) -> None:
        self.listener = Fields()
        self.manager = Fields()
