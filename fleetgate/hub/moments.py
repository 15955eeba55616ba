"""Moments as Leases have them: texts by the clock of this host."""

from datetime import UTC, datetime


def now_text() -> str:
    """Return the time as a Lease's `renewTime` has it. Such texts sort as their times do."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def age(moment: str) -> float:
    """Return the seconds since a moment, infinity for a text that is none."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    except ValueError:
        return float("inf")
