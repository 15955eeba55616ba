"""Paths that annotations make patterns: what they match, their order, and their canaries."""

import pytest
import re2

from tests.translators.plans import HIGRESS, MSE, NGINX, ingress_with, plan, problems, routes
from translators.dialects.paths import is_linear, regex_path
from translators.model.bounds import MAX_INSTRUCTIONS
from translators.model.paths import PathKind

REGEX = {f"{NGINX}use-regex": "true"}
TARGET = f"{NGINX}rewrite-target"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("annotations", "path", "read"),
    [
        pytest.param(REGEX, "Prefix /a", "(?:/a).*", id="use-regex"),
        pytest.param({f"{MSE}use-regex": "1"}, "Prefix /a", "(?:/a).*", id="use-regex-of-mse"),
        pytest.param({f"{HIGRESS}use-regex": "T"}, "Prefix /a", "(?:/a).*", id="of-higress"),
        pytest.param(REGEX, "Exact /a", "(?:/a).*", id="exact-with-use-regex"),
        pytest.param(REGEX, "ImplementationSpecific /a|/b", "(?:/a|/b).*", id="alternatives"),
        pytest.param(REGEX, "Prefix /%c3%a9", "(?:/%C3%A9).*", id="escapes-in-capitals"),
        pytest.param(REGEX, "Prefix /", "Prefix /", id="everything-is-no-pattern"),
        pytest.param({f"{NGINX}use-regex": "false"}, "Prefix /a", "Prefix /a", id="off"),
        pytest.param({f"{NGINX}use-regex": "treu"}, "Prefix /a", "Prefix /a", id="unreadable"),
        pytest.param({TARGET: "/$1"}, "Prefix /a", "(?:/a).*", id="target-with-a-group"),
        pytest.param({TARGET: "/b"}, "Prefix /a", "Prefix /a", id="target-without-groups"),
        pytest.param({TARGET: "/b"}, "Exact /a.html", "Exact /a.html", id="a-dot-is-no-pattern"),
        pytest.param({TARGET: "/b"}, "Prefix /a(/.*)?", "(?:/a(/.*)?).*", id="special-characters"),
        pytest.param({}, "Prefix /a(b)*", "Prefix /a(b)*", id="special-without-a-target"),
        pytest.param(
            {TARGET: "/b", f"{NGINX}use-regex": "false"}, "Prefix /a$", "(?:/a$).*", id="both"
        ),
    ],
)
def test_annotations_decide_which_paths_are_patterns(
    annotations: dict[str, str], path: str, read: str
) -> None:
    (rule,) = plan(ingress_with("web", f"{path} to web:80", annotations=annotations)).rules
    is_regex = rule.path.kind is PathKind.REGEX
    assert (rule.path.value if is_regex else str(rule.path)) == read


@pytest.mark.parametrize(
    ("text", "path", "matches"),
    [
        pytest.param("/something(/|$)(.*)", "/something", True, id="without-a-slash"),
        pytest.param("/something(/|$)(.*)", "/something/", True, id="with-a-slash"),
        pytest.param("/something(/|$)(.*)", "/something/new", True, id="below"),
        pytest.param("/something(/|$)(.*)", "/somethingelse", False, id="another-segment"),
        pytest.param("/a", "/ab", True, id="open-at-the-end"),
        pytest.param("/a", "/b/a", False, id="anchored-at-the-start"),
        pytest.param("/a", "/A", False, id="case-counts"),
        pytest.param("/a|/b", "/bc", True, id="second-alternative"),
        pytest.param("/a$", "/ab", False, id="closed-by-the-user"),
    ],
)
def test_a_pattern_matches_the_beginning_of_a_path(text: str, path: str, matches: bool) -> None:
    assert (re2.fullmatch(regex_path(text).value, path) is not None) == matches


@pytest.mark.parametrize(
    ("text", "path", "matches"),
    [
        pytest.param("/A", "/a/b", True, id="any-case"),
        pytest.param("/a", "/b", False, id="another-path"),
    ],
)
def test_a_pattern_can_ignore_case(text: str, path: str, matches: bool) -> None:
    pattern = regex_path(text, ignore_case=True).value
    assert (re2.fullmatch(pattern, path) is not None) == matches


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a", id="without-a-slash"),
        pytest.param("/a(", id="open-group"),
        pytest.param("/a)(b", id="groups-that-would-close-ours"),
        pytest.param("/(?!a)", id="look-ahead-of-pcre"),
        pytest.param("/(a)\\1", id="back-reference-of-pcre"),
        pytest.param("/é", id="not-as-requests-spell-it"),
        pytest.param("/[a-z]{190}{2}", id="huge"),
        pytest.param(f"/{'a' * 4096}", id="long"),
        pytest.param("/a\u007f", id="control-character"),
    ],
)
def test_a_pattern_that_cannot_be_used_costs_its_path_only(text: str) -> None:
    web = ingress_with("web", "Prefix /ok to web:80", annotations=REGEX)
    manifest = web.model_dump(by_alias=True)
    paths = manifest["spec"]["rules"][0]["http"]["paths"]
    manifest["spec"]["rules"][0]["http"]["paths"] = [*paths, {**paths[0], "path": text}]
    both = type(web).model_validate(manifest)
    assert [str(rule.path) for rule in plan(both).rules] == ["Regex /ok"]
    (problem,) = problems(both)
    assert (problem.reason, problem.value) == ("InvalidPath", text)
    assert problem.key == "spec.rules[0].http.paths[1].path"
    assert problem.effect == "this rule is not served"


