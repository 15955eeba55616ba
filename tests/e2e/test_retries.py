"""A request that a backend may have acted on is tried again as the annotations say."""

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.backends import Manner
from tests.e2e.standing import Standing, standing
from translators.envoy.retries import RETRIES

NGINX = "nginx.ingress.kubernetes.io/"
MORE, TRIES, EACH = (f"{NGINX}proxy-next-upstream{end}" for end in ("", "-tries", "-timeout"))

EVERY_503 = {MORE: "error,timeout,http_503,non_idempotent", TRIES: "2"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


def reached(
    site: Standing[Annotated],
    way: str,
    annotations: Mapping[str, object],
    manner: Manner,
    method: str = "GET",
    *,
    canary: bool = False,
) -> int:
    """Count how often a request reaches Pods. That of its branch behaves in this manner."""
    pod = site.value.pods["canary" if canary else "main"]

    async def asking() -> int:
        feature = await site.value.declare("tried", annotations)
        # A success in between keeps the Pod from being ejected for its failures. One that has been
        # ejected by earlier failures comes back within seconds.
        served = len(pod.asked)
        async with asyncio.timeout(60):
            while len(pod.asked) == served:
                await feature.ask(way, "/tried", canary=canary)
        before = sum(len(each.asked) for each in site.value.pods.values())
        pod.manner = manner
        try:
            await feature.ask(way, "/tried", method=method, canary=canary)
        finally:
            pod.manner = Manner.ANSWER
        return sum(len(each.asked) for each in site.value.pods.values()) - before

    return site.run(asking())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("annotations", "manner", "method", "times"),
    [
        pytest.param({}, Manner.RESET, "GET", 1 + RETRIES, id="without-keys"),
        pytest.param({}, Manner.UNAVAILABLE, "GET", 1, id="an-answer-without-keys"),
        pytest.param({TRIES: "2"}, Manner.RESET, "GET", 3, id="tries"),
        pytest.param({TRIES: "0"}, Manner.RESET, "GET", 1, id="no-tries"),
        pytest.param({MORE: "off"}, Manner.RESET, "GET", 1, id="off"),
        pytest.param({MORE: "http_500"}, Manner.RESET, "GET", 1, id="no-error"),
        pytest.param({MORE: "http_503"}, Manner.UNAVAILABLE, "GET", 4, id="named-answer"),
        pytest.param({MORE: "http_502"}, Manner.UNAVAILABLE, "GET", 1, id="another-answer"),
        pytest.param({MORE: "error http_503"}, Manner.UNAVAILABLE, "POST", 1, id="post"),
        pytest.param({MORE: "error", TRIES: "2"}, Manner.RESET, "POST", 1, id="post-reset"),
        pytest.param(EVERY_503, Manner.UNAVAILABLE, "POST", 3, id="every-method"),
        pytest.param(EVERY_503, Manner.RESET, "PATCH", 3, id="every-method-reset"),
        pytest.param({TRIES: "1", EACH: "1"}, Manner.SILENT, "GET", 2, id="time-of-a-try"),
    ],
)
def test_a_request_reaches_a_pod_so_often(
    site: Standing[Annotated],
    way: str,
    annotations: Mapping[str, object],
    manner: Manner,
    method: str,
    times: int,
) -> None:
    assert reached(site, way, annotations, manner, method) == times


@pytest.mark.parametrize("way", WAYS)
def test_a_canary_is_tried_as_its_main(site: Standing[Annotated], way: str) -> None:
    """The last try goes to the main's Pod, which stands in for a canary that fails.

    A canary whose Pod is ejected at that moment gets no try at all: the main answers at once.
    """
    for _ in range(20):
        tries = reached(site, way, EVERY_503, Manner.UNAVAILABLE, "POST", canary=True)
        assert tries in {1, 3}
        if tries == 3:
            return
    pytest.fail("the canary was never asked")
