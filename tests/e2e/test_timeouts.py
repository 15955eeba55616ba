"""Requests end after the time that annotations give them, in each way to a host's table."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.backends import Manner
from tests.e2e.standing import Standing, standing

NGINX, MSE = "nginx.ingress.kubernetes.io/", "mse.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize(
    "key",
    [f"{MSE}timeout", f"{NGINX}proxy-read-timeout", f"{NGINX}proxy-send-timeout"],
    ids=["timeout", "proxy-read-timeout", "proxy-send-timeout"],
)
def test_a_request_without_an_answer_ends_with_504(
    site: Standing[Annotated], way: str, key: str, canary: bool
) -> None:
    """The time is short against that of `ask`, which would fail without the annotation."""
    pod = site.value.pods["canary" if canary else "main"]

    async def asking() -> int:
        feature = await site.value.declare(
            "late", {key: "1"}, canary={}
        )  # the canary has none of its own
        pod.manner = Manner.SILENT
        try:
            return (await feature.ask(way, "/late", canary=canary)).answer.status
        finally:
            pod.manner = Manner.ANSWER

    assert site.run(asking()) == 504
