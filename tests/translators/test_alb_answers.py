"""Rules about answers of the ALB dialect: `rule-direction.{service}`."""

import re
from typing import Any

import pytest

from tests.translators.alb_rules import WEB, blocks, read, told
from tests.translators.policies import filters_of
from translators.model.bounds import MAX_VALUES

ANSWERS = {"rule-direction.web": "Response"}


def insert(key: str, value: str, **more: object) -> dict[str, Any]:
    return {"type": "InsertHeader", "insertHeaderConfig": {"key": key, "value": value, **more}}


def remove(key: str) -> dict[str, Any]:
    return {"type": "RemoveHeader", "removeHeaderConfig": {"key": key}}


def status(*codes: str) -> dict[str, Any]:
    return {"type": "ResponseStatusCode", "responseStatusCodeConfig": {"values": list(codes)}}


def header(key: str, *values: str) -> dict[str, Any]:
    return {"type": "ResponseHeader", "responseHeaderConfig": {"key": key, "values": list(values)}}


def context(*, conditions: list[dict[str, Any]], actions: list[dict[str, Any]]) -> Any:  # noqa: ANN401 (JSON)
    """Return what the filter of answers is told of the route."""
    annotations = {**ANSWERS, "actions.web": blocks(*actions)}
    if conditions:
        annotations["conditions.web"] = blocks(*conditions)
    rules = read(WEB, annotations)
    assert rules.problems == ()
    (rule,) = rules.rules
    assert rule.conditions == ()
    return filters_of(rule)["fleetgate.answers"]["filter_context"]


def test_headers_of_answers_are_changed() -> None:
    actions = [insert("X-A", "1"), insert("x-b", "2", coverEnabled=False), remove("x-c")]
    assert context(conditions=[], actions=actions) == {
        "conditions": [],
        "remove": ["x-c"],
        "set": [{"name": "x-a", "value": "1"}],
        "absent": [{"name": "x-b", "value": "2"}],
    }


def wanted(*conditions: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    """Return what the filter of answers is told of the conditions."""
    return context(conditions=[*conditions], actions=[remove("x-c")])["conditions"]


def test_conditions_are_patterns_of_lua() -> None:
    assert wanted(status("404", "500"), header("X-Kind", "a.b*", "v?", "*-?é")) == [
        {"name": ":status", "values": [{"whole": "^404$"}, {"whole": "^500$"}]},
        {
            "name": "x-kind",
            "values": [
                {"head": "^a%.b", "tail": "^$", "before": 3, "behind": 0},
                {"whole": "^v.$"},
                {"head": "^", "tail": "^%-.%é$", "before": 0, "behind": 4},
            ],
        },
    ]


@pytest.mark.parametrize("text", ["*aaab", "aaab*", "a*b", "a.b+c-d*", "??*??"])
def test_no_pattern_of_lua_has_a_part_of_any_length(text: str) -> None:
    ((pattern,),) = ([*each["values"]] for each in wanted(header("a", text)))
    for part in (pattern["head"], pattern["tail"]):
        bare = re.sub("%.", "", part)
        assert not set(bare) & set("*+-"), "such a part is tried at each position of the value"


def test_values_of_a_type_are_bounded() -> None:
    names = [f"*{'a' * 10}{n:02}b" for n in range(MAX_VALUES)]
    half = MAX_VALUES // 2
    most = [header("x", *names[:half]), header("y", *names[half:])]
    codes = status(*map(str, range(400, 400 + MAX_VALUES)))
    told_of = wanted(*most, codes)
    assert [len(each["values"]) for each in told_of] == [half, half, MAX_VALUES]
    for more in (header("x", "1"), status("200")):
        conditions = blocks(*most, codes, more)
        rules = read(WEB, {**ANSWERS, "conditions.web": conditions})
        assert rules.rules == ()
        (problem,) = rules.problems
        assert problem.expected == f"at most {MAX_VALUES} values of a type"


@pytest.mark.parametrize("direction", ["Request", "request"])
def test_rules_are_about_requests_otherwise(direction: str) -> None:
    rules = read(WEB, {"rule-direction.web": direction, "actions.web": blocks(remove("x-c"))})
    assert rules.problems == ()
    assert rules.rules[0].policies == ()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        pytest.param("rule-direction.web", "Sideways", id="direction"),
        pytest.param("conditions.web", "[", id="json"),
        pytest.param("conditions.web", blocks(status("1000")), id="status"),
        pytest.param("conditions.web", blocks(header("a b", "1")), id="header"),
        pytest.param("conditions.web", blocks(header("a", "*x*")), id="two-runs"),
        pytest.param("conditions.web", blocks(header("a", "x" * 513)), id="long"),
        pytest.param(
            "conditions.web",
            blocks(header("a", *(f"{n}".rjust(512, "x") for n in range(9)))),
            id="long-together",
        ),
        pytest.param(
            "conditions.web",
            blocks({"type": "Header", "headerConfig": {"key": "a", "values": ["1"]}}),
            id="of-requests",
        ),
        pytest.param("actions.web", blocks(remove("content-length")), id="needed-header"),
        pytest.param("actions.web", blocks(insert("a", "b\r\nc: d")), id="two-lines"),
        pytest.param(
            "actions.web",
            blocks({"type": "Rewrite", "rewriteConfig": {"path": "/a"}}),
            id="action-of-requests",
        ),
    ],
)
def test_paths_whose_rules_cannot_be_read_are_not_served(key: str, text: str) -> None:
    rules = read(WEB.path("/a", to="a:80"), {**ANSWERS, key: text})
    assert [str(rule.path) for rule in rules.rules] == ["Prefix /a"]
    assert told(rules) == [("InvalidAnnotation", key, "paths to web are not served")]
