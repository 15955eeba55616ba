"""The page for users of NGINX Ingress has a row for each of its annotations."""

import pytest

from tests.docs.migration import Row, migration_rows
from tests.support.annotations import SHARED

ROWS = {row.annotation: row for row in migration_rows()}
NAMES = [name for names in SHARED.values() for name in names.split()]


@pytest.mark.parametrize("name", NAMES)
def test_an_annotation_of_nginx_ingress_has_a_row(name: str) -> None:
    assert name in ROWS or any(
        name.startswith(row.removesuffix("NAME")) for row in ROWS if row.endswith("NAME")
    )


@pytest.mark.parametrize("row", [pytest.param(row, id=row.annotation) for row in ROWS.values()])
def test_what_is_not_alike_is_explained(row: Row) -> None:
    assert bool(row.more) == (row.here != "alike")
