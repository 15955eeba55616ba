"""YAML and JSON texts are read as Kubernetes reads them, and mistakes have a position."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.documents import MAX_ALIASED, MAX_DEPTH, UnreadableText, read_json, read_yaml

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc.-/1", max_size=5), inner)
    ),
    max_leaves=10,
)


def value_of(text: str) -> object:
    (document,) = read_yaml(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("10", 10, id="integer"),
        pytest.param("-10", -10, id="negative"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("017", "017", id="a-leading-zero-is-text"),
        pytest.param("1_000", "1_000", id="an-underscore-is-text"),
        pytest.param("12:30", "12:30", id="no-sexagesimal-numbers"),
        pytest.param("1.5", 1.5, id="float"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("-.inf", float("-inf"), id="infinity"),
        pytest.param("1.2.3", "1.2.3", id="a-version-is-text"),
        pytest.param("9" * 5000, "9" * 5000, id="digits-without-end-are-text"),
        pytest.param("true", True, id="true"),
        pytest.param("FALSE", False, id="false"),
        pytest.param("yes", "yes", id="yes-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", id="time-is-text"),
        pytest.param("2026-01-31", "2026-01-31", id="date-is-text"),
        pytest.param('"10"', "10", id="quoted"),
        pytest.param("!!str 10", "10", id="tagged-as-text"),
        pytest.param("a: null", {"a": None}, id="null"),
        pytest.param("a: ~", {"a": None}, id="tilde"),
        pytest.param("a:", {"a": None}, id="nothing"),
        pytest.param("80: a", {"80": "a"}, id="keys-are-text"),
        pytest.param("true: a", {"true": "a"}, id="keys-are-text-as-written"),
        pytest.param("[a, [b]]", ["a", ["b"]], id="lists"),
        pytest.param("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, id="alias"),
        pytest.param(
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}",
            {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}},
            id="merge",
        ),
        pytest.param(
            "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}",
            {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}},
            id="merge-of-several",
        ),
        pytest.param("'<<': 1", {"<<": 1}, id="a-quoted-merge-key-is-a-key"),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_a_text_has_several_documents_and_empty_ones_do_not_count() -> None:
    documents = read_yaml("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n")
    assert [(document.value, document.line) for document in documents] == [
        ({"a": 1}, 2),
        ({"b": 2}, 6),
    ]


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n", "---\n"])
def test_nothing_is_no_document(text: str) -> None:
    assert read_yaml(text) == []


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        pytest.param("a: 1\nb: c: d", (2, 5), "mapping values are not allowed", id="colon"),
        pytest.param("a: [1\n", (2, 1), "did not find expected", id="not-closed"),
        pytest.param("a: 1\n\tb: 2", (2, 1), "tab character", id="tab"),
        pytest.param("a: b\nc: \x01", (2, 4), "control characters are not allowed", id="control"),
        pytest.param('a: "\\ud800"', (1, 7), "invalid Unicode", id="half-a-surrogate-pair"),
        pytest.param("a: *b", (1, 4), "alias *b stands before", id="unknown-alias"),
        pytest.param("a: &a [*a]", (1, 8), "inside of what it names", id="alias-of-itself"),
        pytest.param("a: !secret x", (1, 4), "the tag !secret", id="tag"),
        pytest.param("a: !!int x", (1, 4), "tag:yaml.org,2002:int", id="wrong-tag"),
        pytest.param("? [a]\n: b", (1, 3), "a key must be text", id="list-as-key"),
        pytest.param("a: {<<: 1}", (1, 4), "<< takes a mapping", id="merge-of-a-number"),
        pytest.param("[" * 500 + "]" * 500, (1, MAX_DEPTH + 1), "levels deep", id="too-deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, where: tuple[int, int], why: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        read_yaml(text)
    assert (caught.value.line, caught.value.column) == where
    assert why in caught.value.why


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5000, 100_000])
@pytest.mark.parametrize(
    ("read", "opening", "closing"),
    [
        pytest.param(read_yaml, "[", "]", id="lists-in-brackets"),
        pytest.param(read_yaml, "{a: ", "}", id="mappings-in-braces"),
        pytest.param(read_yaml, "- ", "", id="lists-in-lines"),
        pytest.param(read_json, "[", "]", id="json-lists"),
        pytest.param(read_json, '{"a":', "}", id="json-mappings"),
    ],
)
def test_nesting_without_end_is_one_sentence_whoever_meets_it_first(
    read: Callable[[str], object], opening: str, closing: str, depth: int
) -> None:
    with pytest.raises(UnreadableText, match=f"nested more than {MAX_DEPTH} levels deep"):
        read(f"{opening * depth}1{closing * depth}")


@pytest.mark.parametrize("read", [read_yaml, read_json])
def test_the_deepest_nesting_that_is_allowed_is_read(read: Callable[[str], object]) -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_the_text_itself_is_not_quoted() -> None:
    with pytest.raises(UnreadableText) as caught:
        read_yaml("tls.key: MIIEvQ: x")
    assert "MIIEvQ" not in str(caught.value)


def test_aliases_cannot_stand_for_gigabytes() -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]" for i in range(9)]
    with pytest.raises(UnreadableText, match=f"aliases stand for more than {MAX_ALIASED} nodes"):
        read_yaml("\n".join(laughs))


def test_aliases_of_long_texts_count_by_their_length() -> None:
    text = f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 100)}]"
    with pytest.raises(UnreadableText, match="aliases stand for"):
        read_yaml(text)


def test_a_key_that_is_there_twice_is_noted_and_the_last_one_counts() -> None:
    (document,) = read_yaml("a: 1\nb: [{c: 1, c: 2}]\na: 3")
    assert document.value == {"a": 3, "b": [{"c": 2}]}
    assert document.repeated == ("b[0].c", "a")


def test_json_is_read_by_its_own_rules() -> None:
    documents = read_json('{"a": "\\ud83d\\ude00", "a": 1}\n\n{"b":\t2}')
    assert [(d.value, d.line, d.repeated) for d in documents] == [
        ({"a": 1}, 1, ("a",)),
        ({"b": 2}, 3, ()),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param('{"a": 1', 1, id="not-closed"),
        pytest.param('{"a": 1}\n{"b": }', 2, id="in-the-second-value"),
        pytest.param('{"a": NaN}', 1, id="not-a-number"),
        pytest.param("[" * 100_000, 1, id="too-deep"),
        pytest.param("9" * 5000, 1, id="digits-without-end"),
        pytest.param("a: 1", 1, id="yaml"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, line: int) -> None:
    with pytest.raises(UnreadableText) as caught:
        read_json(text)
    assert caught.value.line == line


@settings(max_examples=200)
@given(VALUES)
def test_json_is_yaml_too(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    expected = [] if value is None else [value]
    assert [document.value for document in read_yaml(text)] == expected
    assert [document.value for document in read_json(text)] == expected


@settings(max_examples=500)
@given(st.text() | st.text("{}[]:,-&*!|>'\"#%@ \nab01<.?\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_yaml, read_json):
        try:
            read(text)
        except UnreadableText as e:
            assert e.why  # noqa: PT017 (either answer is right)
