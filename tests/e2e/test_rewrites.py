"""Regex paths, rewrites, other Hosts and roots of applications, as clients and Pods see them."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"
TARGET = f"{NGINX}rewrite-target"
SOMETHING = [("/something(/|$)(.*)", "ImplementationSpecific")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


BRANCHES = pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])


@pytest.mark.parametrize("way", WAYS)
@BRANCHES
@pytest.mark.parametrize(
    ("asked", "got"),
    [
        pytest.param("/something", "/", id="bare"),
        pytest.param("/something/", "/", id="slash"),
        pytest.param("/something/new?a=1", "/new?a=1", id="query"),
        pytest.param("/something/a%2Fb//c", "/a%2Fb//c", id="escapes"),
        pytest.param("/something/?/x", "/?/x", id="slash-in-the-query"),
        pytest.param("/something/" + "a/" * 4000, "/" + "a/" * 4000, id="long"),
    ],
)
def test_a_target_with_groups_replaces_the_path(
    site: Standing[Annotated], way: str, canary: bool, pod: str, asked: str, got: str
) -> None:
    feature = site.run(site.value.declare("groups", {TARGET: "/$2"}, SOMETHING, canary={}))
    seen = site.run(feature.ask(way, asked, canary=canary))
    assert (seen.answer.status, seen.pod) == (200, pod)
    assert seen.request is not None
    assert seen.request.path == got


@pytest.mark.parametrize("way", WAYS)
def test_what_a_pattern_does_not_match_is_not_found(site: Standing[Annotated], way: str) -> None:
    feature = site.run(site.value.declare("groups", {TARGET: "/$2"}, SOMETHING, canary={}))
    assert site.run(feature.ask(way, "/somethingelse")).answer.status == 404


@pytest.mark.parametrize(
    ("path", "target", "asked", "got"),
    [
        pytest.param("/whole", "/b", "/whole/c?d=/whole/c", "/b?d=/whole/c", id="prefix"),
        pytest.param("/whole/(.*)", "$1", "/whole/x", "/x", id="group-alone"),
        pytest.param("/whole/(.*)", "$1", "/whole/http://b/", "/http://b/", id="no-other-host"),
        pytest.param("/whole/(a+)/.*(b)", "/$2$1", "/whole/aa/xb", "/baa", id="costly-pattern"),
        pytest.param("/?(.*)", "/new", "/whole/x", "/new", id="pattern-that-an-empty-path-matches"),
        pytest.param("/*|(.*)", "/$1", "/whole/x", "/", id="pattern-of-two-parts"),
        pytest.param("/whole/", "/%7Cé", "/whole/", "/%7C%C3%A9", id="escapes"),
    ],
)
def test_the_whole_path_is_replaced_once(
    site: Standing[Annotated], path: str, target: str, asked: str, got: str
) -> None:
    feature = site.run(site.value.declare("whole", {TARGET: target}, [(path, "Prefix")]))
    seen = site.run(feature.ask("exact", asked))
    assert seen.request is not None
    assert seen.request.path == got


def test_a_rewrite_to_nothing_harms_nobody(site: Standing[Annotated]) -> None:
    paths = [("/empty(/.*)?", "ImplementationSpecific")]
    feature = site.run(site.value.declare("empty", {TARGET: "$1"}, paths))
    assert site.run(feature.ask("exact", "/empty")).answer.status in {200, 400, 404, 503}
    seen = site.run(feature.ask("exact", "/empty/x"))
    assert seen.request is not None
    assert seen.request.path == "/x"


def test_a_costly_pattern_is_not_compared_with_long_paths(site: Standing[Annotated]) -> None:
    paths = [("/costly/.*x", "Prefix")]
    feature = site.run(site.value.declare("costly", {f"{NGINX}use-regex": "true"}, paths))
    assert site.run(feature.ask("exact", "/costly/x")).answer.status == 200
    assert site.run(feature.ask("exact", f"/costly/{'x' * 600}")).answer.status == 404


@pytest.mark.parametrize("way", WAYS)
@BRANCHES
def test_the_backend_gets_another_host(
    site: Standing[Annotated], way: str, canary: bool, pod: str
) -> None:
    inner = {f"{NGINX}upstream-vhost": "inner.test:81"}
    feature = site.run(site.value.declare("vhost", inner, canary={}))
    seen = site.run(feature.ask(way, "/vhost", canary=canary))
    assert seen.pod == pod
    assert seen.request is not None
    assert seen.request.headers["host"] == "inner.test:81"
    assert seen.request.headers["x-forwarded-host"] == WAYS[way][1].format("vhost")


@pytest.mark.parametrize("way", WAYS)
@BRANCHES
def test_the_root_is_redirected_to_the_application(
    site: Standing[Annotated], way: str, canary: bool, pod: str
) -> None:
    feature = site.run(site.value.declare("root", {f"{NGINX}app-root": "/root/home"}))
    seen = site.run(feature.ask(way, "/?a=1", canary=canary))
    host = WAYS[way][1].format("root")
    assert (seen.answer.status, seen.request) == (302, None)
    assert seen.answer.headers["location"] == f"http://{host}/root/home?a=1"
    assert site.run(feature.ask(way, "/root/home", canary=canary)).pod == pod
    assert site.run(feature.ask(way, "/other", canary=canary)).answer.status == 404
