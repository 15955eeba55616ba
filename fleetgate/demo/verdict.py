"""Whether what came back is what a document promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleetgate.demo.load import Tally

TOLERANCE: Final = 4.0
"""Points by which a share may be off; 2000 requests are off by more once in 10^8 at 10 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """One sort of answer: its share and the promised one, in percent of all requests."""

    env: str
    came: float
    promised: float

    @property
    def held(self) -> bool:
        """All and none are promised strictly, anything between within the tolerance."""
        exactly = self.promised in {0.0, 100.0}
        return (
            self.came == self.promised if exactly else abs(self.came - self.promised) <= TOLERANCE
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one question, beside what was promised."""

    shares: tuple[Share, ...]
    tally: Tally

    @property
    def held(self) -> bool:
        """Every share is right and every request was answered."""
        return not self.tally.failures and all(share.held for share in self.shares)


def judge(tally: Tally, promised: Mapping[str, float]) -> Verdict:
    """Compare answers with promises; what was not promised is promised to be none."""
    came = {env_of(line): tally.share(line) for line in sorted(tally.lines)}
    shares = [
        Share(env, came.get(env, 0.0), promised.get(env, 0.0))
        for env in (*promised, *(env for env in came if env not in promised))
    ]
    return Verdict(tuple(shares), tally)


def env_of(line: str) -> str:
    """Give the ENV_NAME that an answer's first line shows, or the line if it is another's."""
    return line.removeprefix("This is env ").removesuffix(" !")
