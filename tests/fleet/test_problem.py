"""A problem's message is one sentence: key, value, what was expected, and the effect."""

from dataclasses import replace
from itertools import permutations

import pytest

from fleet.problem import Problem, Severity, in_order
from fleet.ref import HUB, Ref

SECRET = Ref(HUB, "Secret", "default", "east")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        pytest.param("spec.host", "a_b", "spec.host: 'a_b' (expected x)", id="both"),
        pytest.param("data.kubeconfig", "", "data.kubeconfig (expected x)", id="hidden-value"),
        pytest.param("", "east", "'east' (expected x)", id="no-key"),
        pytest.param("", "", "the object (expected x)", id="object"),
        pytest.param("key", "v" * 121, f"key: '{'v' * 117}...' (expected x)", id="long-value"),
    ],
)
def test_the_sentence_shows_what_there_is(key: str, value: str, said: str) -> None:
    assert Problem(SECRET, "InvalidMember", key, value, "x").message == said


def test_what_follows_comes_last() -> None:
    problem = Problem(SECRET, "InvalidMember", "key", "", "x", "it is not used")

    assert problem.message == "key (expected x); it is not used"


def test_the_order_is_that_of_the_fields() -> None:
    first = Problem(SECRET, "A", "a", "a", "a", "a")
    problems = [
        first,
        replace(first, at=SECRET._replace(name="west")),
        replace(first, reason="B"),
        replace(first, key="b"),
        replace(first, value="b"),
        replace(first, expected="b"),
        replace(first, effect="b"),
        replace(first, because=(first,)),
        replace(first, severity=Severity.HINT),
    ]
    for some in permutations(problems, 3):
        assert in_order(some) == tuple(sorted(some))
