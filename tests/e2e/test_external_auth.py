"""External authorization: what a service is asked, and what clients and Pods see of its answer."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from tests.e2e.annotated import WAYS, Annotated, Feature, Seen, annotated
from tests.e2e.authorizer import Authorizer, authorizer, verdict
from tests.e2e.backends import Manner, Request, backend, refusing
from tests.e2e.rig import ONE
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, secret, service, slice_of
from tests.translators.plans import NGINX
from translators.dialects.edge_settings import TRUSTED_PROXIES

SERVICE = "http://auth.default.svc.cluster.local"

ANNOTATIONS = {
    f"{NGINX}auth-url": f"{SERVICE}/check%2Fit?for=shop&all",
    f"{NGINX}auth-response-headers": "X-User, Authorization",
}


PASSWORDS = {"auth_type": "basic", "auth_secret": "users"}


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway, the service `auth`, and a Pod that answers as `x-answer` says."""

    site: Annotated
    auth: Authorizer
    own: Authorizer


@asynccontextmanager
async def guarded(root: Path) -> AsyncIterator[Site]:
    async with (
        annotated(root, {TRUSTED_PROXIES: "127.0.0.0/8"}) as site,
        authorizer("auth") as auth,
        authorizer("own", "x-answer") as own,
    ):
        site.rig.expose("auth", [auth])
        site.rig.expose("own", [own])
        yield Site(site, auth, own)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(guarded(tmp_path_factory.mktemp("external"))) as site:
        yield site


@pytest.fixture(scope="module")
def external(site: Standing[Site]) -> Feature:
    return declared(site, "external")


def declared(site: Standing[Site], name: str, **more: str) -> Feature:
    spelt = {NGINX + key.replace("_", "-"): value for key, value in more.items()}
    return site.run(site.value.site.declare(name, {**ANNOTATIONS, **spelt}, canary={}))


def ask(
    site: Standing[Site],
    feature: Feature,
    headers: Mapping[str, str],
    way: str = "exact",
    *,
    method: str = "GET",
    body: bytes = b"",
    canary: bool = False,
) -> tuple[Seen, Request | None]:
    """Return what was seen of a request, and the question that the service got."""
    before = len(site.value.auth.asked)
    path = f"/{feature.name}/x?a=1&b=/"
    seen = site.run(
        feature.ask(way, path, headers=headers, method=method, body=body, canary=canary)
    )
    asked = site.value.auth.asked[before:]
    assert len(asked) <= 1
    return seen, asked[0] if asked else None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_request_is_allowed(
    site: Standing[Site], external: Feature, way: str, canary: bool, status: int
) -> None:
    seen, asked = ask(site, external, verdict(status), way, canary=canary)
    assert (seen.answer.status, seen.pod) == (200, "canary" if canary else "main")
    assert asked is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, 401),
        (403, 403),
        (302, 500),
        (400, 500),
        (404, 500),
        (429, 500),
        (500, 500),
        (503, 500),
    ],
)
def test_a_request_is_refused(
    site: Standing[Site], external: Feature, way: str, status: int, expected: int
) -> None:
    challenge = ("www-authenticate", "Bearer")
    seen, asked = ask(site, external, verdict(status, challenge, ("set-cookie", "a=1")), way)
    assert (seen.answer.status, seen.pod) == (expected, "")
    assert asked is not None
    assert "set-cookie" not in seen.answer.headers
    assert "x-fg-auth" not in seen.answer.headers
    if expected != 500:
        assert seen.answer.body == b"auth said so"
    if status == 401:
        assert seen.answer.headers["www-authenticate"] == "Bearer"


