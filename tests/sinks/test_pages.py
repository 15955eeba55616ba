"""All pages of a list are read, also when a continue token expires on the way."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pytest

from fleet.kubernetes.connection import Query, Reply
from fleet.kubernetes.patience import Patience
from fleet.sinks.pages import items
from tests.support.api_double import ApiDouble

Json: TypeAlias = Any
PATH = "/api/v1/events"


class Book(ApiDouble):
    """A server that gives a page for each continue token."""

    def __init__(self, pages: Mapping[str, Sequence[Reply]]) -> None:
        self._pages = {following: list(replies) for following, replies in pages.items()}
        self.asked: list[Mapping[str, str]] = []

    async def answer(self, method: str, path: str, query: Query) -> Reply:
        assert (method, path) == ("GET", PATH)
        self.asked.append(dict(query))
        return self._pages[dict(query).get("continue", "")].pop(0)


def page(*names: str, following: str = "") -> Reply:
    content = {"items": list(names), "metadata": {"continue": following}}
    return Reply(200, json.dumps(content).encode())


def refused(status: int, message: str = "") -> Reply:
    return Reply(status, json.dumps({"message": message}).encode())


def read(book: Book, query: Query = ()) -> list[str]:
    async def script() -> list[str]:
        patience = Patience("this test", longest=0.001)
        return [item async for item in items(book, patience, PATH, query)]

    return asyncio.run(script())


def test_all_pages_are_read_with_the_same_question() -> None:
    book = Book({"": [page("a", "b", following="2")], "2": [page("c")]})
    assert read(book, [("fieldSelector", "x=y")]) == ["a", "b", "c"]
    assert [asked["fieldSelector"] for asked in book.asked] == ["x=y", "x=y"]


def test_a_list_that_the_server_has_forgotten_is_read_again() -> None:
    book = Book({"": [page("a", following="2"), page("a", "b")], "2": [refused(410)]})
    assert read(book) == ["a", "a", "b"]


def test_a_busy_server_is_asked_again_for_the_same_page() -> None:
    book = Book({"": [page("a", following="2")], "2": [refused(429), page("b")]})
    assert read(book) == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(404, [], id="a kind that is not installed is no news"),
        pytest.param(
            403, [f"the hub does not list {PATH}: not you"], id="a right that is missing is"
        ),
    ],
)
def test_what_cannot_be_listed_is_empty(
    status: int, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert read(Book({"": [refused(status, "not you")]})) == []
    assert [r.getMessage() for r in caplog.records if r.name == "fleet.sinks.pages"] == said
