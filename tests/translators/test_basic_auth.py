"""The annotations `auth-type` and `auth-secret`, and the Secrets that they name."""

from base64 import b64encode

import pytest

from fleet.models import Ingress, Secret
from fleet.ref import HUB, Ref
from fleetgate.core.redaction import redacted
from tests.support.builders import Builder, ingress, mse_gateway, secret, service, slice_of
from tests.support.translation import World
from tests.translators.plans import NGINX, ingress_with, plan, problems
from translators.dialects.annotations.closed import CLOSED
from translators.envoy.access import Place
from translators.envoy.parts import RouteParts
from translators.merge.passwords import lacks_of, read_passwords
from translators.model.passwords import PasswordFile, PasswordForm
from translators.policies.basic_auth import BasicAuth
from xds.readable import readable
from xds.resource import TypeUrl

SHA = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="  # of "secret"
APR1 = "$apr1$kxMl1OSg$53wqgtEMmeiSk2yekvpBi/"  # of "secret"
MD5 = "$1$kxMl1OSg$53wqgtEMmeiSk2yekvpBi/"
BCRYPT = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

BASIC = {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "users"}

SHOP = Ref(HUB, "Ingress", "default", "shop")


def shop(annotations: dict[str, str]) -> Ingress:
    return ingress_with("shop", "Exact /a to s:80", annotations=annotations)


def policies(annotations: dict[str, str]) -> list[tuple[PasswordFile, str]]:
    (rule,) = plan(shop(annotations)).rules
    assert rule.restricted
    found = [each for each in rule.policies if isinstance(each, BasicAuth)]
    return [(each.file, each.realm) for each in found]


def told(annotations: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(p.reason, p.key.partition("/")[2], p.effect) for p in problems(shop(annotations))]


def file(form: PasswordForm = PasswordForm.FILE) -> PasswordFile:
    return PasswordFile(Ref(HUB, "Secret", "default", "users"), form)


@pytest.mark.parametrize(
    ("more", "expected", "realm"),
    [
        pytest.param({}, file(), "Authentication Required", id="defaults"),
        pytest.param({"auth-secret": "default/users"}, file(), "Authentication Required", id="own"),
        pytest.param(
            {"auth-secret-type": "auth-file"}, file(), "Authentication Required", id="file"
        ),
        pytest.param(
            {"auth-secret-type": "auth-map", "auth-realm": 'The "shop"'},
            file(PasswordForm.MAP),
            'The "shop"',
            id="map-and-realm",
        ),
    ],
)
def test_a_secret_is_named(more: dict[str, str], expected: PasswordFile, realm: str) -> None:
    annotations = {**BASIC, **{NGINX + key: value for key, value in more.items()}}
    assert policies(annotations) == [(expected, realm)]
    assert told(annotations) == []


CLOSES = "its paths are answered with 503"


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        pytest.param({"auth-type": "basic"}, ("NoPasswords", "auth-type"), id="no-secret"),
        pytest.param({"auth-secret": "users"}, ("NoAuthType", "auth-secret"), id="no-type"),
        pytest.param(
            {"auth-type": "digest", "auth-secret": "users"},
            ("InvalidAnnotation", "auth-type"),
            id="digest",
        ),
        pytest.param(
            {"auth-type": "Basic", "auth-secret": "users"},
            ("InvalidAnnotation", "auth-type"),
            id="capital",
        ),
        pytest.param(
            {"auth-type": "basic", "auth-secret": "other/users"},
            ("InvalidAnnotation", "auth-secret"),
            id="another-namespace",
        ),
        pytest.param(
            {"auth-type": "basic", "auth-secret": "Users"},
            ("InvalidAnnotation", "auth-secret"),
            id="no-name",
        ),
        pytest.param(
            {"auth-type": "basic", "auth-secret": "users\nx"},
            ("InvalidAnnotation", "auth-secret"),
            id="newline",
        ),
        pytest.param(
            {"auth-type": "basic", "auth-secret": "users", "auth-secret-type": "file"},
            ("InvalidAnnotation", "auth-secret-type"),
            id="form",
        ),
    ],
)
def test_what_cannot_be_read_closes_the_paths(
    annotations: dict[str, str], problem: tuple[str, str]
) -> None:
    spelt = {NGINX + key: value for key, value in annotations.items()}
    (rule,) = plan(shop(spelt)).rules
    assert (rule.action, rule.restricted) == (CLOSED, True)
    assert told(spelt) == [(*problem, CLOSES)]


