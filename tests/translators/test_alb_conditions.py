"""The annotations `conditions.{service}` of the ALB dialect: requests that paths take."""

import json
from typing import Any

import pytest

from tests.support.builders import ingress
from tests.translators.alb_rules import ACTION, ALB, WEB, blocks, matches, plan, read, told
from translators.dialects.alb.ingress import read_alb_ingress
from translators.envoy.routes import encode_route
from translators.model.bounds import (
    CONDITION_TEXT_OF_RULE,
    MAX_ALTERNATIVES,
    MAX_BLOCK_TEXT,
    MAX_BLOCKS,
    MAX_CONDITION_TEXT,
    MAX_ROUTES_OF_INGRESS,
    MAX_VALUES,
)

GRAY = ingress("gray", host="web.test").path("/", to="web:80").of_class("alb")
HEADER = {"type": "Header", "headerConfig": {"key": "Stage", "values": ["gray"]}}
NOT_SERVED = ("InvalidAnnotation", "conditions.web", "paths to web are not served")


def header(*values: str, key: str = "stage") -> dict[str, Any]:
    return {"type": "Header", "headerConfig": {"key": key, "values": list(values)}}


def pairs(kind: str, *found: tuple[str, str]) -> dict[str, Any]:
    values = [{"key": key, "value": value} for key, value in found]
    return {"type": kind, f"{kind}Config": {"values": values}}


def named(kind: str, *values: str) -> dict[str, Any]:
    return {"type": kind, f"{kind}Config": {"values": list(values)}}


def narrowed(*items: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    """Return what the matches of the path have beside the path."""
    rules = read(WEB, {"conditions.web": blocks(*items)})
    assert rules.problems == ()
    return [{k: v for k, v in match.items() if k != "prefix"} for match in matches(rules)]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(
            header("gray"),
            {"headers": [{"name": "stage", "string_match": {"exact": "gray"}}]},
            id="header",
        ),
        pytest.param(
            header("gray", "beta"),
            {
                "headers": [
                    {"name": "stage", "string_match": {"safe_regex": {"regex": "(?:beta|gray)"}}}
                ]
            },
            id="one-of-two-values",
        ),
        pytest.param(
            pairs("QueryString", ("v", "2")),
            {"query_parameters": [{"name": "v", "string_match": {"exact": "2"}}]},
            id="query",
        ),
        pytest.param(
            pairs("Cookie", ("k", "v")),
            {"cookies": [{"name": "k", "string_match": {"exact": "v"}}]},
            id="cookie",
        ),
        pytest.param(
            named("Method", "get"),
            {"headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
            id="method",
        ),
        pytest.param(
            named("SourceIp", "10.0.0.0/8", "1.2.3.4"),
            {
                "filter_state": [
                    {
                        "key": "fleetgate.client",
                        "address_match": {
                            "ranges": [
                                {"address_prefix": "1.2.3.4", "prefix_len": 32},
                                {"address_prefix": "10.0.0.0", "prefix_len": 8},
                            ]
                        },
                    }
                ]
            },
            id="client",
        ),
    ],
)
def test_a_block_narrows_the_paths(block: dict[str, Any], expected: dict[str, Any]) -> None:
    assert narrowed(block) == [expected]


def test_names_and_types_are_read_in_any_case() -> None:
    text = json.dumps([{"TYPE": "header", "HeaderConfig": {"Key": "STAGE", "VALUES": ["gray"]}}])
    assert matches(read(WEB, {"conditions.web": text})) == matches(
        read(WEB, {"conditions.web": blocks(HEADER)})
    )


@pytest.mark.parametrize(
    ("value", "regex"),
    [
        pytest.param("gray*", "gray.*", id="any-run"),
        pytest.param("v?.1", r"v.\.1", id="one-character"),
        pytest.param("*", ".*", id="anything"),
    ],
)
def test_values_have_wildcards(value: str, regex: str) -> None:
    (match,) = narrowed(header(value))
    bound, found = match["headers"]
    assert found["string_match"] == {"safe_regex": {"regex": regex}}
    assert "512" in bound["string_match"]["safe_regex"]["regex"]


def test_wildcards_of_a_query_stand_between_texts_in_all_spellings() -> None:
    (match,) = narrowed(pairs("QueryString", ("q", "a b*")))
    _, found = match["query_parameters"]
    assert found["string_match"] == {"safe_regex": {"regex": r"a(?:\+|%20)b.*"}}


def test_blocks_are_anded_and_lists_of_one_type_are_one_list() -> None:
    (match,) = narrowed(
        HEADER, header("a", key="x-a"), named("Method", "GET"), named("Method", "HEAD")
    )
    assert [each["name"] for each in match["headers"]] == ["stage", "x-a", ":method"]
    assert match["headers"][2]["string_match"] == {"safe_regex": {"regex": "(?:GET|HEAD)"}}


