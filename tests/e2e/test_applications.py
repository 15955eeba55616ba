"""Well-known applications work with the Ingresses of their charts, and requests of their clients.

A proxy in front of the gateway ends TLS, at a port of its own.
"""

import gzip
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import grpc.aio
import pytest
from aiohttp import WSServerHandshakeError

from fleetgate.core.offline import read_fleet
from tests.e2e.application_pods import COOKIE, FIRST_EVENT, FRAMES, GRPC_WEB, LAST_EVENT
from tests.e2e.applications import BY_TLS, PORT, Applications, applications, seen_by_pod
from tests.e2e.standing import Standing, standing
from tests.golden.case import Case

MIB = 2**20

ARGO_CD, INSECURE = "argocd.example.com", "insecure.argocd.example.com"
HARBOR, KEYCLOAK, LOGIN = "harbor.example.com", "keycloak.example.com", "login.example.com"
GITLAB, REGISTRY, KAS = "gitlab.example.com", "registry.example.com", "kas.example.com"
MINIO, GRAFANA = "minio.example.com", "grafana.example.com"
PROMETHEUS, ALERTMANAGER = "prometheus.example.com", "alertmanager.example.com"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Applications]]:
    with standing(applications(tmp_path_factory.mktemp("applications"))) as site:
        yield site


REPOSITORY = "/api/v1/repositories/https%3A%2F%2Fgithub.com%2Fargoproj%2Fargocd-example-apps"
ARTIFACTS = "/api/v2.0/projects/library/repositories/foo%252Fbar/artifacts?page=1&q=a%3D%7E1"
AUTH = "/realms/x/protocol/openid-connect/auth?redirect_uri=https%3A%2F%2Fapp%2Fcb&state=a%2Bb"
FILE = "/api/v4/projects/group%2Fproject/repository/files/lib%2Fclass.rb?ref=main%2Eb"
REFS = "/group/project.git/info/refs?service=git-upload-pack"
QUERY = "/api/v1/query?query=sum(rate(x%5B5m%5D))"


@pytest.mark.parametrize(
    ("method", "host", "target", "pod"),
    [
        pytest.param("GET", ARGO_CD, "/", "argo-cd-server", id="argo-cd"),
        pytest.param("GET", ARGO_CD, REPOSITORY, "argo-cd-server", id="argo-cd-repository"),
        pytest.param("DELETE", INSECURE, REPOSITORY, "argo-cd-server", id="argo-cd-in-clear"),
        pytest.param("GET", HARBOR, "/", "harbor-portal", id="harbor"),
        pytest.param("GET", HARBOR, "/harbor/projects/1", "harbor-portal", id="harbor-page"),
        pytest.param("GET", HARBOR, ARTIFACTS, "harbor-core", id="harbor-repository"),
        pytest.param("POST", HARBOR, "/c/login", "harbor-core", id="harbor-login"),
        pytest.param("GET", HARBOR, "/service/token?scope=a:b/c:d", "harbor-core", id="token"),
        pytest.param("PUT", HARBOR, "/v2/library/app/manifests/1", "harbor-core", id="manifest"),
        pytest.param("GET", KEYCLOAK, "/admin/master/console/", "keycloak", id="keycloak"),
        pytest.param("GET", LOGIN, "/resources/a/css/x.css?v=%20", "keycloak", id="resources"),
        pytest.param("GET", GITLAB, FILE, "http-workhorse", id="gitlab-file"),
        pytest.param("GET", GITLAB, REFS, "http-workhorse", id="git-refs"),
        pytest.param("GET", GITLAB, "/admin/sidekiq/busy", "http-webservice", id="sidekiq"),
        pytest.param("GET", GITLAB, "/admin/sidekiqs", "http-workhorse", id="not-sidekiq"),
        pytest.param("GET", REGISTRY, "/v2/a/b/tags/list?n=1", "gitlab-registry", id="registry"),
        pytest.param("GET", KAS, "/k8s-proxy/api/v1/pods", "tcp-kas-k8s-proxy", id="k8s-proxy"),
        pytest.param("GET", KAS, "/", "tcp-kas-external-api", id="kas"),
        pytest.param("GET", GRAFANA, "/d/a%20b?var-x=a%7Cb", "kps-grafana", id="grafana"),
        pytest.param("GET", PROMETHEUS, QUERY, "kps-prometheus", id="prometheus-query"),
        pytest.param(
            "GET",
            ALERTMANAGER,
            "/api/v2/alerts?filter=a%3D%22b%22",
            "kps-alertmanager",
            id="alertmanager",
        ),
    ],
)
def test_a_request_reaches_its_pod_as_it_was_sent(
    site: Standing[Applications], method: str, host: str, target: str, pod: str
) -> None:
    seen = site.run(seen_by_pod(site.value.ask(method, host, target)))
    assert (seen.pod, seen.method, seen.target) == (pod, method, target)
    headers = seen.headers
    assert headers["host"] == headers["x-forwarded-host"] == f"{host}:{PORT}"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == str(PORT)


