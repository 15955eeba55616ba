"""The annotations `proxy-next-upstream`, `-tries` and `-timeout`: what is tried again, how often.

They concern requests that a backend may have acted on. A request that no backend has seen is tried
again without them; only `off`, and 0 tries, switch that off too.
"""

import re
from typing import Final, NamedTuple

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.dialects.annotations.values import YEAR, integer, seconds
from translators.model.policy import Policy
from translators.policies.retries import Retries

WORDS: Final = shared(
    "proxy-next-upstream",
    "failures after which a request is sent to another Pod: `error`, `timeout`, `invalid_header` "
    "(each of them: no answer came), `http_NNN` (that answer came); `non_idempotent` adds POST, "
    "PATCH and LOCK; `off` switches all retries off; requests that no Pod has seen are tried again "
    "in any case but `off`",
    default="`error timeout`",
    differs="a request that no Pod has processed is tried again in any case but `off`",
    example="error http_503",
)

TRIES: Final = shared(
    "proxy-next-upstream-tries",
    "the most retries of a request for the failures of `proxy-next-upstream`; `0` switches all "
    "retries off; 3 if that names an answer",
    default="3",
    differs="a request that no Pod has processed is tried again more often",
    example="2",
)

EACH: Final = shared(
    "proxy-next-upstream-timeout",
    "seconds that one try may take; `0` is no limit; POST, PATCH and LOCK get 504 then, unless "
    "`non_idempotent` is named",
    default="no limit",
    differs="for each try, not for all together",
    example="5",
)

_SEPARATOR: Final = re.compile(r"[\s,]+")

_STATUS: Final = re.compile(r"http_([45][0-9]{2})")

_UNANSWERED: Final = frozenset({"error", "timeout", "invalid_header"})

_OFF: Final = "off"

_EVERY_METHOD: Final = "non_idempotent"

_TRIES_OF_ANSWERS: Final = 3


class _Failures(NamedTuple):
    off: bool
    unanswered: bool
    statuses: tuple[int, ...]
    every_method: bool


_DEFAULT: Final = _Failures(off=False, unanswered=True, statuses=(), every_method=False)


def parse(reader: Reader) -> Found[Policy] | None:
    """Read the three annotations; None if there is none that can be used."""
    words = reader.find(WORDS, _failures, "the default, error timeout, holds")
    tries = reader.find(TRIES, integer(0, 100))
    each = reader.find(EACH, seconds(0, YEAR))
    first = words or tries or each
    if first is None:
        return None
    failures = words.value if words else _DEFAULT
    most = tries.value if tries else _TRIES_OF_ANSWERS if failures.statuses else None
    policy = Retries(
        failures.unanswered,
        failures.statuses,
        failures.every_method,
        0 if failures.off else most,
        (each.value if each else None) or None,
    )
    return Found(first.spelling, first.text, policy)


def _failures(text: str) -> _Failures:
    words = frozenset(filter(None, _SEPARATOR.split(text)))
    statuses = {word: found for word in words if (found := _STATUS.fullmatch(word))}
    if words - _UNANSWERED - statuses.keys() - {_OFF, _EVERY_METHOD}:
        raise Unusable("words among error, timeout, invalid_header, http_NNN, non_idempotent, off")
    return _Failures(
        off=_OFF in words,
        unanswered=bool(words & _UNANSWERED),
        statuses=tuple(sorted(int(found[1]) for found in statuses.values())),
        every_method=_EVERY_METHOD in words,
    )


FEATURE: Final = policy_feature("Retries", (WORDS, TRIES, EACH), parse)
