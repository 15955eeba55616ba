"""The size of a body: what a client with a longer one gets."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.standing import Standing, standing
from tests.support.raw_http import ask_raw, lines
from tests.translators.plans import NGINX


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("bodies"))) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize(("size", "status"), [(0, 200), (1024, 200), (1025, 413), (300_000, 413)])
def test_a_body(site: Standing[Annotated], way: str, canary: bool, size: int, status: int) -> None:
    feature = site.run(site.value.declare("body", {f"{NGINX}proxy-body-size": "1k"}, canary={}))
    seen = site.run(feature.ask(way, "/body", method="POST", body=b"x" * size, canary=canary))
    assert seen.answer.status == status
    if status == 200:
        assert seen.request is not None
        assert len(seen.request.body) == size


def test_a_body_without_a_length_is_bounded_too(site: Standing[Annotated]) -> None:
    site.run(site.value.declare("chunked", {f"{NGINX}proxy-body-size": "1k"}, canary={}))
    head = "POST /chunked HTTP/1.1\r\nhost: chunked.test\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(2)) + b"0\r\n\r\n"
    next_one = lines("/", "chunked.test")
    answer = site.run(
        ask_raw(site.value.address, next_one, source="127.0.0.1", preface=head.encode() + chunks)
    )
    assert answer.status == 413


@pytest.mark.parametrize("annotations", [{}, {f"{NGINX}proxy-body-size": "0"}])
def test_without_a_limit_every_body_is_accepted(
    site: Standing[Annotated], annotations: dict[str, str]
) -> None:
    feature = site.run(site.value.declare("large", annotations, canary={}))
    body = b"x" * 2_000_000
    seen = site.run(feature.ask("exact", "/large", method="POST", body=body))
    assert (seen.answer.status, seen.pod) == (200, "main")