def test_a_question_has_the_headers_of_the_request_and_no_body(
    site: Standing[Site], external: Feature
) -> None:
    sent = {
        "cookie": "session=1",
        "authorization": "Bearer of-the-client",
        "x-original-url": "forged",
        "x-original-method": "forged",
        "x-fg-auth": "POST forged.test",
        "x-fg-was-authorization": "forged",
        "x-forwarded-for": "192.0.2.7",
    }
    body = b"x" * 100_000
    seen, asked = ask(site, external, sent, method="POST", body=body)
    assert seen.request is not None
    assert (seen.request.method, seen.request.body) == ("POST", body)
    assert asked is not None
    assert (asked.method, asked.path, asked.body) == ("GET", "/check%2Fit?for=shop&all", b"")
    told = {
        "host": "auth.default.svc.cluster.local",
        "cookie": "session=1",
        "authorization": "Bearer of-the-client",
        "x-original-url": "http://external.test/external/x?a=1&b=/",
        "x-original-uri": "/external/x?a=1&b=/",
        "x-original-method": "POST",
        "x-auth-request-redirect": "/external/x?a=1&b=/",
        "x-real-ip": "192.0.2.7",
        "x-forwarded-proto": "http",
        "x-envoy-expected-rq-timeout-ms": "10000",
    }
    assert {name: asked.headers.get(name) for name in told} == told
    for headers in (asked.headers, seen.request.headers):
        assert not any(name.startswith("x-fg-") for name in headers)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("answer", "seen_by_pod"),
    [
        pytest.param([], (None, None), id="none-given"),
        pytest.param([("x-user", "anna")], ("anna", None), id="one-given"),
        pytest.param(
            [("X-User", "anna"), ("Authorization", "Bearer new")], ("anna", "Bearer new"), id="both"
        ),
    ],
)
def test_named_headers_reach_pods_from_the_service_alone(
    site: Standing[Site],
    external: Feature,
    way: str,
    answer: list[tuple[str, str]],
    seen_by_pod: tuple[str | None, str | None],
) -> None:
    forged = {"x-user": "admin", "authorization": "Bearer old"}
    headers = {**forged, **verdict(200, *answer, ("x-other", "1"))}
    seen, asked = ask(site, external, headers, way)
    assert seen.request is not None
    got = seen.request.headers
    assert (got.get("x-user"), got.get("authorization")) == seen_by_pod
    assert "x-other" not in got
    assert asked is not None
    assert {name: asked.headers.get(name) for name in forged} == forged


@pytest.mark.parametrize("way", WAYS)
def test_who_is_known_by_address_cannot_name_himself(site: Standing[Site], way: str) -> None:
    feature = declared(site, "either", satisfy="any", allowlist_source_range="10.1.0.0/16")
    inside = {"x-forwarded-for": "10.1.2.3", "x-user": "admin", **verdict(401)}
    seen, asked = ask(site, feature, inside, way)
    assert (seen.answer.status, seen.pod, asked) == (200, "main", None)
    assert seen.request is not None
    assert "x-user" not in seen.request.headers
    outside = {"x-forwarded-for": "192.0.2.7"}
    assert ask(site, feature, {**outside, **verdict(401)}, way)[0].answer.status == 401
    assert ask(site, feature, {**outside, **verdict(200)}, way)[0].answer.status == 200


def test_cookies_of_the_service(site: Standing[Site], external: Feature) -> None:
    cookie = ("set-cookie", "session=2; Path=/")
    seen, _ = ask(site, external, verdict(200, cookie))
    assert seen.answer.headers["set-cookie"] == "session=2; Path=/"
    always = declared(site, "always", auth_always_set_cookie="true")
    seen, _ = ask(site, always, verdict(403, cookie))
    assert (seen.answer.status, seen.answer.headers["set-cookie"]) == (403, "session=2; Path=/")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("by", ["GET", "POST", "HEAD"])
def test_the_method_of_a_question(site: Standing[Site], method: str, by: str) -> None:
    feature = declared(site, "method", auth_method=by)
    for status in (200, 403):
        seen, asked = ask(site, feature, verdict(status), method=method)
        assert asked is not None
        assert (asked.method, asked.headers["x-original-method"]) == (by, method)
        assert seen.answer.status == status


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("more", "location"),
    [
        pytest.param(
            {"auth_signin": "https://login.test/start"},
            "https://login.test/start?rd=http://{host}%2Fsignin%2Fx%3Fa%3D1%26b%3D%2F",
            id="added",
        ),
        pytest.param(
            {"auth_signin": "https://$host/go?app=1", "auth_signin_redirect_param": "next"},
            "https://{name}/go?app=1&next=http://{host}%2Fsignin%2Fx%3Fa%3D1%26b%3D%2F",
            id="other-parameter",
        ),
        pytest.param(
            {"auth_signin": "https://login.test/?rd=$scheme://$http_host$request_uri"},
            "https://login.test/?rd=http://{host}/signin/x?a=1&b=/",
            id="as-it-is",
        ),
    ],
)
def test_a_client_is_sent_to_the_sign_in_page(
    site: Standing[Site], way: str, more: dict[str, str], location: str
) -> None:
    feature = declared(site, "signin", **more)
    seen, _ = ask(
        site, feature, verdict(401, ("www-authenticate", "Bearer"), ("set-cookie", "a=1")), way
    )
    host = WAYS[way][1].format("signin")
    assert (seen.answer.status, seen.pod) == (302, "")
    assert seen.answer.headers["location"] == location.format(host=host, name=host.lower())
    assert seen.answer.headers["set-cookie"] == "a=1"
    assert not {"www-authenticate", "x-fg-auth"} & set(seen.answer.headers)
    assert ask(site, feature, verdict(403), way)[0].answer.status == 403
    assert ask(site, feature, verdict(200), way)[0].pod == "main"


