"""The two variants of the protocol, and what tells them apart on a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xds.delta import DeltaSubscription
from xds.discovery import Request, parse_delta, parse_sotw
from xds.snapshot import Snapshot
from xds.sotw import SotwSubscription
from xds.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant.

    `ignores_stale` says that a request with a stale nonce changes no subscription: over
    state-of-the-world the next request repeats all names, over delta it does not.
    """

    name: str
    parse: Callable[[bytes, int], Request]
    subscription: Callable[[str, Snapshot, str], Subscription]
    ignores_stale: bool


DELTA: Final = Variant("delta", parse_delta, DeltaSubscription, ignores_stale=False)
SOTW: Final = Variant("sotw", parse_sotw, SotwSubscription, ignores_stale=True)
