"""Annotations that narrow rules, and the paths that close where one of them is unusable."""

from typing import Any

import pytest

from fleet.ref import HUB, Ref
from tests.translators.plans import HIGRESS, MSE, NGINX, ingress_with, plan, problems
from translators.dialects.annotations.closed import CLOSED
from translators.dialects.mse.features import read_features
from translators.envoy.routes import encode_route
from translators.model.bounds import (
    MAX_CONDITION_TEXT,
    MAX_CONDITIONS,
    MAX_INSTRUCTIONS_OF_HOST,
    MAX_RULES_OF_PATH,
)
from translators.model.conditions import Condition, Text, Where
from translators.model.paths import Path, PathKind
from xds.readable import readable

ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"
NARROWED = "its paths are answered with 503"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
STAGE = f"{MSE}exact-match-header-x-stage"


def web(annotations: dict[str, str], name: str = "web", created: str = OLD) -> Any:  # noqa: ANN401
    """Make an Ingress with one path."""
    path = f"Prefix /a to {name}:80"
    return ingress_with(name, path, annotations=annotations, created=created)


def match(annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Return the match of the route of an Ingress with one path."""
    (rule,) = plan(web(annotations)).rules
    return readable(ROUTE, encode_route(rule))["match"]


@pytest.mark.parametrize(
    ("key", "value", "condition"),
    [
        pytest.param(
            f"{MSE}match-method",
            "post, GET GET",
            Condition(Where.METHOD, "", (Text("GET"), Text("POST"))),
            id="method",
        ),
        pytest.param(
            f"{HIGRESS}exact-match-header-X-Stage",
            "Gray one",
            Condition(Where.HEADER, "x-stage", (Text("Gray one"),)),
            id="header",
        ),
        pytest.param(
            f"{MSE}prefix-match-header-x",
            "a.",
            Condition(Where.HEADER, "x", (Text("a.", prefix=True),)),
            id="prefix-of-a-header",
        ),
        pytest.param(
            f"{MSE}exact-match-query-V",
            "é 1",
            Condition(Where.QUERY, "V", (Text("é 1"),)),
            id="query",
        ),
        pytest.param(
            f"{MSE}exact-match-pseudo-header-authority",
            "a.test",
            Condition(Where.HEADER, ":authority", (Text("a.test"),)),
            id="pseudo-header",
        ),
    ],
)
def test_an_annotation_narrows_every_rule(key: str, value: str, condition: Condition) -> None:
    made = ingress_with(
        "w", "Exact /a to s:80", "Prefix /b to s:80", default="s:80", annotations={key: value}
    )
    assert {rule.conditions for rule in plan(made).everything} == {(condition,)}
    assert problems(made) == []


def test_a_pattern_is_for_the_whole_value() -> None:
    (rule,) = plan(web({f"{MSE}regex-match-header-x": "[0-9]+"})).rules
    ((condition,),) = (rule.conditions,)
    (text,) = condition.values
    assert (text.value, text.regex) == ("(?:[0-9]+)", True)
    assert text.instructions > 0


def test_the_match_of_a_narrowed_rule() -> None:
    made = match(
        {
            f"{MSE}match-method": "GET HEAD",
            f"{MSE}prefix-match-header-a": "1",
            f"{MSE}regex-match-header-b": "x|y",
            f"{MSE}exact-match-query-c": "2",
            f"{MSE}prefix-match-query-d": "a b",
            f"{MSE}prefix-match-pseudo-header-path": "/a/b",
        }
    )
    headers = {each["name"]: each["string_match"] for each in made["headers"]}
    assert headers[":method"] == {"safe_regex": {"regex": "(?:GET|HEAD)"}}
    assert headers["a"] == {"prefix": "1"}
    assert headers["b"] == {"safe_regex": {"regex": "(?:x|y)"}}
    assert headers[":path"] == {"prefix": "/a/b"}
    queries = {each["name"]: each["string_match"] for each in made["query_parameters"]}
    assert queries["c"] == {"exact": "2"}
    assert queries["d"] == {"safe_regex": {"regex": "a(?:\\+|%20)b.*"}}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("match-method", "GET/", id="no-method"),
        pytest.param("match-method", ",", id="no-methods"),
        pytest.param("match-method", " ".join(f"M{'A' * n}" for n in range(20)), id="many-methods"),
        pytest.param("exact-match-header-x_y", "1", id="header-that-requests-lose"),
        pytest.param("exact-match-header-x", "a\u0001", id="control-character"),
        pytest.param("exact-match-header-x", "a" * 600, id="huge"),
        pytest.param("regex-match-header-x", "(", id="pattern"),
        pytest.param("regex-match-query-x", "[ab]{190}{2}", id="huge-pattern"),
        pytest.param("exact-match-pseudo-header-x", "1", id="unknown-pseudo-header"),
        pytest.param("full-path-regex", "treu", id="full-path"),
    ],
)
def test_an_unusable_condition_closes_the_paths_and_is_told(key: str, value: str) -> None:
    made = web({f"{MSE}{key}": value})
    (rule,) = plan(made).rules
    assert (rule.action, rule.restricted) == (CLOSED, True)
    (problem,) = problems(made)
    assert (problem.key, problem.effect) == (f"{MSE}{key}", NARROWED)


@pytest.mark.parametrize("key", ["match-method", "exact-match-header-x", "full-path-regex"])
def test_a_condition_whose_value_is_no_text_closes_the_paths(key: str) -> None:
    made = web({})
    wanted, _ = read_features(Ref(HUB, "Ingress", "default", "web"), {}, [f"{HIGRESS}{key}"])
    (rule,) = plan(made).rules
    for change in wanted.changes:
        rule = change(rule)
    assert rule.action == CLOSED


def test_one_usable_spelling_is_enough() -> None:
    made = web({STAGE: "a\u0001", f"{HIGRESS}exact-match-header-x-stage": "gray"})
    (rule,) = plan(made).rules
    assert rule.conditions == (Condition(Where.HEADER, "x-stage", (Text("gray"),)),)
    assert rule.action != CLOSED


def test_too_many_conditions_close_the_paths() -> None:
    some = {f"{MSE}exact-match-header-x{n:02}": "1" for n in range(MAX_CONDITIONS - 1)}
    (rule,) = plan(web(some)).rules
    assert len(rule.conditions) == MAX_CONDITIONS - 1
    (rule,) = plan(web({**some, f"{MSE}exact-match-header-x99": "1"})).rules
    assert rule.action == CLOSED


def test_values_of_conditions_are_bounded_together() -> None:
    long = {f"{MSE}exact-match-query-x{n}": "!" * 512 for n in range(8)}
    (rule,) = plan(web(long)).rules
    assert sum(condition.size for condition in rule.conditions) == MAX_CONDITION_TEXT
    assert rule.action != CLOSED
    one_more = web({**long, f"{MSE}regex-match-header-y": "a"})
    (rule,) = plan(one_more).rules
    assert rule.action == CLOSED
    (problem,) = problems(one_more)
    assert problem.effect == NARROWED
    assert problem.expected == (
        f"at most {MAX_CONDITION_TEXT} bytes in all conditions of an Ingress together"
    )


@pytest.mark.parametrize(
    ("annotations", "path", "kind", "value"),
    [
        pytest.param({f"{MSE}full-path-regex": "true"}, "/a", PathKind.REGEX, "(?:/a)", id="whole"),
        pytest.param(
            {f"{MSE}full-path-regex": "1", f"{HIGRESS}ignore-path-case": "1"},
            "/a",
            PathKind.REGEX,
            "(?i:/a)",
            id="whole-in-any-case",
        ),
        pytest.param(
            {f"{MSE}ignore-path-case": "true", f"{NGINX}use-regex": "true"},
            "/a",
            PathKind.REGEX,
            "(?i:/a).*",
            id="regex-in-any-case",
        ),
        pytest.param({f"{MSE}full-path-regex": "true"}, "/", PathKind.REGEX, "(?:/)", id="root"),
    ],
)
def test_patterns_of_whole_paths(
    annotations: dict[str, str], path: str, kind: PathKind, value: str
) -> None:
    made = ingress_with("w", f"Prefix {path} to s:80", annotations=annotations)
    (rule,) = plan(made).rules
    assert (rule.path.kind, rule.path.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("Exact /A", Path(PathKind.EXACT, "/A", ignore_case=True), id="exact"),
        pytest.param("Prefix /a", Path(PathKind.PREFIX, "/a", ignore_case=True), id="prefix"),
        pytest.param("Prefix /1", Path(PathKind.PREFIX, "/1"), id="without-letters"),
        pytest.param("Prefix /", Path(PathKind.PREFIX, "/"), id="everything"),
    ],
)
def test_the_case_of_a_path_can_be_ignored(text: str, path: Path) -> None:
    made = ingress_with("w", f"{text} to s:80", annotations={f"{MSE}ignore-path-case": "true"})
    (rule,) = plan(made).rules
    assert rule.path == path
    encoded: Any = readable(ROUTE, encode_route(rule))["match"]
    assert encoded.get("case_sensitive") == (False if path.ignore_case else None)


def test_rules_with_more_conditions_are_asked_first_and_do_not_conflict() -> None:
    two = {STAGE: "gray", f"{MSE}match-method": "GET"}
    made = (
        web({}, "none", OLD),
        web({STAGE: "gray"}, "one", NEW),
        web({STAGE: "blue"}, "other", OLD),
        web(two, "two", NEW),
    )
    assert [rule.origin.name for rule in plan(*made).rules] == ["two", "other", "one", "none"]
    assert problems(*made) == []


def test_equal_conditions_in_another_spelling_conflict() -> None:
    old = web({f"{MSE}exact-match-header-A": "1", f"{MSE}exact-match-header-b": "2"}, "old")
    new = web(
        {f"{HIGRESS}exact-match-header-b": "2", f"{HIGRESS}exact-match-header-a": "1"}, "new", NEW
    )
    assert [rule.origin.name for rule in plan(old, new).rules] == ["old"]
    assert [problem.reason for problem in problems(old, new)] == ["Conflict"]


GRAY = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "x-c"}


@pytest.mark.parametrize(
    ("own", "joined"),
    [
        pytest.param({}, ["one", "none"], id="without-conditions-all"),
        pytest.param({STAGE: "gray"}, ["one"], id="with-conditions-the-same"),
        pytest.param({STAGE: "blue"}, [], id="with-others-none"),
        pytest.param({f"{MSE}match-method": "?"}, [], id="unusable-none"),
    ],
)
def test_a_canary_joins_the_main_rules_of_its_conditions(
    own: dict[str, str], joined: list[str]
) -> None:
    mains = (web({}, "none"), web({STAGE: "gray"}, "one"))
    gray = ingress_with("gray", "Prefix /a to gray:80", annotations={**GRAY, **own})
    found = [
        "one" if any(condition.name == "x-stage" for condition in rule.conditions) else "none"
        for rule in plan(*mains, gray).rules
        if rule.origin.name == "gray"
    ]
    assert found == joined


def test_a_path_has_so_many_rules_with_conditions() -> None:
    many = [web({STAGE: str(n)}, f"w{n:03}", OLD) for n in range(MAX_RULES_OF_PATH + 1)]
    assert len(plan(*many).rules) == MAX_RULES_OF_PATH
    (problem,) = plan(*many).problems
    assert (problem.at.name, problem.reason) == (f"w{MAX_RULES_OF_PATH:03}", "TooManyRules")


def test_patterns_of_conditions_count_on_a_host() -> None:
    key = f"{MSE}regex-match-header-x"
    many = [web({key: f"[ab]{{180}}{n}"}, f"w{n:03}", OLD) for n in range(40)]
    planned = plan(*many)
    cost = sum(c.instructions for rule in planned.rules for c in rule.conditions)
    assert 0 < cost <= MAX_INSTRUCTIONS_OF_HOST
    assert len(planned.rules) < len(many)
    assert {problem.reason for problem in planned.problems} == {"TooManyPatterns"}
