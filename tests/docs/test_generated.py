"""The documentation says what the code does."""

import pytest

from tests.docs.generated import FILES, PARTS, ROOT, render


@pytest.mark.parametrize("file", FILES)
def test_generated_parts_are_what_the_code_says(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert render(text) == text, "write the documentation anew with `make docs`"


@pytest.mark.parametrize("file", FILES)
def test_there_is_something_generated(file: str) -> None:
    assert "<!-- generated: " in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "differs",
    [
        "with `*` an answer names the origin of its request",
        "a preflight is answered for allowed origins only",
        "FCGI and AJP are not spoken",
    ],
)
def test_the_table_of_alb_says_what_differs_too(differs: str) -> None:
    assert differs in PARTS["alb-annotations"]()