def test_an_escaped_dot_is_a_dot(site: Standing[Applications]) -> None:
    """RFC 3986 section 6.2.2.2 makes both equal, and GitLab accepts both. `%2F` is not decoded."""
    target = "/api/v4/projects/group%2Fproject/repository/files/lib%2Fclass%2Erb?ref=v1%2E0"
    seen = site.run(seen_by_pod(site.value.ask("GET", GITLAB, target)))
    assert seen.target == target.replace("class%2Erb", "class.rb")


@pytest.mark.parametrize(
    ("case", "named"),
    [
        pytest.param("argo-cd", set(), id="argo-cd"),
        pytest.param("argo-cd-insecure", set(), id="argo-cd-insecure"),
        pytest.param("harbor", set(), id="harbor"),
        pytest.param("keycloak", {"proxy-buffer-size"}, id="keycloak"),
        pytest.param(
            "gitlab",
            {
                "service-upstream",
                "proxy-buffering",
                "proxy-request-buffering",
            },
            id="gitlab",
        ),
        pytest.param("kube-prometheus-stack", set(), id="kube-prometheus-stack"),
    ],
)
def test_check_names_each_annotation_that_has_no_effect(
    case: str, named: set[str], tmp_path: Path
) -> None:
    """Annotations of other controllers, such as cert-manager's, are not reported."""
    Case(f"application-{case}").make(tmp_path)
    fleet = read_fleet(tmp_path, "127.0.0.1", 0)
    tuning = [p.key.split(", ") for p in fleet.problems if p.reason == "OnlyTuning"]
    found = {key for key, _ in fleet.not_carried_out} | {key for keys in tuning for key in keys}
    assert found == {f"nginx.ingress.kubernetes.io/{name}" for name in named}


# -- requests in clear -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "target"),
    [
        pytest.param(ARGO_CD, REPOSITORY, id="force-ssl-redirect"),
        pytest.param(HARBOR, ARTIFACTS, id="ssl-redirect"),
    ],
)
@pytest.mark.parametrize("port", ["", ":80", f":{PORT}"], ids=["no-port", "port-80", "a-port"])
@pytest.mark.parametrize("said", [{}, {"x-forwarded-proto": "http"}], ids=["client", "proxy"])
def test_a_request_in_clear_is_sent_to_https_as_it_came(
    site: Standing[Applications], host: str, target: str, port: str, said: Mapping[str, str]
) -> None:
    async def asking() -> tuple[int, str]:
        headers = {"host": f"{host}{port}", **said}
        asked = site.value.client.post(
            site.value.url(target), headers=headers, allow_redirects=False
        )
        async with asked as answer:
            return answer.status, answer.headers["location"]

    assert site.run(asking()) == (308, f"https://{host}{target}")


def test_without_the_annotation_a_request_in_clear_is_served(site: Standing[Applications]) -> None:
    seen = site.run(
        seen_by_pod(site.value.ask("GET", GRAFANA, "/", headers={"x-forwarded-proto": "http"}))
    )
    assert seen.pod == "kps-grafana"


# -- Argo CD ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [ARGO_CD, INSECURE])
def test_argo_cds_stream_tells_each_event_at_once(site: Standing[Applications], host: str) -> None:
    async def asking() -> tuple[bytes, bytes]:
        seen = site.value.argo_cd.seen
        seen.clear()
        async with site.value.ask("GET", host, "/api/v1/stream/applications") as answer:
            first = await answer.content.readexactly(len(FIRST_EVENT))
            seen.set()
            return first, await answer.content.read()

    assert site.run(asking()) == (FIRST_EVENT, LAST_EVENT)


