"""Basic authentication: who signs in, and what browsers and Pods see of it."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from time import monotonic

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, Seen, annotated
from tests.e2e.standing import Standing, standing
from tests.support.builders import secret
from tests.translators.plans import NGINX
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.envoy.md5_passwords import CHECKS_IN_A_SECOND

HTPASSWD = "\n".join(
    (
        "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "apr1:$apr1$kxMl1OSg$53wqgtEMmeiSk2yekvpBi/",
        "md5:$1$abcdefgh$G//4keteveJp0qb8z2DxG/",
        "long:$apr1$saltsalt$ZkiXPg6DuEDBqOLC6gQlY.",
        "empty:$apr1$saltsalt$a8ml/vK5HEjiZ5oypDWA7/",
        "plain:{PLAIN}secret",
        "bcrypt:$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    )
)
LONG = "correct horse battery staple" * 4

ANNOTATIONS = {
    f"{NGINX}auth-type": "basic",
    f"{NGINX}auth-secret": "users",
    f"{NGINX}auth-realm": 'The "shop"',
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    trusting = {TRUSTED_PROXIES: "127.0.0.0/8"}
    with standing(annotated(tmp_path_factory.mktemp("basic"), trusting)) as site:
        users = secret("users", {"auth": b64encode(HTPASSWD.encode()).decode()})
        site.value.rig.declare("users.yaml", users)
        yield site


@pytest.fixture(scope="module")
def basic(site: Standing[Annotated]) -> Feature:
    return site.run(site.value.declare("basic", ANNOTATIONS, canary={}))


def signed(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    pair = b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"{scheme} {pair}"}


def ask(
    site: Standing[Annotated],
    feature: Feature,
    headers: Mapping[str, str],
    way: str = "exact",
    *,
    canary: bool = False,
) -> Seen:
    """Ask once, and again as often as the gateway has had too many sign-ins at once."""

    async def asking() -> Seen:
        async with asyncio.timeout(30):
            while True:
                seen = await feature.ask(way, f"/{feature.name}/x", headers=headers, canary=canary)
                if "retry-after" not in seen.answer.headers:
                    return seen

    return site.run(asking())


@pytest.mark.parametrize("satisfy", ["all", "any"])
def test_a_good_request_leaves_no_error_in_the_log_of_envoy(
    site: Standing[Annotated], satisfy: str
) -> None:
    either = {f"{NGINX}allowlist-source-range": "127.0.0.0/8", f"{NGINX}satisfy": satisfy}
    feature = site.run(site.value.declare(f"quiet-{satisfy}", {**ANNOTATIONS, **either}))
    assert ask(site, feature, signed("apr1", "secret")).answer.status == 200
    (envoy,) = site.value.rig.served.gateways.envoys.values()
    assert "[error]" not in envoy.log_file.read_text()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize("user", ["sha", "apr1", "plain"])
def test_a_user_signs_in_and_the_pod_does_not_see_the_password(
    site: Standing[Annotated], basic: Feature, way: str, canary: bool, user: str
) -> None:
    seen = ask(site, basic, signed(user, "secret"), way, canary=canary)
    assert (seen.answer.status, seen.pod) == (200, "canary" if canary else "main")
    assert seen.request is not None
    assert "authorization" not in seen.request.headers


REFUSED = [
    pytest.param({}, id="nothing"),
    pytest.param(signed("sha", "wrong"), id="wrong-sha"),
    pytest.param(signed("apr1", "wrong"), id="wrong-apr1"),
    pytest.param(signed("apr1", ""), id="empty-password"),
    pytest.param(signed("bcrypt", "secret"), id="bcrypt"),
    pytest.param(signed("nobody", "secret"), id="unknown"),
    pytest.param(signed("apr", "secret"), id="part-of-a-name"),
    pytest.param(signed("", "secret"), id="no-name"),
    pytest.param(signed("sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\napr1", "secret"), id="newline"),
    pytest.param(signed("apr1", "x" * 200), id="longest-password"),
    pytest.param(signed("apr1", "x" * 5000), id="huge-password"),
    pytest.param(signed("apr1", "secret", "Bearer"), id="another-scheme"),
    pytest.param({"authorization": "Basic !!!"}, id="no-base64"),
    pytest.param({"authorization": "Basic YXBy="}, id="odd-base64"),
    pytest.param({"authorization": "Basic"}, id="scheme-alone"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("headers", REFUSED)
def test_anybody_else_gets_401_with_the_realm(
    site: Standing[Annotated], basic: Feature, way: str, headers: dict[str, str]
) -> None:
    seen = ask(site, basic, headers, way)
    assert (seen.answer.status, seen.pod) == (401, "")
    assert seen.answer.headers["www-authenticate"] == 'Basic realm="The \\"shop\\""'


@pytest.mark.parametrize(("user", "password"), [("md5", "password"), ("long", LONG), ("empty", "")])
def test_hashes_are_those_of_openssl(
    site: Standing[Annotated], basic: Feature, user: str, password: str
) -> None:
    assert ask(site, basic, signed(user, password)).answer.status == 200
    assert ask(site, basic, signed(user, f"{password}x")).answer.status == 401


def test_checks_in_a_second_have_a_bound_and_known_passwords_do_not_count(
    site: Standing[Annotated], basic: Feature
) -> None:
    assert ask(site, basic, signed("apr1", "secret")).answer.status == 200

    async def guess(many: int) -> list[int]:
        guesses = [signed("apr1", f"guess-{number}") for number in range(many)]
        answers = [await basic.ask("exact", "/basic", headers=headers) for headers in guesses]
        return [seen.answer.status for seen in answers]

    began = monotonic()
    statuses = site.run(guess(CHECKS_IN_A_SECOND * 20))
    seconds = int(monotonic() - began) + 2
    assert set(statuses) <= {401, 503}
    assert statuses.count(401) <= CHECKS_IN_A_SECOND * seconds * (os.cpu_count() or 1)
    assert ask(site, basic, signed("apr1", "secret")).answer.status == 200


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "headers", "address", "expected"),
    [
        pytest.param("either", {}, "10.1.2.3", 200, id="address"),
        pytest.param("either", signed("sha", "secret"), "192.0.2.1", 200, id="sha"),
        pytest.param("either", signed("apr1", "secret"), "192.0.2.1", 200, id="apr1"),
        pytest.param("either", {}, "192.0.2.1", 401, id="neither"),
        pytest.param("either", {}, "10.1.0.9", 401, id="denied-address"),
        pytest.param("both", {}, "10.1.2.3", 401, id="address-alone"),
        pytest.param("both", signed("apr1", "secret"), "192.0.2.1", 403, id="password-alone"),
        pytest.param("both", signed("apr1", "secret"), "10.1.2.3", 200, id="both"),
    ],
)
def test_satisfy(
    site: Standing[Annotated],
    way: str,
    name: str,
    headers: dict[str, str],
    address: str,
    expected: int,
) -> None:
    annotations = {
        **ANNOTATIONS,
        f"{NGINX}allowlist-source-range": "10.1.0.0/16",
        f"{NGINX}denylist-source-range": "10.1.0.9",
        f"{NGINX}satisfy": "any" if name == "either" else "all",
    }
    feature = site.run(site.value.declare(name, annotations, canary={}))
    seen = ask(site, feature, {**headers, "x-forwarded-for": address}, way)
    assert (seen.answer.status, seen.pod) == (expected, "main" if expected == 200 else "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({"auth-secret": "absent"}, 401, id="no-such-secret"),
        pytest.param({"auth-secret": "other/users"}, 503, id="another-namespace"),
        pytest.param({"auth-type": "digest"}, 503, id="digest"),
    ],
)
def test_what_lets_nobody_in(
    site: Standing[Annotated], way: str, more: dict[str, str], status: int
) -> None:
    annotations = {**ANNOTATIONS, **{NGINX + key: value for key, value in more.items()}}
    feature = site.run(site.value.declare("nobody", annotations, canary={}))
    seen = ask(site, feature, signed("sha", "secret"), way)
    assert (seen.answer.status, seen.pod) == (status, "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize("satisfy", ["all", "any"])
def test_nobody_is_asked_for_a_password_in_clear_where_https_is_demanded(
    site: Standing[Annotated], way: str, canary: bool, satisfy: str
) -> None:
    annotations = {
        **ANNOTATIONS,
        f"{NGINX}force-ssl-redirect": "true",
        f"{NGINX}satisfy": satisfy,
        f"{NGINX}allowlist-source-range": {"all": "192.0.2.0/24", "any": "10.0.0.1"}[satisfy],
    }
    feature = site.run(site.value.declare(f"clear-{satisfy}", annotations, canary={}))
    client = {"x-forwarded-for": "192.0.2.1"}
    seen = ask(site, feature, {**client, "x-forwarded-proto": "http"}, way, canary=canary)
    assert (seen.answer.status, seen.pod) == (308, "")
    assert seen.answer.headers["location"].startswith("https://")
    seen = ask(site, feature, {**client, "x-forwarded-proto": "https"}, way, canary=canary)
    assert (seen.answer.status, seen.pod) == (401, "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "to", "status"),
    [
        ("permanent-redirect", "https://new.test/", 301),
        ("temporal-redirect", "https://a.test", 302),
    ],
)
def test_nobody_is_asked_for_a_password_to_be_sent_elsewhere(
    site: Standing[Annotated], way: str, key: str, to: str, status: int
) -> None:
    annotations = {**ANNOTATIONS, f"{NGINX}{key}": to}
    feature = site.run(site.value.declare(key, annotations, canary={}))
    seen = ask(site, feature, {}, way)
    assert (seen.answer.status, seen.pod) == (status, "")


def test_nobody_is_asked_for_a_password_at_the_root_of_an_app(site: Standing[Annotated]) -> None:
    annotations = {**ANNOTATIONS, f"{NGINX}app-root": "/app"}
    feature = site.run(site.value.declare("app", annotations, [("/app", "Prefix")], canary={}))
    asked = {path: site.run(feature.ask("exact", path)).answer.status for path in ("/", "/app")}
    assert asked == {"/": 302, "/app": 401}