@pytest.mark.parametrize("value", ["a\nb", "x" * 5000])
def test_a_realm_that_cannot_be_shown_is_replaced(value: str) -> None:
    annotations = {**BASIC, f"{NGINX}auth-realm": value}
    assert policies(annotations) == [(file(), "Authentication Required")]


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def of_lines(text: str) -> Secret:
    return secret("users", {"auth": encoded(text)}).model()


@pytest.mark.parametrize(
    ("line", "kind", "entry"),
    [
        pytest.param(f"anna:{SHA}", "sha", ("anna", SHA), id="sha"),
        pytest.param(f"anna:{SHA}\r", "sha", ("anna", SHA), id="carriage-return"),
        pytest.param(f"anna:{SHA}  ", "sha", ("anna", SHA), id="trailing-blanks"),
        pytest.param(f"anna:{SHA}:a comment", "sha", ("anna", SHA), id="comment-behind"),
        pytest.param("anna:{PLAIN}secret", "sha", ("anna", SHA), id="plain"),
        pytest.param(f"anna:{APR1}", "md5", ("anna", APR1), id="apr1"),
        pytest.param(f"anna:{MD5}", "md5", ("anna", MD5), id="md5-crypt"),
        pytest.param(f"größe x:{APR1}", "md5", ("größe x", APR1), id="any-name"),
    ],
)
@pytest.mark.parametrize("form", PasswordForm)
def test_a_password_is_read(
    line: str, kind: str, entry: tuple[str, str], form: PasswordForm
) -> None:
    user, _, password = line.partition(":")
    data = {"auth": encoded(f"# users\n\n{line}\n")}
    if form is PasswordForm.MAP:
        data = {user: encoded(password.partition(":")[0])}
    read = read_passwords(secret("users", data).model(), form)
    found = {"sha": read.sha, "md5": read.md5}
    assert found == {"sha": (), "md5": ()} | {kind: (entry,)}
    assert (read.unusable, read.lack) == ((), "")


