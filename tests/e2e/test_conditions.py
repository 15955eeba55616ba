"""Rules that annotations narrow, and paths in any case, as clients see them."""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.annotated import WAYS, Annotated, Seen, annotated
from tests.e2e.standing import Standing, standing

MSE = "mse.ingress.kubernetes.io/"
HIGRESS = "higress.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


CONDITIONS = {
    f"{MSE}match-method": "GET PUT",
    f"{HIGRESS}exact-match-header-X-Stage": "gray",
    f"{HIGRESS}prefix-match-header-x-user": "me.",
    f"{HIGRESS}regex-match-query-v": "[0-9]+",
    f"{MSE}exact-match-query-q": "a b",
    f"{MSE}exact-match-pseudo-header-scheme": "http",
}
HEADERS = {"x-stage": "gray", "x-user": f"me.{'x' * 2000}"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
@pytest.mark.parametrize(
    ("method", "query", "headers", "taken"),
    [
        pytest.param("GET", "?v=12&q=a+b", HEADERS, True, id="all"),
        pytest.param("PUT", "?q=a%20b&v=1", HEADERS, True, id="other-spellings"),
        pytest.param("POST", "?v=12&q=a+b", HEADERS, False, id="method"),
        pytest.param("GET", "?v=x&q=a+b", HEADERS, False, id="pattern"),
        pytest.param("GET", "?q=a+b", HEADERS, False, id="no-parameter"),
        pytest.param("GET", "?v=12&q=a+b", {"x-stage": "gray"}, False, id="no-header"),
        pytest.param("GET", "?v=1&q=a+b", {**HEADERS, "x-stage": "Gray"}, False, id="case"),
    ],
)
def test_a_rule_takes_the_requests_that_meet_its_conditions(
    site: Standing[Annotated],
    way: str,
    canary: bool,
    pod: str,
    method: str,
    query: str,
    headers: Mapping[str, str],
    taken: bool,
) -> None:
    feature = site.run(site.value.declare("narrow", CONDITIONS))
    asked = feature.ask(way, f"/narrow{query}", headers=headers, method=method, canary=canary)
    seen = site.run(asked)
    assert (seen.answer.status, seen.pod) == ((200, pod) if taken else (404, ""))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(f"{MSE}match-method", "GET/", id="method"),
        pytest.param(f"{HIGRESS}regex-match-header-x", "(", id="pattern"),
        pytest.param(f"{MSE}full-path-regex", "perhaps", id="full-path"),
    ],
)
def test_a_condition_that_cannot_be_read_closes_the_path(
    site: Standing[Annotated], way: str, key: str, value: str
) -> None:
    feature = site.run(site.value.declare("closed", {key: value}, canary={}))
    seen = site.run(feature.ask(way, "/closed"))
    assert (seen.answer.status, seen.pod) == (503, "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
def test_the_case_of_a_path_does_not_count(
    site: Standing[Annotated], way: str, kind: str, canary: bool, pod: str
) -> None:
    any_case = {f"{MSE}ignore-path-case": "true"}
    feature = site.run(site.value.declare("cases", any_case, [("/Cases", kind)], canary={}))
    assert site.run(feature.ask(way, "/cASES?x=1", canary=canary)).pod == pod
    assert site.run(feature.ask(way, "/casesX", canary=canary)).answer.status == 404
    below = site.run(feature.ask(way, "/CASES/x", canary=canary))
    assert below.pod == (pod if kind == "Prefix" else "")


@pytest.mark.parametrize("way", WAYS)
def test_a_pattern_of_the_whole_path(site: Standing[Annotated], way: str) -> None:
    whole = {f"{MSE}full-path-regex": "true", f"{MSE}ignore-path-case": "true"}
    paths = [("/whole/[0-9]+", "ImplementationSpecific")]
    feature = site.run(site.value.declare("whole", whole, paths, canary={}))

    def ask(path: str, *, canary: bool = False) -> Seen:
        return site.run(feature.ask(way, path, canary=canary))

    assert ask("/WHOLE/12?a").pod == "main"
    assert ask("/whole/12", canary=True).pod == "canary"
    assert ask("/whole/12/x").answer.status == 404
