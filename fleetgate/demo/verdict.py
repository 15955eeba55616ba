"""The comparison of answers with the promises of a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleetgate.demo.load import Tally

TOLERANCE: Final = 4.0
"""The percentage points by which a share may differ from its promise.

With 2000 requests, a true share of 10 % differs by more once in 10^8 times.
"""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one sort of answer and its promised share, in percent of all requests."""

    env: str
    came: float
    promised: float

    @property
    def held(self) -> bool:
        """Whether the share is as promised: exactly for 0 and 100 %, within TOLERANCE otherwise."""
        exactly = self.promised in {0.0, 100.0}
        return (
            self.came == self.promised if exactly else abs(self.came - self.promised) <= TOLERANCE
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The shares of all sorts of answers to one request, and their counts."""

    shares: tuple[Share, ...]
    tally: Tally

    @property
    def held(self) -> bool:
        """Whether every share is as promised, and no request has failed."""
        return not self.tally.failures and all(share.held for share in self.shares)


def judge(tally: Tally, promised: Mapping[str, float]) -> Verdict:
    """Compare answers with promises. Sorts of answers without a promise should not occur."""
    came = {env_of(line): tally.share(line) for line in sorted(tally.lines)}
    shares = [
        Share(env, came.get(env, 0.0), promised.get(env, 0.0))
        for env in (*promised, *(env for env in came if env not in promised))
    ]
    return Verdict(tuple(shares), tally)


def env_of(line: str) -> str:
    """Return the ENV_NAME in an answer's first line, or the whole line where it has none."""
    return line.removeprefix("This is env ").removesuffix(" !")
