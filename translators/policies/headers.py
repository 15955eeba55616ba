"""Policies that change the headers of requests and of answers."""

from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.header_edits import Put, option
from translators.envoy.parts import EntryParts, RouteParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """Headers to remove, then to set, then to append values to, and then to set where absent."""

    remove: tuple[str, ...] = ()
    update: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    absent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderControl(EnvoyPolicy):
    """Change the headers of requests to a backend, and of its answers."""

    scope: ClassVar[Scope] = Scope.ENTRY
    request: HeaderEdits
    response: HeaderEdits

    def entry(self, parts: EntryParts) -> None:
        """Add the changes. Envoy removes headers before it adds some."""
        for side, edits in (("request", self.request), ("response", self.response)):
            added = [option(name, value) for name, value in edits.update]
            added += [option(name, value, Put.APPEND) for name, value in edits.add]
            added += [option(name, value, Put.IF_ABSENT) for name, value in edits.absent]
            if edits.remove:
                parts.entry.add(f"{side}_headers_to_remove", *edits.remove)
            if added:
                parts.entry.add(f"{side}_headers_to_add", *added)


@dataclass(frozen=True, slots=True)
class RequestHeader(EnvoyPolicy):
    """Set a header of requests to backends."""

    scope: ClassVar[Scope] = Scope.ROUTE
    name: str
    value: str

    def route(self, parts: RouteParts) -> None:
        """Set the header."""
        parts.route.add("request_headers_to_add", option(self.name, self.value))
