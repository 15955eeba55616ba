"""The filters that decide who may ask: they run in one Composite, in one order for all routes.

These filters have no idle configuration, so they cannot stand in the list of all filters. A route
that uses one of them has the whole chain in its configuration of the Composite.

    body size ─▶ passwords ─▶ names that only a service gives ─▶ authorization by this service

A route can demand either an address or authentication. Then a request from such an address passes
without the filters that authenticate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from translators.envoy.matching import do, first_of
from translators.envoy.messages import CompositePerRoute, HeaderMutation

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.composite import v3 as composite
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

    Predicate = xds_matcher.MatcherMatcherListPredicate


class Place(IntEnum):
    """The places of filters in the chain, in order."""

    BODY = 1
    PASSWORD = 2
    NAMES = 3
    SERVICE = 4

    @property
    def authenticates(self) -> bool:
        """Whether a filter at this place asks who the client is."""
        return self in {Place.PASSWORD, Place.SERVICE}


class _Inside(NamedTuple):
    """A filter of the chain. Requests that meet `unless` do not pass it."""

    place: Place
    name: str
    config: Any  # the message of any filter
    unless: Predicate | None


_NOTHING: Final = (_Inside(Place.NAMES, "nothing", HeaderMutation(), None),)
"""A filter that does nothing, for a chain without others: Envoy refuses an empty one."""


class _Either(NamedTuple):
    """An alternative to authentication. See `Access.either`."""

    passes: Predicate | None
    name: str
    beside: Any  # the message of any filter
    alone: Any  # the message of any filter


class Access:
    """The access filters of one route or host. Those of a route replace those of its host."""

    def __init__(self) -> None:
        self._inside: list[_Inside] = []
        self._either: _Either | None = None

    def add(
        self,
        place: Place,
        name: str,
        config: Any,  # noqa: ANN401 (the message of any filter)
        unless: Predicate | None = None,
    ) -> None:
        """Add a filter to the chain. Requests that meet `unless` do not pass it.

        Raises ValueError if another policy has taken the place, which is a bug of ours.
        """
        if any(each.place is place for each in self._inside):
            raise ValueError(f"two policies have a filter at {place.name}")
        self._inside.append(_Inside(place, name, config, unless))
        self._inside.sort(key=lambda each: each.place)

    def either(
        self,
        passes: Predicate | None,
        name: str,
        beside: Any,  # noqa: ANN401 (the message of any filter)
        alone: Any,  # noqa: ANN401 (the message of any filter)
    ) -> None:
        """Let requests pass that meet a predicate, or else are authenticated.

        With a predicate of None, all requests are authenticated.
        The filter `name`, outside of the chain, is configured by `beside` on a route with
        authentication, and by `alone` on one without.
        """
        self._either = _Either(passes, name, beside, alone)

    def beside(self) -> Mapping[str, Any]:
        """Return the configurations of filters outside of the chain."""
        if self._either is None:
            return {}
        config = self._either.beside if self._authenticates else self._either.alone
        return {self._either.name: config}

    def inside(self) -> composite.CompositePerRoute | None:
        """Build the configuration of the Composite; None if there is no chain."""
        if not self._inside:
            return None
        return CompositePerRoute(matcher=first_of(self._cases(), _run(self._inside)))

    @property
    def _authenticates(self) -> bool:
        return any(each.place.authenticates for each in self._inside)

    def _cases(self) -> Iterator[tuple[Predicate, xds_matcher.MatcherOnMatch]]:
        """Yield the requests that pass only a part of the chain, with this part."""
        passes = self._either.passes if self._either else None
        if passes is not None and self._authenticates:
            yield passes, _run([each for each in self._inside if not each.place.authenticates])
        for one in self._inside:
            if one.unless is not None:
                yield one.unless, _run([each for each in self._inside if each is not one])


def _run(filters: Sequence[_Inside]) -> xds_matcher.MatcherOnMatch:
    """Run these filters. A Composite takes no other action: it would log an error each time."""
    return do(*((each.name, each.config) for each in filters or _NOTHING))
