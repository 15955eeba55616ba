"""A page of a list is read object by object, with the same result as decoding it as a whole."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.kubernetes.intake import TooMuch
from fleet.kubernetes.page import read_page

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
POSITION = {"metadata": {"resourceVersion": "7"}}


def same(item: object) -> object:
    return item


@given(
    items=st.lists(VALUES, max_size=8),
    others=st.dictionaries(st.text().filter(lambda key: key not in {"items", "metadata"}), VALUES),
    indent=st.sampled_from([None, 1, "\t"]),
)
def test_a_page_says_what_its_text_says(
    items: list[object], others: Mapping[str, object], indent: int | str | None
) -> None:
    text = json.dumps({"items": items, **others, **POSITION}, indent=indent)
    page = read_page(text.encode(), same, 1_000_000)
    assert (page.items, page.position, page.following) == (items, "7", "")


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 70_000], ids=str)
def test_an_object_may_be_of_any_size_below_the_bound(size: int) -> None:
    items = [{"x": "y" * size, "n": 12345}, 1234567, {"x": "z"}]
    body = json.dumps({**POSITION, "items": items}).encode()
    assert read_page(body, same, 100_000).items == items


def test_an_object_beyond_the_bound_is_found_before_it_is_a_value() -> None:
    read: list[object] = []
    body = json.dumps({**POSITION, "items": [{"a": 1}, [[]] * 100_000]}).encode()
    with pytest.raises(TooMuch, match="an object of more than 10000 bytes"):
        read_page(body, read.append, 10_000)
    assert read == [{"a": 1}]


def test_no_object_is_read_before_the_one_in_front_of_it_has_been_taken() -> None:
    """Otherwise all objects would be decoded at the same time."""
    body = (json.dumps({**POSITION, "items": [{"a": 1}]})[:-2] + ", no JSON").encode()
    read: list[object] = []
    with pytest.raises(ValueError, match="Expecting value"):
        read_page(body, read.append, 1000)
    assert read == [{"a": 1}]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"{", id="half-an-object"),
        pytest.param(b'{"items":[]}', id="no-position"),
        pytest.param(b'{"metadata":{},"items":[]}', id="an-empty-position"),
        pytest.param(b'{"metadata":{"resourceVersion":"7"},"items":[{}', id="half-a-list"),
        pytest.param(b'{"metadata":{"resourceVersion":"7"},"items":[{} {}]}', id="no-comma"),
        pytest.param(b'{"metadata":{"resourceVersion":"7"} "items":[]}', id="no-comma-of-keys"),
        pytest.param(b'{"metadata" {"resourceVersion":"7"}}', id="no-colon"),
        pytest.param(b'{"metadata":{"resourceVersion":"7"},"items":[' + b"[" * 9000, id="nested"),
        pytest.param(b'{"metadata":{"resourceVersion":"\xff"}}', id="no-text"),
    ],
)
def test_what_is_no_page_is_a_mistake(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_page(body, same, 100_000)


@pytest.mark.parametrize("items", ["null", "{}", '"x"'], ids=["null", "an-object", "a-text"])
def test_items_that_are_no_list_are_none(items: str) -> None:
    page = read_page(f'{{"items":{items},"metadata":{{"resourceVersion":7}}}}'.encode(), same, 100)
    assert (page.items, page.position) == ([], "7")


def test_an_item_that_cannot_be_read_makes_no_page() -> None:
    def name_of(item: Any) -> str:  # noqa: ANN401 (JSON)
        return str(item["metadata"]["name"])

    body = json.dumps({**POSITION, "items": [{"metadata": {}}]}).encode()
    with pytest.raises(ValueError, match="an item is no object of Kubernetes"):
        read_page(body, name_of, 1000)
