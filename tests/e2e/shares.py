"""Shares of members in the answers to requests."""

from collections import Counter
from collections.abc import Mapping

from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import try_times


async def shares(address: Address, question: Question, n: int = 2000) -> Mapping[str, float]:
    """Send requests, and return the percentages by member, or by status."""
    answers = await try_times(address, question, n)
    counted = Counter(a.headers.get("x-member", str(a.status)) for a in answers)
    return {member: 100 * count / n for member, count in counted.items()}
