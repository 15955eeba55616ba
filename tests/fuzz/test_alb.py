"""Whatever Ingresses and listeners of ALB say, a real Envoy takes them, and serves others."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from pydantic import AliasChoices

from fleet.models import POSITION, Model
from tests.fuzz.alb import FIXED, KEYS, SINGLES, AlbIngresses, spellings
from tests.fuzz.listeners import listeners
from tests.fuzz.questions import Way
from tests.fuzz.stand import BATCH, alb, tried_out
from translators.dialects.alb.objects import AlbListener

Json = Any

SEED: Final = 20261130

NUMBERS: Final = (*range(len(SINGLES)), *range(len(FIXED), len(FIXED) + 400))


@pytest.mark.usefixtures("real_envoy")
@pytest.mark.timeout(300)
def test_nothing_of_alb_disturbs_envoy_or_another_ingress(tmp_path: Path) -> None:
    """The Ingresses have each annotation, condition and action, and random combinations."""
    tried = asyncio.run(tried_out(tmp_path, alb(SEED), NUMBERS))

    assert not tried.findings, "\n\n".join(map(str, tried.findings))
    assert tried.reasons >= {"InvalidAnnotation", "InvalidBackend", "InvalidField", "NotSupported"}
    assert tried.answers[Way.CLEAR] > 3 * len(NUMBERS) - BATCH
    assert tried.answers.keys() == {*Way}


def test_every_annotation_of_the_dialect_is_among_the_random_ones() -> None:
    made = AlbIngresses(SEED)
    met = Counter(
        key
        for number in range(len(FIXED), len(FIXED) + 2000)
        for manifest in made.make(number).manifests
        for key in manifest["metadata"].get("annotations", {})
    )
    for key in KEYS:
        for spelling in spellings(key):
            found = sum(n for name, n in met.items() if name.startswith(spelling))
            assert found > 20, spelling


def test_every_field_of_a_listener_is_among_the_random_ones() -> None:
    met = set(_names([listeners(SEED, batch) for batch in range(100)]))
    assert {*_fields(AlbListener)} <= met


def _fields(model: type[Model]) -> Iterator[str]:
    """Yield the fields of a model and of those below, as manifests spell them."""
    for field in model.model_fields.values():
        either = field.validation_alias
        spellings = either.choices if isinstance(either, AliasChoices) else (field.alias,)
        yield from (str(each) for each in spellings if each != POSITION)
        for below in (field.annotation, *get_args(field.annotation)):
            if isinstance(below, type) and issubclass(below, Model):
                yield from _fields(below)


def _names(node: Json) -> Iterator[str]:
    """Yield all keys of a JSON value."""
    if isinstance(node, dict):
        yield from node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _names(each)