def test_the_instructions_of_a_pattern_count() -> None:
    assert 0 < regex_path("/a(/|$)(.*)").instructions < MAX_INSTRUCTIONS


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        pytest.param("/something(/|$)(.*)", True, id="the-rest"),
        pytest.param("/a(/.*)?", True, id="a-rest-that-may-lack"),
        pytest.param("/a/(.*)$", True, id="a-rest-with-its-end"),
        pytest.param("/a/.+", True, id="some-rest"),
        pytest.param("/users/([0-9]+)/(.*)", True, id="a-segment-of-digits"),
        pytest.param("/([^/]+)/([^/]+)/(.*)", True, id="segments"),
        pytest.param(r"/v\d+/(?:[a-z-]+)/x", True, id="classes"),
        pytest.param("/a", True, id="no-repetition"),
        pytest.param("/.*a", False, id="behind-anything"),
        pytest.param("/(.*)/(.*)", False, id="two-rests"),
        pytest.param("/[^/]+x/", False, id="a-segment-with-an-end"),
        pytest.param("/[ab]{20}/x", False, id="counted"),
        pytest.param("/(a+)*", False, id="nested"),
        pytest.param("/[!-z]+/x", False, id="a-class-with-a-slash"),
    ],
)
def test_only_patterns_that_can_be_costly_are_for_short_paths(text: str, linear: bool) -> None:
    assert is_linear(text) is linear
    assert regex_path(text).short_only is not linear


def test_patterns_stand_behind_prefixes_and_longer_ones_first() -> None:
    plain = ingress_with("plain", "Prefix /a to s:80", "Exact /b to s:80", "Prefix / to s:80")
    regex = ingress_with(
        "regex", "Prefix /a.* to s:80", "Prefix /abcdef.* to s:80", annotations=REGEX
    )
    assert [str(rule.path) for rule in plan(plain, regex).rules] == [
        "Exact /b",
        "Prefix /a",
        "Regex /abcdef.*",
        "Regex /a.*",
        "Prefix /",
    ]


def test_a_pattern_and_a_prefix_of_one_text_do_not_conflict() -> None:
    plain = ingress_with("plain", "Prefix /a to s:80")
    regex = ingress_with("regex", "Prefix /a to s:80", annotations=REGEX)
    assert [str(rule.path) for rule in plan(plain, regex).rules] == ["Prefix /a", "Regex /a"]
    assert problems(plain, regex) == []


def test_of_two_equal_patterns_the_older_one_stays() -> None:
    old = ingress_with("old", "Prefix /a.* to s:80", created=OLD, annotations=REGEX)
    new = ingress_with("new", "Exact /a.* to s:80", created=NEW, annotations=REGEX)
    assert [rule.origin.name for rule in plan(old, new).rules] == ["old"]
    (problem,) = problems(old, new)
    assert (problem.reason, problem.at.name, problem.value) == (
        "Conflict",
        "new",
        "example.com Regex /a.*",
    )


GRAY = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "10"}


@pytest.mark.parametrize(
    ("main", "path", "beside", "canary"),
    [
        pytest.param(REGEX, "Prefix /a(/|$)(.*)", {}, "Prefix /a(/|$)(.*)", id="the-same-text"),
        pytest.param(REGEX, "Prefix /a", {}, "Exact /a", id="its-type-does-not-matter"),
        pytest.param(REGEX, r"Prefix /a\d?", {}, r"Prefix /a\d?", id="a-text-that-is-no-path"),
        pytest.param(REGEX, "Prefix /a/", {}, "Prefix /a/", id="with-a-slash-at-its-end"),
        pytest.param({}, "Prefix /a", REGEX, "Prefix /a", id="own-annotations-do-not-count"),
        pytest.param(REGEX, "Prefix /a", REGEX, "Prefix /a", id="both"),
        pytest.param({TARGET: "/$1"}, "Prefix /(.*)", {}, "Prefix /(.*)", id="by-the-target"),
    ],
)
def test_the_main_rule_decides_whether_the_path_of_its_canary_is_a_pattern(
    main: dict[str, str], path: str, beside: dict[str, str], canary: str
) -> None:
    web = ingress_with("web", f"{path} to web:80", annotations=main)
    gray = ingress_with("gray", f"{canary} to gray:80", annotations={**GRAY, **beside})
    (line,) = routes(web, gray)
    assert line.endswith("web/80 90 | gray/80>web/80 10")
    assert problems(web, gray) == []


def test_a_canary_of_another_text_joins_no_pattern() -> None:
    web = ingress_with("web", "Prefix /a.* to web:80", annotations=REGEX)
    gray = ingress_with("gray", "Prefix /ab to gray:80", annotations=GRAY)
    assert [p.reason for p in problems(web, gray)] == ["CanaryWithoutMain"]
