"""A real Envoy sends the requests to a canary that its annotations describe."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Answer, Question
from fleetgate.demo.load import Tally
from fleetgate.demo.load import ask as ask_often
from tests.e2e.backends import backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.e2e.standing import Standing, standing
from tests.support import running_fleet as pods
from tests.support.builders import IngressBuilder, ingress
from tests.support.running_fleet import NEVER, running_fleet
from translators.model.bounds import MAX_MATCHED

PREFIX = "nginx.ingress.kubernetes.io/canary"
OWN_PREFIX = "mse.ingress.kubernetes.io/canary"

CANARIES: Mapping[str, Mapping[str, str]] = {
    "header": {f"{PREFIX}-by-header": "x-canary"},
    "value": {f"{PREFIX}-by-header": "x-canary", f"{PREFIX}-by-header-value": "yes"},
    "pattern": {f"{PREFIX}-by-header": "x-canary", f"{PREFIX}-by-header-pattern": "b[ae]t+a|^v2$"},
    "cookie": {f"{PREFIX}-by-cookie": "canary"},
    "cookie-value": {f"{PREFIX}-by-cookie": "canary", f"{OWN_PREFIX}-by-cookie-value": "a.b"},
    "query": {f"{OWN_PREFIX}-by-query": "canary"},
    "query-value": {f"{OWN_PREFIX}-by-query": "canary", f"{OWN_PREFIX}-by-query-value": "yes"},
    "query-text": {f"{OWN_PREFIX}-by-query": "v", f"{OWN_PREFIX}-by-query-value": "a b+é{~}%=&"},
    "query-long": {f"{OWN_PREFIX}-by-query": "v", f"{OWN_PREFIX}-by-query-value": "{" * 4096},
    "query-pattern": {f"{OWN_PREFIX}-by-query": "canary", f"{OWN_PREFIX}-by-query-pattern": "b.t"},
    "none": {f"{PREFIX}-weight": "0"},
    "tenth": {f"{PREFIX}-weight": "10"},
    "quarter": {f"{PREFIX}-weight": "5", f"{PREFIX}-weight-total": "20"},
    "third-of-billions": {
        f"{PREFIX}-weight": str(10**12),
        f"{PREFIX}-weight-total": str(3 * 10**12 + 1),
    },
    "header-and-all": {f"{PREFIX}-by-header": "x-canary", f"{PREFIX}-weight": "100"},
    "header-and-cookie": {f"{PREFIX}-by-header": "x-canary", f"{PREFIX}-by-cookie": "canary"},
}

LONGEST = "x" * (MAX_MATCHED - len("beta")) + "beta"
"""The longest value that patterns are compared with."""


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway with a host for each canary."""

    rig: Rig
    address: Address


def with_canary(name: str, annotations: Mapping[str, str], to: str) -> list[IngressBuilder]:
    host = f"{name}.test"
    main = ingress(name, host=host).path("/", to="main:80").of_class("mse")
    canary = ingress(f"{name}-canary", host=host).path("/", to=f"{to}:80").of_class("mse")
    return [main, canary.annotate({PREFIX: "true", **annotations})]


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with backend("main") as main, backend("canary") as canary, rig(root) as served:
        served.expose("main", [main])
        served.expose("canary", [canary])
        served.expose("no-pod", [])
        for name, annotations in CANARIES.items():
            served.declare(f"{name}.yaml", *with_canary(name, annotations, "canary"))
        for to in ("no-pod", "no-service"):
            whole = with_canary(to, CANARIES["header-and-all"], to)
            served.declare(f"to-{to}.yaml", *whole)
        yield Site(served, await served.address())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


def ask(site: Standing[Site], question: Question) -> Answer:
    return site.run(ask_once(site.value.address, question))


def tally(site: Standing[Site], question: Question, n: int) -> Tally:
    return site.run(ask_often(site.value.address, question, n))


