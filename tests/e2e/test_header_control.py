"""Headers of requests and answers, as clients and Pods see them, with a canary beside."""

from collections.abc import Iterator

import pytest

from fleetgate.demo.http import Question
from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.rig import ONE, ask_once
from tests.e2e.speaking import strict_http2_pod
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of

NGINX = "nginx.ingress.kubernetes.io/"
MSE = "mse.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


def control(of: str) -> dict[str, str]:
    return {
        f"{MSE}request-header-control-remove": "x-out, x-again",
        f"{MSE}request-header-control-update": f"x-of {of}\nx-again 100% of 'it'",
        f"{MSE}request-header-control-add": "x-more second",
        f"{MSE}response-header-control-remove": "x-member",
        f"{MSE}response-header-control-update": f"x-from '{of}'",
    }


SENT = {"x-out": "1", "x-again": "1", "x-more": "first", "x-of": "client"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
def test_each_branch_changes_headers_in_its_own_way(
    site: Standing[Annotated], way: str, canary: bool, pod: str
) -> None:
    feature = site.run(site.value.declare("branches", control("main"), canary=control("canary")))
    seen = site.run(feature.ask(way, "/branches", headers=SENT, canary=canary))
    assert (seen.pod, seen.answer.status) == (pod, 200)
    assert seen.request is not None
    got = seen.request.headers
    assert "x-out" not in got
    assert (got["x-of"], got["x-again"]) == (pod, "100% of 'it'")
    assert got["x-more"] == "second"  # the backend keeps the last one of two
    assert "x-member" not in seen.answer.headers
    assert seen.answer.headers["x-from"] == pod


@pytest.mark.parametrize("way", WAYS)
def test_weighted_backends_have_their_own_headers(site: Standing[Annotated], way: str) -> None:
    half = {f"{NGINX}canary-weight": "50"}
    feature = site.run(
        site.value.declare("half", control("main"), canary={**control("canary"), **half})
    )
    pods = set()
    for _ in range(60):
        seen = site.run(feature.ask(way, "/half"))
        assert seen.request is not None
        assert seen.request.headers["x-of"] == seen.pod
        assert seen.answer.headers["x-from"] == seen.pod
        pods.add(seen.pod)
    assert pods == {"main", "canary"}  # one alone has a chance of 2 in 2^60


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
def test_backends_are_told_their_prefix_and_connections_are_kept(
    site: Standing[Annotated], way: str, canary: bool, pod: str
) -> None:
    annotations = {
        f"{NGINX}x-forwarded-prefix": "/told",
        f"{NGINX}connection-proxy-header": "keep-alive",
    }
    feature = site.run(site.value.declare("told", annotations, canary={}))
    for _ in range(2):
        seen = site.run(feature.ask(way, "/told", canary=canary))
        assert (seen.pod, seen.answer.status) == (pod, 200)
        assert seen.request is not None
        assert seen.request.headers["x-forwarded-prefix"] == "/told"
        assert seen.request.headers.get("connection", "keep-alive") == "keep-alive"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(f"{NGINX}connection-proxy-header", "keep-alive", id="keep-alive"),
        pytest.param(f"{NGINX}connection-proxy-header", "close", id="close"),
        pytest.param(f"{NGINX}x-forwarded-prefix", "/é 100%", id="prefix"),
        pytest.param(
            f"{MSE}request-header-control-update", "TE gzip\nUpgrade h2c", id="hop-by-hop"
        ),
        pytest.param(f"{MSE}request-header-control-add", "X!#$%&'*+.^_`|~ é \x7f", id="odd-name"),
        pytest.param(f"{MSE}request-header-control-update", "x-empty ''", id="empty"),
        pytest.param(f"{MSE}request-header-control-remove", "content-type, x-none", id="removed"),
        pytest.param(f"{NGINX}upstream-vhost", "[::1]:80", id="host"),
    ],
)
def test_a_backend_by_http2_is_asked_with_the_headers_too(
    site: Standing[Annotated], key: str, value: str
) -> None:
    """HTTP/2 forbids some headers. A backend that gets one ends the connection of all requests."""
    assert site.run(_status_by_http2(site.value, {key: value})) == 200


async def _status_by_http2(site: Annotated, annotations: dict[str, str]) -> int:
    """Ask a Pod that speaks HTTP/2 only, and return the status."""
    async with strict_http2_pod() as (host, port):
        pods = slice_of("calls", addresses=[host], port=port, port_name="http")
        site.rig.declare("calls.yaml", service("calls", ports={"http": 80}), pods, to=ONE)
        made = ingress("calls", host="calls.test").path("/", to="calls:80").of_class("mse")
        by_http2 = {f"{NGINX}backend-protocol": "GRPC", **annotations}
        site.rig.declare("by-http2.yaml", made.annotate(by_http2))
        await site.rig.sync()
        return (await ask_once(site.address, Question("/", "calls.test"))).status