@pytest.mark.parametrize(
    ("line", "who"),
    [
        pytest.param(f"anna:{BCRYPT}", "anna", id="bcrypt"),
        pytest.param("anna:rqXexS6ZhobKA", "anna", id="crypt"),
        pytest.param("anna:hunter2", "anna", id="plain-without-a-mark"),
        pytest.param("anna:{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "anna", id="salted-sha"),
        pytest.param("anna:{SHA}short", "anna", id="short-sha"),
        pytest.param("anna:$apr1$$53wqgtEMmeiSk2yekvpBi/", "anna", id="apr1-without-salt"),
        pytest.param("anna:$apr1$a\tb$53wqgtEMmeiSk2yekvpBi/", "anna", id="apr1-odd-salt"),
        pytest.param("only-a-secret", "line 2", id="no-colon"),
        pytest.param("anna:", "line 2", id="no-password"),
        pytest.param(f":{SHA}", "line 2", id="no-user"),
        pytest.param(f"an\x00na:{SHA}", "line 2", id="control-character"),
        pytest.param(f"bert:{APR1}", "bert", id="second-password"),
        pytest.param(f"{'x' * 300}:{SHA}", "line 2", id="huge-user"),
    ],
)
def test_an_entry_that_lets_nobody_in_is_told_by_its_user_alone(line: str, who: str) -> None:
    read = read_passwords(of_lines(f"bert:{SHA}\n{line}"), PasswordForm.FILE)
    assert [entry.user for entry in (*read.sha, *read.md5)] == ["bert"]
    assert [each.who for each in read.unusable] == [who]
    (problem,) = lacks_of(read, SHOP, "auth-secret", "users")
    assert (problem.reason, problem.effect) == ("UnusablePassword", "it lets nobody in")
    password = line.partition(":")[2] or "only-a-secret"
    assert password not in problem.message
    assert not any(hashed in repr(read) for hashed in (SHA, APR1, BCRYPT))


@pytest.mark.parametrize(
    ("made", "lack"),
    [
        pytest.param(None, "there is no such Secret", id="missing"),
        pytest.param(secret("users", {"users": encoded(f"a:{SHA}")}), "no users", id="other-key"),
        pytest.param(secret("users", {"auth": ""}), "no users", id="empty"),
        pytest.param(secret("users", {"auth": encoded("# nobody\n")}), "no users", id="comments"),
        pytest.param(secret("users", {"auth": "no base64!"}), "no users", id="no-base64"),
        pytest.param(
            secret("users", {"auth": b64encode(b"\xff\xfe:x").decode()}), "no users", id="no-utf-8"
        ),
    ],
)
def test_a_secret_without_users_lets_nobody_in(made: Builder[Secret] | None, lack: str) -> None:
    read = read_passwords(made.model() if made else None, PasswordForm.FILE)
    assert (read.sha, read.md5) == ((), ())
    (problem,) = lacks_of(read, SHOP, "auth-secret", "users")
    assert lack in problem.expected
    assert (problem.reason, problem.effect) == ("NoPasswords", "nobody can sign in: 401")


def test_users_have_a_bound() -> None:
    read = read_passwords(
        of_lines("\n".join(f"u{n}:{SHA}" for n in range(1002))), PasswordForm.FILE
    )
    assert len(read.sha) == 1000
    assert [each.who for each in read.unusable] == ["u1000", "u1001"]


# -- the Secret in the fleet --


def world() -> World:
    made = World()
    made.attach(HUB, "c1")
    made.put(service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c1")
    made.put(mse_gateway("gw", members=["c1"]).manifest)
    for name, annotations in (("shop", BASIC), ("open", {})):
        own = ingress(name, host=f"{name}.test").path("/", to="web:80").annotate(annotations)
        made.put(own.of_class("mse").manifest)
    return made


def body(made: World) -> bytes:
    return made.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|shop.test"].body


def reasons(made: World) -> list[str]:
    row = made.translator.tables.statuses.of_ingresses.rows[SHOP]
    return [problem.reason for problem in row.problems]


def test_a_changed_secret_is_a_change_of_the_host_that_uses_it_alone() -> None:
    made = world()
    assert reasons(made) == ["NoPasswords"]
    made.put(secret("users", {"auth": encoded(f"anna:{SHA}")}).manifest)
    assert made.sent == 1
    assert SHA.encode() in body(made)
    assert reasons(made) == []
    made.put(secret("users", {"auth": encoded(f"anna:{APR1}\nbert:{BCRYPT}")}).manifest)
    assert made.sent == 1
    assert SHA.encode() not in body(made)
    assert APR1.encode() in body(made)
    assert BCRYPT.encode() not in body(made)
    assert reasons(made) == ["UnusablePassword"]
    made.remove(secret("users").manifest)
    assert made.sent == 1
    assert APR1.encode() not in body(made)
    assert reasons(made) == ["NoPasswords"]


def test_dumps_do_not_show_hashes() -> None:
    made = world()
    made.put(secret("users", {"auth": encoded(f"anna:{SHA}\nbert:{APR1}")}).manifest)
    shown = str(redacted(readable(TypeUrl.SCOPED_ROUTE, body(made))))
    assert "'users': '[redacted]'" in shown
    assert "'filter_context': '[redacted]'" in shown
    assert SHA not in shown
    assert APR1 not in shown


def test_one_route_has_one_filter_at_a_place() -> None:
    parts = RouteParts()
    parts.access.add(Place.PASSWORD, "a", 1)
    with pytest.raises(ValueError, match="two policies have a filter at PASSWORD"):
        parts.access.add(Place.PASSWORD, "b", 2)