@pytest.mark.parametrize("host", [ARGO_CD, INSECURE])
def test_argo_cds_command_line_calls_by_grpc_web(site: Standing[Applications], host: str) -> None:
    async def asking() -> tuple[str, bytes]:
        headers = {"content-type": GRPC_WEB, "accept": GRPC_WEB}
        target = "/application.ApplicationService/List"
        asked = site.value.ask("POST", host, target, headers=headers, data=FRAMES[:7])
        async with asked as answer:
            return answer.headers["content-type"], await answer.read()

    assert site.run(asking()) == (GRPC_WEB, FRAMES)


def test_argo_cds_command_line_calls_by_grpc(site: Standing[Applications]) -> None:
    async def asking() -> tuple[object, grpc.StatusCode, str]:
        host, port = site.value.gateway
        options = [("grpc.default_authority", f"grpc.argocd.example.com:{PORT}")]
        async with grpc.aio.insecure_channel(f"{host}:{port}", options) as channel:
            watching: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
            watching = channel.unary_stream("/application.ApplicationService/Watch")
            calling = watching(b"guestbook", metadata=tuple(BY_TLS.items()))
            return await calling.read(), await calling.code(), await calling.details()

    expected = (b"guestbook", grpc.StatusCode.UNAUTHENTICATED, "no session information")
    assert site.run(asking()) == expected


def test_argo_cds_redirect_after_a_login_is_left_alone(site: Standing[Applications]) -> None:
    async def asking() -> tuple[int, str, str]:
        async with site.value.ask("GET", ARGO_CD, "/auth/callback?code=a&state=b%3D") as answer:
            return answer.status, answer.headers["location"], answer.headers["set-cookie"]

    assert site.run(asking()) == (303, "/applications?new=false", "argocd.token=x")


# -- Harbor, and GitLab's registry -----------------------------------------------------------------


def test_docker_is_told_to_log_in_where_it_reached_the_registry(
    site: Standing[Applications],
) -> None:
    async def asking() -> tuple[int, str]:
        async with site.value.ask("GET", HARBOR, "/v2/") as answer:
            return answer.status, answer.headers["www-authenticate"]

    realm = f"https://{HARBOR}:{PORT}/service/token"
    assert site.run(asking()) == (401, f'Bearer realm="{realm}",service="harbor-registry"')


@pytest.mark.parametrize("host", [HARBOR, REGISTRY])
def test_docker_pushes_a_layer(site: Standing[Applications], host: str) -> None:
    """Each answer names the URL of the next request, with the port, and a state in the query."""
    layer = bytes(range(256)) * (5 * MIB // 256)
    digest = f"sha256%3A{hashlib.sha256(layer).hexdigest()}"
    outside = f"https://{host}:{PORT}"

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(layer), 32768):
            yield layer[begin : begin + 32768]

    async def step(method: str, target: str, status: int, data: object = None) -> str:
        async with site.value.ask(method, host, target, data=data) as answer:
            assert answer.status == status
            return answer.headers.get("location", "").removeprefix(outside)

    async def pushing() -> None:
        place = await step("POST", "/v2/library/app/blobs/uploads/", 202)
        assert place == "/v2/library/app/blobs/uploads/9d1c?_state=REZYOUR0-%3D%3D"
        place = await step("PATCH", place, 202, chunks())
        assert place.endswith(f"_state=REZYOUR{len(layer)}-%3D%3D")
        await step("PUT", f"{place}&digest={digest}", 201)

    site.run(pushing())


# -- Keycloak --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [KEYCLOAK, LOGIN])
def test_keycloak_sends_to_its_login_page(site: Standing[Applications], host: str) -> None:
    """The redirect has the port and scheme that the client used, and sets 16 KiB of cookies."""

    async def asking() -> tuple[int, str, list[str]]:
        async with site.value.ask("GET", host, AUTH) as answer:
            return answer.status, answer.headers["location"], answer.headers.getall("set-cookie")

    status, location, cookies = site.run(asking())
    login = f"https://{host}:{PORT}/realms/x/login-actions/authenticate"
    assert (status, location) == (302, f"{login}?asked={AUTH}")
    assert [cookie.partition("=")[2] for cookie in cookies] == [COOKIE] * 4


