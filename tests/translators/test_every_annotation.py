"""Every annotation of MSE and NGINX Ingress has an effect, or a reason why it has none.

The documentation has a meaning and an example for each annotation of all dialects.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from fleet.ref import HUB, Ref
from tests.support.annotations import OWN, SHARED, example, examples
from translators.dialects.alb.features import FEATURES as ALB_FEATURES
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import HIGRESS, MSE, NGINX, Key
from translators.dialects.annotations.unsupported import Unsupported
from translators.dialects.mse.features import FEATURES, read_features
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED


def _spellings() -> Iterator[tuple[str, tuple[str, ...]]]:
    for table, prefixes in ((SHARED, (NGINX, MSE, HIGRESS)), (OWN, (MSE, HIGRESS))):
        for topic, names in table.items():
            for name in names.split():
                yield f"{topic}-{name}", tuple(prefix + name for prefix in prefixes)


ANNOTATIONS: Final = dict(_spellings())


@pytest.mark.parametrize("spellings", ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_an_annotation_has_an_effect_or_a_reason_why_it_has_none(
    spellings: tuple[str, ...],
) -> None:
    for spelling in spellings:
        assert _carried_out(spelling) or any(_explains(row, spelling) for row in MSE_UNSUPPORTED)


def _carried_out(spelling: str) -> bool:
    keys = (key for feature in FEATURES for key in feature.keys)
    return any(_is(key, spelling, family=key.family) for key in keys)


def _explains(row: Unsupported, spelling: str) -> bool:
    return _is(row.key, spelling, family=row.family) and bool(row.reason)


def _is(key: Key, spelling: str, *, family: bool) -> bool:
    return spelling.startswith(key.spellings) if family else spelling in key.spellings


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, id=key.spellings[-1])
        for key in dict.fromkeys(k for f in (*FEATURES, *ALB_FEATURES) for k in f.keys)
    ],
)
def test_an_annotation_with_an_effect_has_a_meaning_and_an_example(key: Key) -> None:
    assert key.meaning
    assert key.example


@pytest.mark.parametrize("feature", [pytest.param(each, id=each.name) for each in FEATURES])
def test_the_examples_of_a_feature_have_no_problem(feature: Feature) -> None:
    _, problems = read_features(Ref(HUB, "Ingress", "default", "any"), examples(feature))
    assert problems == ()


@pytest.mark.parametrize(
    "text", ["a\x01b", "\ud800", "x" * 100_000], ids=["control", "half", "long"]
)
@pytest.mark.parametrize(
    ("feature", "key"), [pytest.param(f, k, id=k.name) for f in FEATURES for k in f.keys]
)
def test_an_unusable_value_is_a_problem_whatever_stands_beside_it(
    feature: Feature, key: Key, text: str
) -> None:
    spelling, _ = example(key)
    annotations = {**examples(feature), spelling: text}
    _, problems = read_features(Ref(HUB, "Ingress", "default", "any"), annotations)
    assert spelling in {problem.key for problem in problems}