def test_pairs_with_different_keys_make_several_rules() -> None:
    found = narrowed(pairs("Cookie", ("a", "1"), ("b", "2"), ("a", "3")), HEADER)
    assert sorted(each["cookies"][0]["name"] for each in found) == ["a", "b"]
    assert all(each["headers"] for each in found)


def test_hosts_and_paths_are_further_ones() -> None:
    rules = read(
        WEB.path("/own", to="web:80").path("/other", to="other:80"),
        {
            "conditions.web": blocks(
                named("Host", "A.test", "*.b.test", "web.test"),
                named("Path", "/x", "/y/*", "~*^/z"),
            )
        },
    )
    assert rules.problems == ()
    hosts = {rule.host for rule in rules.rules}
    assert hosts == {"web.test", "a.test", "*.b.test"}
    of_one = [str(rule.path) for rule in rules.rules if rule.host == "a.test"]
    more = ["Exact /x", "Regex /y/.*", "Regex /z"]
    assert sorted(set(of_one)) == sorted({"Prefix /", "Prefix /own", *more})
    assert [str(rule.path) for rule in rules.rules if "other" in str(rule.action)] == [
        "Prefix /other"
    ]


LONGEST = pairs("QueryString", *(("v", f"{n}".rjust(512, "!")) for n in range(8)))
"""The block whose regex for Envoy is the longest: all of its bytes are spelt in two ways."""


def test_long_values_on_many_hosts_and_paths_stay_small() -> None:
    hosts = named("Host", *(f"{n}.test" for n in range(MAX_VALUES)))
    paths = named("Path", *(f"/{n}" for n in range(MAX_VALUES)))
    rules = read(WEB, {"conditions.web": blocks(LONGEST, hosts, paths)})
    longer = MAX_CONDITION_TEXT // CONDITION_TEXT_OF_RULE
    assert len(rules.rules) == MAX_ROUTES_OF_INGRESS // longer
    assert told(rules) == [
        ("TooManyRules", rules.problems[0].key, "this rule and those after it are not served")
    ]
    sizes = [len(encode_route(rule)) for rule in rules.rules]
    assert min(sizes) > 8 * MAX_CONDITION_TEXT, "the regex has many characters for a byte"
    assert sum(sizes) < 7_000_000


def test_short_values_take_no_room_of_rules() -> None:
    hosts = named("Host", *(f"{n}.test" for n in range(MAX_VALUES)))
    paths = named("Path", *(f"/{n}" for n in range(MAX_VALUES)))
    short = header("x" * CONDITION_TEXT_OF_RULE)
    rules = read(WEB, {"conditions.web": blocks(short, hosts, paths)})
    assert rules.problems == ()
    assert len(rules.rules) == (MAX_VALUES + 1) ** 2


def test_rules_that_conditions_make_twice_are_there_once() -> None:
    twice = WEB.host("b.test").path("/", to="web:80")
    rules = read(twice, {"conditions.web": blocks(named("Host", "web.test", "b.test"))})
    assert [(rule.host, str(rule.path)) for rule in rules.rules] == [
        ("web.test", "Prefix /"),
        ("b.test", "Prefix /"),
    ]
    assert plan(rules).problems == ()


def test_conditions_hold_for_the_paths_to_their_service_alone() -> None:
    rules = read(WEB.path("/a", to="a:80"), {"conditions.a": blocks(HEADER)})
    assert [bool(rule.conditions) for rule in rules.rules] == [False, True]


def test_two_ingresses_share_a_path_if_their_conditions_differ() -> None:
    gray = read(GRAY, {"conditions.web": blocks(HEADER)})
    planned = plan(read(WEB), gray)
    assert planned.problems == ()
    assert [rule.origin.name for rule in planned.rules] == ["gray", "web"]