@pytest.mark.parametrize(
    ("canary", "headers", "expected"),
    [
        pytest.param("header", {}, "main", id="no-header"),
        pytest.param("header", {"x-canary": "always"}, "canary", id="always"),
        pytest.param("header", {"X-Canary": "always"}, "canary", id="header-names-have-no-case"),
        pytest.param("header", {"x-canary": "Always"}, "main", id="header-values-have-case"),
        pytest.param("header", {"x-canary": "never"}, "main", id="never"),
        pytest.param("header", {"x-canary": "other"}, "main", id="other"),
        pytest.param("value", {"x-canary": "yes"}, "canary", id="value"),
        pytest.param("value", {"x-canary": "yes!"}, "main", id="more-than-the-value"),
        pytest.param("value", {"x-canary": "always"}, "main", id="a-value-beats-always"),
        pytest.param("pattern", {"x-canary": "the beta ring"}, "canary", id="pattern-anywhere"),
        pytest.param("pattern", {"x-canary": "v2"}, "canary", id="pattern-anchored"),
        pytest.param("pattern", {"x-canary": "v22"}, "main", id="anchors-hold"),
        pytest.param("pattern", {"x-canary": "bit"}, "main", id="pattern-not-found"),
        pytest.param("pattern", {"x-canary": "größe beta"}, "canary", id="pattern-beyond-ascii"),
        pytest.param("pattern", {"x-canary": LONGEST}, "canary", id="pattern-in-the-longest-value"),
        pytest.param("pattern", {"x-canary": f"x{LONGEST}"}, "main", id="value-too-long"),
        pytest.param("cookie", {}, "main", id="no-cookie"),
        pytest.param("cookie", {"cookie": "canary=always"}, "canary", id="cookie-always"),
        pytest.param("cookie", {"cookie": "canary=never"}, "main", id="cookie-never"),
        pytest.param("cookie", {"cookie": "a=1; canary=always; b=2"}, "canary", id="among-others"),
        pytest.param("cookie", {"cookie": "b=2;canary=always"}, "canary", id="without-a-blank"),
        pytest.param("cookie", {"cookie": 'canary="always"'}, "canary", id="in-quotes"),
        pytest.param("cookie", {"cookie": "canary=x; canary=always"}, "main", id="first-of-two"),
        pytest.param("cookie", {"cookie": "my-canary=always"}, "main", id="longer-cookie-name"),
        pytest.param("cookie", {"cookie": "canary=always1"}, "main", id="longer-cookie-value"),
        pytest.param("cookie-value", {"cookie": "a=1; canary=a.b"}, "canary", id="cookie-value"),
        pytest.param("cookie-value", {"cookie": "canary=axb"}, "main", id="cookie-value-is-text"),
        pytest.param("cookie-value", {"cookie": "canary=always"}, "main", id="beats-always-too"),
        pytest.param("header-and-all", {}, "canary", id="weight-for-the-rest"),
        pytest.param("header-and-all", {"x-canary": "never"}, "main", id="header-before-weight"),
        pytest.param(
            "header-and-cookie",
            {"x-canary": "never", "cookie": "canary=always"},
            "main",
            id="header-before-cookie",
        ),
        pytest.param(
            "header-and-cookie",
            {"x-canary": "other", "cookie": "canary=always"},
            "canary",
            id="undecided-header-leaves-it-to-the-cookie",
        ),
    ],
)
def test_a_request_with_headers_goes_to(
    site: Standing[Site], canary: str, headers: Mapping[str, str], expected: str
) -> None:
    answer = ask(site, Question("/", f"{canary}.test", headers))
    assert (answer.status, answer.body.decode()) == (200, expected)


@pytest.mark.parametrize(
    ("canary", "query", "expected"),
    [
        pytest.param("query", "canary=always", "canary", id="always"),
        pytest.param("query", "a=1&canary=always", "canary", id="among-others"),
        pytest.param("query", "canary=never", "main", id="never"),
        pytest.param("query", "a=1", "main", id="none"),
        pytest.param("query-value", "canary=yes", "canary", id="value"),
        pytest.param("query-value", "canary=yes1", "main", id="more-than-the-value"),
        pytest.param("query-text", "v=a+b%2B%C3%A9%7B%7E%7D%25%3D%26", "canary", id="form-encoded"),
        pytest.param("query-text", "v=a%20b+%c3%a9{~}%=%26", "canary", id="mostly-as-it-is"),
        pytest.param("query-text", "v=a%20b%2b%c3%a9%7b%7e%7d%25%3d%26", "canary", id="lower-case"),
        pytest.param("query-text", "v=a%2Bb%2B%C3%A9%7B%7E%7D%25%3D%26", "main", id="plus-is-none"),
        pytest.param("query-text", "v=a+b%2B%C3%A8%7B%7E%7D%25%3D%26", "main", id="other-letter"),
        pytest.param("query-long", "v=" + "%7B" * 4096, "canary", id="longest-value"),
        pytest.param("query-pattern", "canary=a-bet", "canary", id="pattern-anywhere"),
        pytest.param("query-pattern", "canary=beet", "main", id="pattern-not-found"),
        pytest.param("query-pattern", f"canary={LONGEST}", "canary", id="in-the-longest-value"),
        pytest.param("query-pattern", f"canary=x{LONGEST}", "main", id="value-too-long"),
        pytest.param("query-pattern", f"a=x{LONGEST}&canary=bat", "canary", id="another-is-long"),
    ],
)
def test_a_request_with_a_query_goes_to(
    site: Standing[Site], canary: str, query: str, expected: str
) -> None:
    answer = ask(site, Question(f"/?{query}", f"{canary}.test"))
    assert (answer.status, answer.body.decode()) == (200, expected)


@pytest.mark.parametrize(
    ("canary", "share"),
    [("none", 0), ("tenth", 10), ("quarter", 25), ("third-of-billions", 33.3)],
)
def test_a_weight_is_a_share_of_the_requests(
    site: Standing[Site], canary: str, share: float
) -> None:
    result = tally(site, Question("/", f"{canary}.test"), 2000)
    assert not result.failures
    assert abs(result.share("canary") - share) <= (4 if share else 0)


@pytest.mark.parametrize("to", ["no-pod", "no-service"])
@pytest.mark.parametrize("headers", [{}, {"x-canary": "always"}], ids=["weight", "header"])
def test_a_canary_without_a_usable_pod_leaves_its_share_to_the_main(
    site: Standing[Site], to: str, headers: Mapping[str, str]
) -> None:
    result = tally(site, Question("/", f"{to}.test", headers), 200)
    assert result.lines == {"main": 200}


def test_a_canary_whose_only_pod_was_killed_leaves_its_share_to_the_main(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_fleet(tmp_path / "fleet", NEVER) as made, rig(tmp_path) as served:
            for name, member in (("main", ONE), ("canary", TWO)):
                text = pods.deployment(name, env=name) + pods.service(name)
                made.fleet.apply(text, f"{name}.yaml", to=member)
            served.declare("web.yaml", *with_canary("web", CANARIES["header-and-all"], "canary"))
            await made.kubelet.sync()
            address = await served.address()
            question = Question("/", "web.test")
            assert (await ask_often(address, question, 100)).share("This is env canary !") == 100
            await made.kubelet.kill(TWO)
            assert (await ask_often(address, question, 400)).share("This is env main !") == 100

    asyncio.run(scenario())
