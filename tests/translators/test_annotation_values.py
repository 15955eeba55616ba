"""Annotation values are parsed: spellings of keys, booleans, numbers, names, regexes."""

from collections.abc import Callable
from functools import partial

import pytest

from fleet.ref import HUB, Ref
from translators.dialects.annotations.reader import Reader, Unusable, own, shared
from translators.dialects.annotations.values import (
    Pattern,
    boolean,
    cookie_name,
    header_name,
    integer,
    lines,
    pattern,
    printable,
    query_name,
    query_value,
)
from translators.dialects.mse.features import VOCABULARY

AT = Ref(HUB, "Ingress", "default", "shop")
PREFIXES = VOCABULARY.prefixes


@pytest.mark.parametrize("text", ["1", "t", "T", "true", "TRUE", "True"])
def test_true(text: str) -> None:
    assert boolean(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "false", "FALSE", "False"])
def test_false(text: str) -> None:
    assert boolean(text) is False


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        pytest.param(boolean, "treu", id="boolean-typo"),
        pytest.param(boolean, "yes", id="boolean-yes"),
        pytest.param(integer(0, 100), "101", id="above"),
        pytest.param(integer(0, 100), "-1", id="below"),
        pytest.param(integer(0, 100), "1.5", id="fraction"),
        pytest.param(integer(0, 100), "10%", id="unit"),
        pytest.param(integer(0, 100), "9" * 40, id="huge"),
        pytest.param(integer(0, 100), "١٢", id="digits-of-another-script"),
        pytest.param(header_name, "two words", id="header-blank"),
        pytest.param(header_name, ":authority", id="pseudo-header"),
        pytest.param(header_name, "x_stage", id="header-underscore"),
        pytest.param(header_name, "x\ny", id="header-newline"),
        pytest.param(header_name, "x" * 300, id="header-too-long"),
        pytest.param(cookie_name, "a=b", id="cookie-equals"),
        pytest.param(query_name, "a b", id="query-blank"),
        pytest.param(query_name, "größe", id="query-beyond-ascii"),
        pytest.param(query_name, "a=b", id="query-equals"),
        pytest.param(query_name, "a&b", id="query-ampersand"),
        pytest.param(query_name, "a#b", id="query-hash"),
        pytest.param(query_value, "é" * 2049, id="query-too-long"),
        pytest.param(query_value, "a\nb", id="query-two-lines"),
        pytest.param(printable, "a\x00b", id="nul"),
        pytest.param(printable, "a\ud800b", id="surrogate"),
        pytest.param(printable, "a\nb", id="two-lines"),
        pytest.param(pattern, "a(", id="regex-open"),
        pytest.param(pattern, "(?=a)", id="regex-lookahead"),
        pytest.param(pattern, r"\Qa", id="regex-open-quote"),
        pytest.param(pattern, r"\x{10FFFF}", id="regex-beyond-bytes"),
        pytest.param(pattern, "((a{100}){100}){10}", id="regex-too-large-for-re2"),
        pytest.param(pattern, "[ab]{200}", id="regex-too-large"),
        pytest.param(partial(pattern, form=".*(?:{}).*"), "a)(b", id="regex-out-of-its-group"),
        pytest.param(partial(lines, most=2), "a\nb\n\nc", id="too-many-lines"),
    ],
)
def test_unusable(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(text)
    assert caught.value.expected


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        pytest.param(integer(0, 100), "100", 100, id="upper-bound"),
        pytest.param(integer(0, 100), "+7", 7, id="plus"),
        pytest.param(header_name, "X-Stage", "x-stage", id="header-in-lower-case"),
        pytest.param(cookie_name, "Stage", "Stage", id="cookie-keeps-case"),
        pytest.param(query_name, "a%20b[]", "a%20b[]", id="query-as-requests-spell-it"),
        pytest.param(query_value, "a é&", "a é&", id="query-value"),
        pytest.param(pattern, "^v[0-9]+$", Pattern("(?:^v[0-9]+$)", 6), id="regex"),
        pytest.param(pattern, r"\Q.\E+", Pattern(r"(?:\Q.\E+)", 6), id="regex-quote"),
        pytest.param(pattern, "größe", Pattern("(?:größe)", 11), id="regex-not-only-ascii"),
        pytest.param(printable, "größe", "größe", id="not-only-ascii"),
        pytest.param(partial(lines, most=2), " a b \n\n c \n", ("a b", "c"), id="lines"),
    ],
)
def test_usable(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("annotations", "value", "problems"),
    [
        pytest.param({}, None, 0, id="absent"),
        pytest.param({"nginx.ingress.kubernetes.io/n": "  "}, None, 0, id="blank-is-absent"),
        pytest.param({"nginx.ingress.kubernetes.io/n": " 5 "}, 5, 0, id="trimmed"),
        pytest.param(
            {"nginx.ingress.kubernetes.io/n": "1", "mse.ingress.kubernetes.io/n": "2"},
            1,
            0,
            id="nginx-before-mse",
        ),
        pytest.param(
            {"mse.ingress.kubernetes.io/n": "2", "higress.io/n": "3"}, 2, 0, id="mse-before-higress"
        ),
        pytest.param(
            {"nginx.ingress.kubernetes.io/n": "x", "higress.io/n": "3"},
            3,
            1,
            id="first-that-parses",
        ),
        pytest.param({"nginx.ingress.kubernetes.io/n": "x"}, None, 1, id="unusable"),
        pytest.param({"other.io/n": "1"}, None, 0, id="unknown-prefix"),
    ],
)
def test_spellings(annotations: dict[str, str], value: int | None, problems: int) -> None:
    reader = Reader(AT, annotations, PREFIXES)
    assert reader.read(shared("n"), integer(0, 10)) == value
    assert len(reader.problems) == problems


def test_problem_of_a_spelling_says_which_other_one_counts() -> None:
    reader = Reader(
        AT,
        {
            "nginx.ingress.kubernetes.io/n": "x",
            "mse.ingress.kubernetes.io/n": "3.5",
            "higress.io/n": "3",
        },
        PREFIXES,
    )
    assert reader.read(shared("n"), integer(0, 10), "nothing is served") == 3
    assert [(p.key, p.effect) for p in reader.problems] == [
        ("nginx.ingress.kubernetes.io/n", "higress.io/n counts instead"),
        ("mse.ingress.kubernetes.io/n", "higress.io/n counts instead"),
    ]


def test_note_names_the_spelling_that_counts() -> None:
    reader = Reader(AT, {"nginx.ingress.kubernetes.io/n": "x", "higress.io/n": "3"}, PREFIXES)
    found = reader.find(shared("n"), integer(0, 10))
    assert found
    reader.note(found, "TooMany", "at most 2", "it counts as 2")
    noted = reader.problems[-1]
    assert (noted.key, noted.value) == ("higress.io/n", "3")


def test_own_keys_have_no_nginx_spelling() -> None:
    reader = Reader(AT, {"nginx.ingress.kubernetes.io/n": "1"}, PREFIXES)
    assert reader.read(own("n"), integer(0, 10)) is None


def test_problem_names_object_key_value_and_expectation() -> None:
    reader = Reader(AT, {"nginx.ingress.kubernetes.io/n": "ten"}, PREFIXES)
    reader.read(shared("n"), integer(0, 10))
    (problem,) = reader.problems
    assert (problem.at, problem.key, problem.value) == (AT, "nginx.ingress.kubernetes.io/n", "ten")
    assert problem.message == (
        "nginx.ingress.kubernetes.io/n: 'ten' (expected an integer from 0 to 10); "
        "the annotation is ignored"
    )
