"""The annotations that the ALB dialect knows, but that have no effect."""

from collections.abc import Iterable, Iterator
from typing import Final

from translators.dialects.annotations.reader import ALB, NGINX, Key, alb
from translators.dialects.annotations.unsupported import Unsupported, Without, rows
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

ALB_UNSUPPORTED: Final[tuple[Unsupported, ...]] = (
    *rows(
        alb,
        Without.TUNING,
        "backend-keepalive",
        reason="Envoy keeps connections to Pods open by itself",
    ),
)

_ON_ALB: Final = {Without.CLOSED: Without.OPEN, Without.TUNING: Without.TUNING}


def of_nginx_alone(carried_out: Iterable[Key]) -> Iterator[Unsupported]:
    """Yield annotations that NGINX Ingress knows and ALB does not.

    They may be meant for another controller, so only those that restrict access are reported.
    `carried_out` are the keys that have an effect in the MSE dialect.
    """
    known = {spelling for row in ALB_UNSUPPORTED for spelling in row.key.spellings}
    effective = (
        Unsupported(key, Without.CLOSED if key.restricts else Without.OTHERS)
        for key in carried_out
        if ALB not in key.prefixes
    )
    for row in (*MSE_UNSUPPORTED, *effective):
        spelling = NGINX + row.key.name
        if spelling in row.key.spellings and spelling not in known:
            otherwise = _ON_ALB.get(row.otherwise, Without.OTHERS)
            yield Unsupported(Key(row.key.name, (NGINX,)), otherwise, row.family)