def test_keycloaks_console_is_not_where_only_its_realms_are(site: Standing[Applications]) -> None:
    async def asking() -> int:
        async with site.value.ask("GET", LOGIN, "/admin/master/console/") as answer:
            return answer.status

    assert site.run(asking()) == 404


# -- GitLab ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [MIB // 8, 8 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("expects", [True, False], ids=["expect-100", "at-once"])
def test_git_pushes_a_pack(site: Standing[Applications], size: int, expects: bool) -> None:
    pack = gzip.compress(bytes(range(256)) * (size // 256), compresslevel=0)

    async def parts() -> AsyncIterator[bytes]:
        for begin in range(0, len(pack), 65536):
            yield pack[begin : begin + 65536]

    headers = {
        "content-type": "application/x-git-receive-pack-request",
        "content-encoding": "gzip",
    }
    pushing = site.value.ask(
        "POST",
        GITLAB,
        "/group/project.git/git-receive-pack",
        headers=headers,
        data=parts(),
        expect100=expects,
    )
    seen = site.run(seen_by_pod(pushing))
    assert (seen.size, seen.digest) == (len(pack), hashlib.sha256(pack).hexdigest())
    assert headers.items() <= seen.headers.items()


@pytest.mark.parametrize(
    ("host", "target"),
    [
        pytest.param(GITLAB, f"/group/project.git/gitlab-lfs/objects/{'a' * 64}/1048576", id="lfs"),
        pytest.param(MINIO, "/git-lfs/aa/bb?X-Amz-Signature=c&x-id=PutObject", id="minio"),
    ],
)
def test_large_files_are_put(site: Standing[Applications], host: str, target: str) -> None:
    data = b"x" * MIB
    headers = {"content-type": "application/octet-stream"}
    seen = site.run(seen_by_pod(site.value.ask("PUT", host, target, headers=headers, data=data)))
    assert (seen.target, seen.size) == (target, MIB)
    assert seen.headers["content-length"] == str(MIB)


# -- WebSocket -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "target", "protocol"),
    [
        pytest.param(GITLAB, "/-/cable", "actioncable-v1-json", id="action-cable"),
        pytest.param(KAS, "/", "ws-tunnel", id="agent"),
        pytest.param(
            KAS, "/k8s-proxy/api/v1/namespaces/a/pods/b/exec", "v5.channel.k8s.io", id="exec"
        ),
        pytest.param(GRAFANA, "/api/live/ws", None, id="grafana"),
    ],
)
def test_a_websocket_is_opened(
    site: Standing[Applications], host: str, target: str, protocol: str | None
) -> None:
    """Some applications compare the page's Origin with the Host, including the port."""

    async def talking() -> tuple[str | None, str, str]:
        async with site.value.client.ws_connect(
            site.value.url(target),
            headers={"host": f"{host}:{PORT}", **BY_TLS},
            origin=f"https://{host}:{PORT}",
            protocols=[protocol] if protocol else [],
        ) as socket:
            welcome = await socket.receive_str()
            await socket.send_str("subscribe")
            return socket.protocol, welcome, await socket.receive_str()

    assert site.run(talking()) == (protocol, "welcome", "subscribe")


def test_grafana_refuses_a_page_of_another_host(site: Standing[Applications]) -> None:
    async def talking() -> None:
        headers = {"host": f"{GRAFANA}:{PORT}", **BY_TLS}
        origin = f"https://{GRAFANA}"
        await site.value.client.ws_connect(
            site.value.url("/api/live/ws"), headers=headers, origin=origin
        )

    with pytest.raises(WSServerHandshakeError, match="403"):
        site.run(talking())


# -- Prometheus ------------------------------------------------------------------------------------


def test_grafana_queries_prometheus_by_a_form(site: Standing[Applications]) -> None:
    form = "query=sum(rate(x%5B5m%5D))+by+(job)&time=1"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    asking = site.value.ask("POST", PROMETHEUS, "/api/v1/query", headers=headers, data=form)
    seen = site.run(seen_by_pod(asking))
    assert seen.digest == hashlib.sha256(form.encode()).hexdigest()
    assert headers.items() <= seen.headers.items()
