"""The annotation `rule-direction.{service}`: whether rules concern requests, or their answers."""

from collections.abc import Iterator
from typing import Final

from translators.dialects.annotations.reader import Key, Reader, alb
from translators.dialects.annotations.values import one_of

DIRECTION: Final = alb(
    "rule-direction.",
    "`Response`: the conditions and actions of the Service NAME are about the answers of its paths",
    default="`Request`",
    example="web Response",
    family=True,
)

_RESPONSE: Final = "response"


def of_services(reader: Reader, family: Key) -> Iterator[tuple[Key, str]]:
    """Yield the annotations of a family that concern requests, each with its Service."""
    answering = set(of_answers(reader))
    for key, name in members(reader, family):
        if name not in answering:
            yield key, name


def of_answers(reader: Reader) -> Iterator[str]:
    """Yield the Services whose conditions and actions concern answers, or may do so."""
    for key, name in members(reader, DIRECTION):
        _, text = reader.written(key)
        if text.lower() != "request":
            yield name


def not_served(name: str) -> str:
    """Return the effect of an annotation of a Service that cannot be used."""
    return f"paths to {name} are not served"


def direction(text: str) -> str:
    """Read a direction."""
    return one_of("request", _RESPONSE)(text.lower())


def members(reader: Reader, family: Key) -> Iterator[tuple[Key, str]]:
    """Yield the annotations of a family, each with its Service."""
    for key in (*reader.members(family), *reader.unread_members(family)):
        yield key, key.name.removeprefix(family.name)
