"""Lists of client addresses: who reaches a Pod, and who gets 403.

The gateway trusts proxies on loopback, so that a request can come from any address.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, annotated
from tests.e2e.standing import Standing, standing
from tests.translators.plans import MSE, NGINX
from translators.dialects.edge_settings import TRUSTED_PROXIES

INSIDE, ELSEWHERE, DENIED = "10.1.2.3", "192.0.2.7", "10.1.0.9"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    trusting = {TRUSTED_PROXIES: "127.0.0.0/8"}
    with standing(annotated(tmp_path_factory.mktemp("sources"), trusting)) as site:
        yield site


def statuses(
    site: Standing[Annotated], feature: Feature, way: str, path: str, *, canary: bool = False
) -> list[int]:
    """Ask from each of the addresses."""
    return [
        site.run(
            feature.ask(way, path, headers={"x-forwarded-for": client}, canary=canary)
        ).answer.status
        for client in (INSIDE, ELSEWHERE, DENIED)
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize(
    ("name", "annotations", "expected"),
    [
        pytest.param("allowed", {f"{NGINX}whitelist-source-range": "10.1.0.0/16"}, [200, 403, 200]),
        pytest.param("denied", {f"{NGINX}denylist-source-range": "10.1.0.9,::/0"}, [200, 200, 403]),
        pytest.param(
            "both",
            {
                f"{NGINX}allowlist-source-range": "10.1.0.0/16",
                f"{MSE}blacklist-source-range": "10.1.0.9",
            },
            [200, 403, 403],
        ),
        pytest.param("nobody", {f"{NGINX}allowlist-source-range": "x"}, [403, 403, 403]),
        pytest.param("everybody", {f"{NGINX}allowlist-source-range": "*"}, [200, 200, 200]),
        pytest.param("unreadable", {f"{NGINX}denylist-source-range": "x"}, [503, 503, 503]),
    ],
)
def test_a_list_of_an_ingress(
    site: Standing[Annotated],
    way: str,
    canary: bool,
    name: str,
    annotations: dict[str, str],
    expected: list[int],
) -> None:
    feature = site.run(site.value.declare(name, annotations, canary={}))
    assert statuses(site, feature, way, f"/{name}", canary=canary) == expected


@pytest.mark.parametrize("way", WAYS)
def test_a_list_of_a_host_holds_for_paths_without_their_own(
    site: Standing[Annotated], way: str
) -> None:
    own = {f"{MSE}domain-whitelist-source-range": "10.1.0.9"}
    # The paths without host have one host in common, and so have their lists.
    feature = site.run(site.value.declare("domain", own, canary={}))
    assert statuses(site, feature, way, "/domain") == [403, 403, 200]
    assert statuses(site, feature, way, "/elsewhere") == [403, 403, 404]
    replaced = {**own, f"{NGINX}whitelist-source-range": "192.0.2.0/24"}
    feature = site.run(site.value.declare("domain", replaced, canary={}))
    assert statuses(site, feature, way, "/domain") == [403, 200, 403]
    site.run(site.value.declare("domain", {}, canary={}))


@pytest.mark.parametrize("way", WAYS)
def test_a_client_cannot_choose_its_address(site: Standing[Annotated], way: str) -> None:
    annotations = {f"{NGINX}whitelist-source-range": "10.1.0.0/16"}
    feature = site.run(site.value.declare("chosen", annotations, canary={}))
    hops = {"x-forwarded-for": f"{INSIDE}, {ELSEWHERE}"}
    assert site.run(feature.ask(way, "/chosen", headers=hops)).answer.status == 403


@pytest.mark.parametrize("way", WAYS)
def test_a_path_that_a_backend_may_read_otherwise_is_refused(
    site: Standing[Annotated], way: str
) -> None:
    annotations = {f"{NGINX}whitelist-source-range": "10.1.0.0/16"}
    feature = site.run(site.value.declare("guarded", annotations, canary={}))
    seen = site.run(feature.ask(way, "/guarded%2Fx", headers={"x-forwarded-for": INSIDE}))
    assert (seen.answer.status, seen.pod) == (400, "")
