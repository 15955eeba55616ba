"""The table for users of NGINX Ingress: each of its annotations, and what becomes of it here."""

from collections.abc import Iterator
from typing import NamedTuple

from translators.dialects.annotations.reader import NGINX, Key
from translators.dialects.annotations.unsupported import Unsupported, Without
from translators.dialects.mse.features import FEATURES
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED


class Row(NamedTuple):
    """One annotation: whether it is the same here, and what a user should know of it."""

    annotation: str
    here: str
    more: str


def migration_rows() -> tuple[Row, ...]:
    """Return a row for each annotation of NGINX Ingress, in alphabetical order."""
    carried = {key.name: key for feature in FEATURES for key in feature.keys if _is_nginx(key)}
    return tuple(sorted([*map(_carried_out, carried.values()), *_not_carried_out(carried)]))


def _carried_out(key: Key) -> Row:
    return Row(key.name, "differs" if key.differs else "alike", key.differs)


def _not_carried_out(carried: dict[str, Key]) -> Iterator[Row]:
    for row in MSE_UNSUPPORTED:
        if _is_nginx(row.key) and row.key.name not in carried:
            name = f"{row.key.name}NAME" if row.family else row.key.name
            here = "not needed" if row.otherwise is Without.TUNING else "not there"
            yield Row(name, here, "; ".join(_explanation(row)))


def _explanation(row: Unsupported) -> Iterator[str]:
    if row.otherwise is Without.CLOSED:
        yield row.otherwise.value
    if row.reason:
        yield row.reason
    if row.instead:
        yield f"instead: {row.instead}"


def _is_nginx(key: Key) -> bool:
    return NGINX in key.prefixes