def test_a_401_of_the_pod_itself_is_the_answer(site: Standing[Site]) -> None:
    signin = {f"{NGINX}auth-signin": "https://login.test/start"}
    made = ingress("own", host="own.test").path("/", to="own:80").of_class("mse")
    site.value.site.rig.declare("own.yaml", made.annotate({**ANNOTATIONS, **signin}))
    site.run(site.value.site.rig.sync())
    headers = verdict(401, ("www-authenticate", "Basic"), by="x-answer")
    seen = site.run(site.value.site.ask(Question("/", "own.test", headers)))
    assert (seen.answer.status, seen.answer.headers["www-authenticate"]) == (401, "Basic")
    assert "location" not in seen.answer.headers


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({"auth_url": "http://none.default.svc/check"}, 500, id="no-such-service"),
        pytest.param({"auth_url": f"{SERVICE}:99/check"}, 500, id="no-such-port"),
        pytest.param({"auth_url": "http://nowhere.invalid/"}, 500, id="no-such-host"),
        pytest.param({"auth_url": "auth.default.svc/check"}, 503, id="no-url"),
        pytest.param({"auth_method": "get"}, 503, id="no-method"),
        pytest.param({"auth_response_headers": "X-User X-Mail"}, 503, id="no-headers"),
    ],
)
def test_a_service_that_cannot_be_asked_allows_nothing(
    site: Standing[Site], way: str, more: dict[str, str], status: int
) -> None:
    seen, asked = ask(site, declared(site, "broken", **more), verdict(200), way)
    assert (seen.answer.status, seen.pod, asked) == (status, "", None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pod_of_the_service_that_refuses_connections_is_not_noticed(
    site: Standing[Site], method: str
) -> None:
    with refusing(3) as dead:
        slices = [
            slice_of("some", addresses=[host], port=port, port_name="http", suffix=str(number))
            for number, (host, port) in enumerate([*dead, site.value.auth.address])
        ]
        some = service("some", ports={"http": 80})
        site.value.site.rig.declare("some.yaml", some, *slices, to=ONE)
        feature = declared(
            site, "some-dead", auth_url="http://some.default.svc/", auth_method=method
        )
        seen = [ask(site, feature, verdict(200), method=method)[0] for _ in range(20)]
    assert {each.answer.status for each in seen} == {200}


def test_a_pod_of_the_service_that_crashes_is_not_noticed(site: Standing[Site]) -> None:
    async def crashing() -> list[int]:
        async with backend("crashes", manner=Manner.RESET) as pod:
            site.value.site.rig.expose("half", [pod, site.value.auth])
            annotations = {f"{NGINX}auth-url": "http://half.default.svc/"}
            feature = await site.value.site.declare("half", annotations, canary={})
            asked = [await feature.ask("exact", "/half", method="POST") for _ in range(20)]
            assert pod.asked
            return [seen.answer.status for seen in asked]

    assert set(site.run(crashing())) == {200}


@pytest.mark.parametrize("way", WAYS)
def test_a_host_outside_of_the_fleet_is_asked(site: Standing[Site], way: str) -> None:
    port = site.value.auth.address[1]
    feature = declared(site, "outside", auth_url=f"http://localhost:{port}/check")
    seen, asked = ask(site, feature, verdict(403), way)
    assert seen.answer.status == 403
    assert asked is not None
    assert asked.headers["host"] == "localhost"
    assert ask(site, feature, verdict(200), way)[0].pod == "main"


def test_a_password_is_demanded_before_the_service_is_asked(site: Standing[Site]) -> None:
    users = secret("users", {"auth": "YW5uYTp7U0hBfTVlbjZHNk1lelJyb1QzWEtxa2RQT21ZL0JmUT0K"})
    site.value.site.rig.declare("users.yaml", users)
    feature = declared(site, "two", **PASSWORDS)
    seen, asked = ask(site, feature, verdict(200))
    assert (seen.answer.status, asked) == (401, None)
    anna = {"authorization": "Basic YW5uYTpzZWNyZXQ="}
    assert ask(site, feature, {**anna, **verdict(200)})[0].pod == "main"
    assert ask(site, feature, {**anna, **verdict(403)})[0].answer.status == 403


@pytest.mark.parametrize("way", WAYS)
def test_no_question_is_asked_in_clear_where_https_is_demanded(
    site: Standing[Site], way: str
) -> None:
    more = {"ssl_redirect": "true", "auth_signin": "https://login.test/start"}
    feature = declared(site, "clear", **more)
    seen, asked = ask(site, feature, {**verdict(401), "x-forwarded-proto": "http"}, way)
    assert (seen.answer.status, asked) == (308, None)
    seen, asked = ask(site, feature, {**verdict(401), "x-forwarded-proto": "https"}, way)
    assert (seen.answer.status, seen.pod) == (302, "")
    assert asked is not None
