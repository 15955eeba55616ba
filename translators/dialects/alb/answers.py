"""Rules about answers: headers that are written or removed, by the status and other headers.

Paths to a Service whose rules about answers cannot be read are not served, like those with rules
about requests.
"""

from functools import partial
from typing import Final

from translators.dialects.alb.actions import (
    ACTIONS,
    CANARY_ACTION,
    MAIN_HOLDS,
    Asked,
    insert,
    remove,
)
from translators.dialects.alb.blocks import Fields, as_a_whole, read_blocks
from translators.dialects.alb.conditions import CONDITIONS
from translators.dialects.alb.direction import DIRECTION, direction, members, not_served, of_answers
from translators.dialects.annotations.feature import Feature, Wanted, with_policy
from translators.dialects.annotations.reader import Key, Reader, Unusable
from translators.dialects.annotations.values import field_name, integer, printable
from translators.model.bounds import MAX_CONDITION_TEXT, MAX_MATCHED, MAX_VALUES
from translators.policies.answers import AnswerCondition, AnswerHeaders
from translators.policies.headers import HeaderEdits

_MOST_RUNS: Final = 1
"""Runs of any length in a value. The cost of more would grow with a power of the length."""

_STATUS: Final = ":status"


def read(reader: Reader, wanted: Wanted) -> None:
    """Change the answers of each Service that has such rules."""
    for key, name in members(reader, DIRECTION):
        effect = not_served(name)
        if reader.read(key, direction, effect) is None:
            wanted.of_service(name).served = False
    for name in of_answers(reader):
        effect = not_served(name)
        of = wanted.of_service(name)
        conditions: tuple[AnswerCondition, ...] = ()
        edits = HeaderEdits()
        if _has(reader, key := Key(CONDITIONS.name + name, CONDITIONS.prefixes)):
            found = reader.read(key, as_a_whole(_conditions), effect)
            conditions, of.served = found or (), of.served and found is not None
        if _has(reader, key := Key(ACTIONS.name + name, ACTIONS.prefixes)):
            asked = reader.find(key, as_a_whole(_actions), effect)
            edits, of.served = asked.value if asked else edits, of.served and asked is not None
            if asked and wanted.split is not None:
                expected = f"no {DIRECTION.name}{name} beside it, since this is a canary"
                reader.note(asked, CANARY_ACTION, expected, f"no effect: {MAIN_HOLDS}")
        if edits != HeaderEdits():
            of.changes.append(partial(with_policy, policy=AnswerHeaders(conditions, edits)))


def _has(reader: Reader, key: Key) -> bool:
    return reader.has(key) or reader.is_unread(key)


def _conditions(text: str) -> tuple[AnswerCondition, ...]:
    conditions = tuple(map(_condition, read_blocks(text)))
    for are_codes in (True, False):
        of_type = [each for each in conditions if (each.header == _STATUS) is are_codes]
        if sum(len(each.values) for each in of_type) > MAX_VALUES:
            raise Unusable(f"at most {MAX_VALUES} values of a type")
    if sum(len(text.encode()) for each in conditions for text in each.values) > MAX_CONDITION_TEXT:
        raise Unusable(f"values of at most {MAX_CONDITION_TEXT} bytes together")
    return conditions


def _condition(block: Fields) -> AnswerCondition:
    kind = block.text("type").lower()
    if kind == "responsestatuscode":
        codes = block.part("responseStatusCodeConfig").texts("values")
        return AnswerCondition(_STATUS, tuple(str(integer(100, 599)(code)) for code in codes))
    if kind != "responseheader":
        raise Unusable("one of the types ResponseStatusCode and ResponseHeader")
    config = block.part("responseHeaderConfig")
    return AnswerCondition(
        field_name(config.text("key")), tuple(map(_value, config.texts("values")))
    )


def _value(text: str) -> str:
    """Read a value with wildcards."""
    if text.count("*") > _MOST_RUNS or len(printable(text).encode()) > MAX_MATCHED:
        raise Unusable(f"values of at most {MAX_MATCHED} bytes, with one * at most")
    return text


def _actions(text: str) -> HeaderEdits:
    asked = Asked("")
    for block in read_blocks(text):
        match block.text("type").lower():
            case "insertheader":
                insert(block.part("insertHeaderConfig"), asked)
            case "removeheader":
                remove(block.part("removeHeaderConfig"), asked)
            case _:
                raise Unusable("one of the types InsertHeader and RemoveHeader for answers")
    return asked.edits


FEATURE: Final = Feature("Rules about answers", (DIRECTION,), read)