def test_a_regex_of_a_path_ignores_case() -> None:
    rules = read(WEB, {"conditions.web": blocks(named("Path", "~*^/z[0-9]"))})
    assert [m.get("safe_regex") for m in matches(rules)] == [None, {"regex": "(?i:/z[0-9]).*"}]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[]", id="no-block"),
        pytest.param("{}", id="no-list"),
        pytest.param("[1]", id="a-number-as-block"),
        pytest.param("[null]", id="null-as-block"),
        pytest.param("[{}]", id="no-type"),
        pytest.param('[{"type":1}]', id="a-number-as-type"),
        pytest.param('[{"type":"Header"}]', id="no-config"),
        pytest.param('[{"type":"Header","headerConfig":[]}]', id="a-list-as-config"),
        pytest.param('[{"type":"Header","headerConfig":{"key":"a"}}]', id="no-values"),
        pytest.param('[{"type":"Header","headerConfig":{"values":["a"]}}]', id="no-key"),
        pytest.param(
            blocks({"type": "Header", "headerConfig": {"key": "a", "values": []}}), id="empty"
        ),
        pytest.param(
            blocks({"type": "Header", "headerConfig": {"key": "a", "values": [1]}}), id="number"
        ),
        pytest.param(blocks(header("a", key="a b")), id="header-name"),
        pytest.param(blocks(header("a", key="a_b")), id="header-that-is-dropped"),
        pytest.param(blocks(header("a\nb")), id="line-break"),
        pytest.param(blocks(header("")), id="empty-value"),
        pytest.param(blocks(header("x" * 513)), id="long-value"),
        pytest.param(blocks(header("*?" * 150)), id="large-pattern"),
        pytest.param(
            '[{"type":"Header","headerConfig":{"key":"a","values":["\\ud800"]}}]', id="half"
        ),
        pytest.param(blocks(named("Host", "a b")), id="host"),
        pytest.param(blocks(named("Host", "")), id="empty-host"),
        pytest.param(blocks(named("Host", "a.*.test")), id="wildcard-inside"),
        pytest.param(blocks(named("Path", "x")), id="path"),
        pytest.param(blocks(named("Path", "~*(")), id="regex"),
        pytest.param(blocks(named("Path", "/a/../b")), id="path-of-no-request"),
        pytest.param(blocks(named("Method", "G T")), id="method"),
        pytest.param(blocks(named("SourceIp", "10.0.0.0/33")), id="network"),
        pytest.param(blocks(named("SourceIp", "any")), id="address"),
        pytest.param(blocks(pairs("QueryString", ("a b", "1"))), id="parameter"),
        pytest.param(blocks(pairs("Cookie", ("a=b", "1"))), id="cookie"),
        pytest.param(blocks({"type": "Cookie", "cookieConfig": {"values": ["a=b"]}}), id="no-pair"),
        pytest.param(blocks({"type": "Weather", "weatherConfig": {"values": ["a"]}}), id="type"),
        pytest.param('[{"type":"Header","Type":"Host"}]', id="field-twice"),
        pytest.param(blocks(*[HEADER] * (MAX_BLOCKS + 1)), id="blocks"),
        pytest.param(blocks(header(*map(str, range(MAX_VALUES + 1)))), id="values"),
        pytest.param(
            blocks(*[pairs("Cookie", *((f"{n}{i}", "1") for i in range(5))) for n in "abc"]),
            id="combinations",
        ),
        pytest.param(
            blocks(pairs("QueryString", *(("v", f"{n}".rjust(512, "!")) for n in range(9)))),
            id="bytes-of-a-block",
        ),
        pytest.param(
            blocks(
                header(*(f"{n}".rjust(512, "!") for n in range(4))),
                pairs("Cookie", *(("v", f"{n}".rjust(512, "!")) for n in range(4))),
                pairs("QueryString", ("v", "1")),
            ),
            id="bytes-of-all-blocks",
        ),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("x" * (MAX_BLOCK_TEXT + 1), id="long"),
        pytest.param('[{"type":"Header",', id="cut-off"),
        pytest.param('[{"type":"Header","headerConfig":{"key":' + "1" * 5000 + "}}]", id="digits"),
    ],
)
def test_paths_whose_conditions_cannot_be_read_are_not_served(text: str) -> None:
    assert MAX_ALTERNATIVES < 5**3
    rules = read(WEB.path("/a", to="a:80").default("a:80"), {"conditions.web": text})
    assert [str(rule.path) for rule in rules.rules] == ["Prefix /a"]
    assert told(rules) == [NOT_SERVED]


def test_a_value_that_is_no_text_closes_the_paths_too() -> None:
    made = WEB.path("/a", to="a:80").model()
    unread = made.metadata.model_copy(update={"unread": (f"{ALB}conditions.web",)})
    rules = read_alb_ingress(WEB.ref(), made.model_copy(update={"metadata": unread}))
    assert [str(rule.path) for rule in rules.rules] == ["Prefix /a"]


def test_a_default_backend_has_no_conditions() -> None:
    rules = read(WEB.default("web:80"), {"conditions.web": blocks(HEADER)})
    assert [rule.at for rule in rules.everything] == ["spec.rules[0].http.paths[0]"]
    assert told(rules) == [("InvalidBackend", "spec.defaultBackend", "this rule is not served")]


def test_a_canary_has_no_conditions() -> None:
    canary = {"canary": "true", "canary-weight": "5", "conditions.web": blocks(HEADER)}
    rules = read(WEB, canary)
    assert not rules.everything
    assert not rules.canaries
    assert told(rules) == [("InvalidAnnotation", "conditions.web", "the Ingress is not served")]


def test_an_action_is_narrowed_too() -> None:
    answer = {"type": "FixedResponse", "fixedResponseConfig": {"content": "closed"}}
    annotations = {"conditions.web": blocks(HEADER), "actions.web": blocks(answer)}
    (rule,) = read(ACTION, annotations).rules
    assert rule.conditions
