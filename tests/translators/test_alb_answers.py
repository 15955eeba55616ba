"""Rules about answers of the ALB dialect: `rule-direction.{service}`."""

from typing import Any

import pytest

from tests.translators.alb_rules import WEB, blocks, read, told
from tests.translators.policies import filters_of

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


def test_conditions_are_patterns_of_lua() -> None:
    conditions = [status("404", "500"), header("X-Kind", "a.b*", "v?")]
    assert context(conditions=conditions, actions=[remove("x-c")])["conditions"] == [
        {"name": ":status", "patterns": ["^404$", "^500$"]},
        {"name": "x-kind", "patterns": ["^a%.b.*$", "^v.$"]},
    ]


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
