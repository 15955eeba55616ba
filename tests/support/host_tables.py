"""A model of how Envoy finds the route table of a request (`translators.envoy.scoped_routes`)."""

import re
from collections.abc import Container, Iterator


def find_table(tables: Container[str], of: str, authority: str) -> str:
    """The name of the table that a request reaches, among the tables of the set `of`."""
    return next(name for name in _asked(of, authority) if name in tables)


def _asked(of: str, authority: str) -> Iterator[str]:
    host = authority.partition(":")[0].removesuffix(".").lower()
    yield f"{of}|{host}"
    label, dot, parent = host.partition(".")
    if dot and re.fullmatch("[a-z0-9_-]+", label):
        yield f"{of}|*.{parent}"
    yield f"{of}|*"
