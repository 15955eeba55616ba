"""The annotation `proxy-body-size` bounds the body of a request."""

import pytest

from tests.translators.plans import NGINX, ingress_with, plan, problems
from translators.policies.body_size import BodySize

KEY = f"{NGINX}proxy-body-size"


def size(value: str) -> list[int]:
    (rule,) = plan(ingress_with("shop", "Exact /a to s:80", annotations={KEY: value})).rules
    return [each.most for each in rule.policies if isinstance(each, BodySize)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("1000", [1000], id="bytes"),
        pytest.param("1k", [1024], id="k"),
        pytest.param("8m", [8 * 1024**2], id="m"),
        pytest.param("8M", [8 * 1024**2], id="capital"),
        pytest.param("2g", [2 * 1024**3], id="g"),
        pytest.param("0", [], id="none"),
        pytest.param("0m", [], id="none-with-a-unit"),
        pytest.param("", [], id="empty"),
    ],
)
def test_a_size(value: str, expected: list[int]) -> None:
    assert size(value) == expected
    assert problems(ingress_with("shop", "Exact /a to s:80", annotations={KEY: value})) == []


@pytest.mark.parametrize(
    "value", ["1mb", "1 m", "-1", "1.5m", "m", "1t", "9" * 15 + "g", "9" * 40, "1\n2", "%", "8m;"]
)
def test_a_size_that_cannot_be_used_is_no_limit(value: str) -> None:
    assert size(value) == []
    (problem,) = problems(ingress_with("shop", "Exact /a to s:80", annotations={KEY: value}))
    assert (problem.reason, problem.effect) == (
        "InvalidAnnotation",
        "bodies of every size are accepted",
    )
