"""The rig for annotations asks a gateway in each way in which Envoy finds a host's table."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.standing import Standing, standing


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
def test_a_request_reaches_the_pod_of_its_branch(
    site: Standing[Annotated], way: str, canary: bool, pod: str
) -> None:
    feature = site.run(site.value.declare("plain", {}))
    seen = site.run(feature.ask(way, "/plain/x?y=1", canary=canary))
    assert (seen.pod, seen.answer.status) == (pod, 200)
    assert seen.request is not None
    assert seen.request.path == "/plain/x?y=1"
