"""A client of one API server: its configuration, credentials, answers, watches and messages."""

import asyncio
import base64
import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from kubernetes.aio.config import incluster_config

from fleet.kubernetes import connection, plugin
from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.connection import ApiServer, Unreached
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleet.kubernetes.redaction import redacted
from fleet.kubernetes.transport import Transport
from tests.support.authority import Authority, Pair

Json: TypeAlias = Any

OK = b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"kind":"OK"}'
PATH = "/api/v1/services"


@dataclass
class Server:
    """Answers each request with the same bytes, and keeps the requests."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    common_names: list[str] = field(default_factory=list)

    @property
    def authorizations(self) -> list[str]:
        """The credentials of each request."""
        return [
            line.partition(": ")[2]
            for head in self.asked
            for line in head.split("\r\n")
            if line.lower().startswith("authorization: ")
        ]


@asynccontextmanager
async def server(answer: bytes = OK, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run the server while the block runs. It closes each connection after its answer."""
    made = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        made.asked.append(head)
        if certificate := writer.get_extra_info("peercert"):
            made.common_names += [
                value
                for part in certificate["subject"]
                for key, value in part
                if key == "commonName"
            ]
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield made
    finally:
        listening.close()
        await listening.wait_closed()


def kubeconfig(
    url: str,
    *,
    user: Mapping[str, Json] | None = None,
    cluster: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": url, **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else dict(user)}],
        "contexts": [
            {"name": "main", "context": {"cluster": "c", "user": "u"}},
            {"name": "lost", "context": {"cluster": "nowhere", "user": "u"}},
            {"name": "nobodys", "context": {"cluster": "c", "user": "nobody"}},
        ],
        "current-context": "main",
    }


def written(place: Path, config: Mapping[str, Json]) -> Path:
    path = place / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


@asynccontextmanager
async def client(
    config: Path | Mapping[str, Json], context: str = "", bounds: Bounds | None = None
) -> AsyncIterator[ApiServer]:
    api = await ApiServer.from_kubeconfig(config, context, bounds)
    try:
        yield api
    finally:
        await api.close()


async def ask(
    config: Path | Mapping[str, Json], bounds: Bounds | None = None, **options: Json
) -> connection.Reply:
    async with client(config, bounds=bounds) as api:
        return await api.request("GET", PATH, **options)


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


# -- configurations --------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [pytest.param("", id="current"), pytest.param("main")])
@pytest.mark.parametrize("shape", ["file", "mapping"])
def test_a_kubeconfig_is_a_file_or_a_mapping(shape: str, context: str, tmp_path: Path) -> None:
    async def script() -> None:
        async with server() as there:
            config = kubeconfig(there.url)
            given = written(tmp_path, config) if shape == "file" else config
            async with client(given, context) as api:
                assert api.server == there.url
                reply = await api.request("GET", PATH, query=[("limit", "500")])
            assert (reply.status, reply.ok, reply.json()) == (200, True, {"kind": "OK"})
            assert there.asked[0].startswith(f"GET {PATH}?limit=500 HTTP/1.1\r\n")
            assert there.authorizations == ["Bearer t"]

    asyncio.run(script())


def without(config: Mapping[str, Json], key: str) -> dict[str, Json]:
    return {name: value for name, value in config.items() if name != key}


CONFIG = kubeconfig("https://127.0.0.1:1")


@pytest.mark.parametrize(
    ("config", "context", "named"),
    [
        pytest.param(CONFIG, "other", "other", id="unknown context"),
        pytest.param(CONFIG, "lost", "nowhere", id="unknown cluster"),
        pytest.param(CONFIG, "nobodys", "names no user that is there", id="unknown user"),
        pytest.param(without(CONFIG, "users"), "", "names no user", id="no users"),
        pytest.param(without(CONFIG, "contexts"), "", "contexts", id="no contexts"),
        pytest.param(without(CONFIG, "clusters"), "", "clusters", id="no clusters"),
        pytest.param(without(CONFIG, "current-context"), "", "current-context", id="no current"),
        pytest.param(
            {**CONFIG, "clusters": [{"name": "c", "cluster": {}}]}, "", "no server", id="no server"
        ),
        pytest.param([1], "", "is not a kubeconfig", id="a list"),
        pytest.param("", "", "is not a kubeconfig", id="empty"),
        pytest.param({**CONFIG, "contexts": 3}, "", "", id="another shape"),
        pytest.param(
            kubeconfig("https://x", cluster={"certificate-authority": "none.crt"}),
            "",
            "none.crt",
            id="no authority",
        ),
        pytest.param(
            kubeconfig("https://x", user={"token": "t\n"}),
            "",
            "line feed",
            id="token with an end",
        ),
        pytest.param(
            kubeconfig("https://x", user={"token": "t\u00f6ken"}), "", "header", id="no ASCII"
        ),
        pytest.param(
            kubeconfig("https://x", cluster={"certificate-authority-data": "%"}),
            "",
            "",
            id="no base64",
        ),
        pytest.param(
            kubeconfig("https://x", cluster={"certificate-authority-data": encoded(b"no PEM")}),
            "",
            "certificate",
            id="no certificate",
        ),
    ],
)
def test_a_configuration_that_leads_nowhere_is_said_with_its_name(
    config: Json, context: str, named: str, tmp_path: Path
) -> None:
    path = written(tmp_path, config)
    with pytest.raises(BadKubeconfig) as said:
        asyncio.run(ApiServer.from_kubeconfig(path, context))
    assert str(path) in str(said.value)
    assert named in str(said.value)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        pytest.param(lambda path: None, "No such file or directory", id="missing"),
        pytest.param(lambda path: path.mkdir(), "Is a directory", id="a directory"),
        pytest.param(
            lambda path: path.write_text("a: b\n{"),
            "cannot be used: it is no YAML (line 2, column 1: expected <block end>, but found '{')",
            id="no YAML",
        ),
        pytest.param(lambda path: path.write_bytes(b"\0"), "it is no YAML (special", id="a zero"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe\x00"), "", id="no text"),
    ],
)
def test_a_file_that_is_no_kubeconfig(
    make: Callable[[Path], object], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    make(path)
    with pytest.raises(BadKubeconfig) as said:
        asyncio.run(ApiServer.from_kubeconfig(path))
    assert str(said.value).startswith(str(path))
    assert named in str(said.value)
    assert "\n" not in str(said.value)
    assert "byte string" not in str(said.value)


@pytest.mark.parametrize(
    "server",
    [
        pytest.param("https://user:s3cret@x", id="user"),
        pytest.param("https://x?access_token=s3cret", id="query"),
        pytest.param("https://x/#s3cret", id="fragment"),
    ],
)
def test_a_server_with_credentials_in_its_url_is_a_mistake(server: str, tmp_path: Path) -> None:
    path = written(tmp_path, kubeconfig(server))
    with pytest.raises(BadKubeconfig) as said:
        asyncio.run(ApiServer.from_kubeconfig(path))
    assert str(said.value).endswith(
        "is not a URL such as https://10.0.0.7:6443, without user, query and fragment"
    )
    assert "s3cret" not in str(said.value)


def test_a_complaint_holds_no_credentials(tmp_path: Path) -> None:
    config = kubeconfig("https://x", user={"token": "open-sesame", "client-certificate-data": "%"})
    for given in (config, written(tmp_path, config)):
        with pytest.raises(BadKubeconfig) as said:
            asyncio.run(ApiServer.from_kubeconfig(given))
        assert "open-sesame" not in str(said.value)


# -- credentials -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make("tests")


def context_of(authority: Authority, place: Path, *, asks_certificate: bool) -> ssl.SSLContext:
    pair = authority.issue("server", addresses=["127.0.0.1"], names=[])
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*stored(place, "server", pair))
    if asks_certificate:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=authority.certificate.decode())
    return made


def stored(place: Path, name: str, pair: Pair) -> tuple[Path, Path]:
    certificate, key = place / f"{name}.crt", place / f"{name}.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    return certificate, key


def test_files_are_named_from_where_the_kubeconfig_is(authority: Authority, tmp_path: Path) -> None:
    async def script() -> None:
        tls = context_of(authority, tmp_path, asks_certificate=True)
        (tmp_path / "ca.crt").write_bytes(authority.certificate)
        stored(tmp_path, "client", authority.issue("fleetgate", addresses=[], names=["fleetgate"]))
        async with server(tls=tls) as there:
            user = {"client-certificate": "client.crt", "client-key": "client.key"}
            config = kubeconfig(there.url, user=user, cluster={"certificate-authority": "ca.crt"})
            assert (await ask(written(tmp_path, config))).ok
            assert there.common_names == ["fleetgate"]

    asyncio.run(script())


def test_certificates_may_stand_in_the_kubeconfig(authority: Authority, tmp_path: Path) -> None:
    async def script() -> None:
        tls = context_of(authority, tmp_path, asks_certificate=True)
        pair = authority.issue("fleetgate", addresses=[], names=["fleetgate"])
        async with server(tls=tls) as there:
            user = {
                "client-certificate-data": encoded(pair.certificate),
                "client-key-data": encoded(pair.key),
            }
            cluster = {"certificate-authority-data": encoded(authority.certificate)}
            assert (await ask(kubeconfig(there.url, user=user, cluster=cluster))).ok
            assert there.common_names == ["fleetgate"]

    asyncio.run(script())


def test_two_clients_have_each_their_own_authority(authority: Authority, tmp_path: Path) -> None:
    """By default, the library shares one configuration among all clients of a process."""

    async def script() -> None:
        other = Authority.make("tests")
        (tmp_path / "other").mkdir()
        async with (
            server(tls=context_of(authority, tmp_path, asks_certificate=False)) as one,
            server(tls=context_of(other, tmp_path / "other", asks_certificate=False)) as two,
        ):
            for there, trusted in ((one, authority), (two, other), (one, authority)):
                cluster = {"certificate-authority-data": encoded(trusted.certificate)}
                assert (await ask(kubeconfig(there.url, cluster=cluster))).ok
            wrong = {"certificate-authority-data": encoded(other.certificate)}
            with pytest.raises(Unreached, match=r"its certificate is not trusted: .+"):
                await ask(kubeconfig(one.url, cluster=wrong))

    asyncio.run(script())


PLUGIN = """
import datetime, json, pathlib, sys
asked = pathlib.Path(sys.argv[1])
times = asked.read_text().count("x") + 1 if asked.exists() else 1
asked.write_text("x" * times)
if times > int(sys.argv[3]):
    sys.exit("the plugin has had enough")
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(sys.argv[2]))
status = {"token": f"t{times}", "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
print(json.dumps({"apiVersion": "v1", "kind": "ExecCredential", "status": status}))
"""


def by_plugin(place: Path, url: str, *, life: int, works: int = 100) -> Mapping[str, Json]:
    script = place / "plugin.py"
    script.write_text(PLUGIN)
    arguments = [str(script), str(place / "asked"), str(life), str(works)]
    run = {"command": sys.executable, "args": arguments, "apiVersion": "v1"}
    return kubeconfig(url, user={"exec": run})


@pytest.mark.parametrize(
    ("life", "used"),
    [
        pytest.param(3600, ["Bearer t1", "Bearer t1"], id="valid for an hour"),
        pytest.param(-3600, ["Bearer t2", "Bearer t3"], id="expired each time"),
    ],
)
def test_a_plugin_is_asked_again_when_its_token_expires(
    life: int, used: Sequence[str], tmp_path: Path
) -> None:
    async def script() -> None:
        async with server() as there, client(by_plugin(tmp_path, there.url, life=life)) as api:
            for _ in range(2):
                await api.request("GET", PATH)
            assert there.authorizations == used

    asyncio.run(script())


def test_a_plugin_that_fails_later_leaves_the_token_that_is_there(tmp_path: Path) -> None:
    """The server decides whether the token is still valid, which it may be by its own clock."""

    async def script() -> None:
        config = by_plugin(tmp_path, "", life=-3600, works=1)
        async with server() as there:
            config["clusters"][0]["cluster"]["server"] = there.url
            async with client(config) as api:
                assert (await api.request("GET", PATH)).ok
            assert there.authorizations == ["Bearer t1"]

    asyncio.run(script())


MISSHAPEN: Mapping[str, dict[str, Json]] = {
    "args that are no texts": {"args": [1]},
    "variable without name": {"env": [{"value": "v"}]},
    "variable of another shape": {"env": ["NAME"]},
    "variable that is no text": {"env": [{"name": "NAME", "value": 1}]},
}

SAYS = '{"apiVersion": "v1", "kind": "ExecCredential", "status": %s}'


@pytest.mark.parametrize(
    ("run", "message"),
    [
        pytest.param({"command": "false"}, "its exec plugin false ended with status 1", id="fails"),
        pytest.param(
            {"command": "sh", "args": ["-c", "echo no such account >&2; exit 3"]},
            "its exec plugin sh ended with status 3: no such account",
            id="says why",
        ),
        pytest.param(
            {"command": "no-such-plugin"},
            "its exec plugin no-such-plugin cannot be run: No such file or directory",
            id="is not there",
        ),
        pytest.param({}, "its exec plugin has no command", id="has no command"),
        pytest.param({"command": "true"}, "its exec plugin true gave no ExecCredential", id="mute"),
        pytest.param(
            {"command": "cat", "args": ["/dev/zero"]},
            "its exec plugin cat says more than 1024 KiB",
            id="says too much",
        ),
        pytest.param(
            {"command": "sh", "args": ["-c", "cat /dev/zero >&2"]},
            "its exec plugin sh says more than 1024 KiB",
            id="complains too much",
        ),
        pytest.param(
            {"command": "sh", "args": ["-c", "printf '[%.0s' $(seq 100000)"]},
            "its exec plugin sh gave no ExecCredential",
            id="nested",
        ),
        pytest.param(
            {"command": "echo", "args": [SAYS % "{}"]},
            "its exec plugin echo gave neither a token nor a certificate",
            id="gives nothing",
        ),
        pytest.param(
            {"command": "echo", "args": [SAYS % '{"clientCertificateData": "c"}']},
            "its exec plugin echo gave no ExecCredential",
            id="gives no key",
        ),
        pytest.param(
            {"command": "echo", "args": [SAYS % '{"token": "t"}'], "apiVersion": "v2"},
            "its exec plugin echo speaks v1, and v2 is asked for",
            id="another version",
        ),
        *(
            pytest.param(
                {"command": "true", **wrong},
                "its exec plugin true cannot be run: its args and env are not lists of texts",
                id=each,
            )
            for each, wrong in MISSHAPEN.items()
        ),
    ],
)
def test_a_plugin_that_gives_no_credentials_is_a_mistake(
    run: Mapping[str, Json], message: str, tmp_path: Path
) -> None:
    user = {"exec": {"apiVersion": "v1", **run}}
    path = written(tmp_path, kubeconfig("https://127.0.0.1:1", user=user))
    with pytest.raises(BadKubeconfig, match=re.escape(message)):
        asyncio.run(ApiServer.from_kubeconfig(path))


def test_a_variable_of_a_plugin_without_a_value_is_empty(tmp_path: Path) -> None:
    run = {"command": "sh", "args": ["-c", 'echo "<$NAME>" >&2; exit 3'], "apiVersion": "v1"}
    user = {"exec": {**run, "env": [{"name": "NAME"}]}}
    path = written(tmp_path, kubeconfig("https://127.0.0.1:1", user=user))
    with pytest.raises(BadKubeconfig, match="status 3: <>"):
        asyncio.run(ApiServer.from_kubeconfig(path))


@pytest.mark.parametrize(
    ("until", "worn"),
    [
        pytest.param("2100-01-31T12:00:00Z", False, id="later"),
        pytest.param("2100-01-31T12:00:00", False, id="no-zone"),
        pytest.param("0001-01-01T00:00:00Z", True, id="zero-time-of-go"),
        pytest.param("9999-12-31T23:59:59Z", False, id="never"),
    ],
)
def test_any_time_may_be_the_end_of_a_token(until: str, *, worn: bool, tmp_path: Path) -> None:
    said = SAYS % f'{{"token": "t", "expirationTimestamp": "{until}"}}'
    run = {"command": "echo", "args": [said], "apiVersion": "v1"}
    assert plugin.ask(run, tmp_path).worn is worn


def test_a_plugin_beside_its_kubeconfig_is_found(tmp_path: Path) -> None:
    async def scene() -> None:
        async with server() as there:
            script = tmp_path / "plugin"
            script.write_text("#!/bin/sh\necho '" + SAYS % '{"token": "beside"}' + "'")
            script.chmod(0o755)
            run = {"command": "./plugin", "apiVersion": "v1"}
            path = written(tmp_path, kubeconfig(there.url, user={"exec": run}))
            async with client(path) as api:
                await api.request("GET", PATH)
            assert there.authorizations == ["Bearer beside"]

    asyncio.run(scene())


def test_a_plugin_that_does_not_answer_is_a_mistake_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "PATIENCE", 2.0)
    says_pid = f"echo $$ > {tmp_path}/pid; exec sleep 60"
    run = {"command": "sh", "args": ["-c", says_pid], "apiVersion": "v1"}
    config = kubeconfig("https://127.0.0.1:1", user={"exec": run})
    with pytest.raises(BadKubeconfig, match="its exec plugin sh has not answered"):
        asyncio.run(ApiServer.from_kubeconfig(config))
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_many_clients_may_be_made_at_once(authority: Authority) -> None:
    """All clients with the same certificate share the library's file for it."""

    async def script(number: int) -> None:
        trusted = authority.certificate + b"file %d\n" % number
        cluster = {"certificate-authority-data": base64.b64encode(trusted).decode()}
        config = kubeconfig("https://127.0.0.1:1", cluster=cluster)
        made = await asyncio.gather(*(ApiServer.from_kubeconfig(config) for _ in range(8)))
        for api in made:
            await api.close()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads are switched as often as possible
    try:
        for number in range(20):
            asyncio.run(script(number))
    finally:
        sys.setswitchinterval(before)


@pytest.fixture
def account(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the files of a service account as Kubernetes mounts them; gives the token's path."""
    token, trusted = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("mounted")
    trusted.write_bytes(authority.certificate)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(trusted))
    return token


def at_home(monkeypatch: pytest.MonkeyPatch, there: Server) -> None:
    host, _, port = there.url.rpartition("/")[2].partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)


class Impatient(incluster_config.InClusterConfigLoader):
    """Reads the token again for each request instead of once a minute."""

    def __init__(self, **given: Json) -> None:
        super().__init__(**given)  # type: ignore[no-untyped-call]  # the library's
        self._token_refresh_period = timedelta(0)


def test_in_a_cluster_it_is_the_pods_own_account_whose_token_is_read_again(
    account: Path, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incluster_config, "InClusterConfigLoader", Impatient)

    async def script() -> None:
        async with server(tls=context_of(authority, tmp_path, asks_certificate=False)) as there:
            at_home(monkeypatch, there)
            api = await ApiServer.in_cluster()
            try:
                assert (await api.request("GET", PATH)).ok
                await asyncio.to_thread(account.write_text, "renewed")
                assert (await api.request("GET", PATH)).ok
                await asyncio.to_thread(account.write_text, "")
                with pytest.raises(Unreached, match="its credentials cannot be renewed: "):
                    await api.request("GET", PATH)
            finally:
                await api.close()
            assert [a.lower() for a in there.authorizations] == ["bearer mounted", "bearer renewed"]

    asyncio.run(script())


def test_outside_of_a_cluster_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(BadKubeconfig, match="not in a cluster: "):
        asyncio.run(ApiServer.in_cluster())


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        pytest.param("", None, id="none"),
        pytest.param("retry-after: 7\r\n", 7.0, id="seconds"),
        pytest.param("retry-after: Sat, 21 Nov 2026 10:00:00 GMT\r\n", None, id="a date"),
    ],
)
def test_a_server_may_say_when_to_ask_again(head: str, seconds: float | None) -> None:
    text = f"HTTP/1.1 429 Too Many Requests\r\n{head}content-length: 0\r\n\r\n"

    async def script() -> None:
        async with server(text.encode()) as there:
            reply = await ask(kubeconfig(there.url))
            assert (reply.status, reply.ok, reply.retry_after) == (429, False, seconds)

    asyncio.run(script())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"kind":"Status","message":"not yours"}', "not yours", id="a Status"),
        pytest.param(b"gateway says no", "gateway says no", id="text"),
        pytest.param(b"[1]", "", id="another JSON"),
        pytest.param(b"\xff" * 300, "\ufffd" * 200, id="bytes"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(body: bytes, message: str) -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    async def script() -> None:
        async with server(answer) as there:
            assert (await ask(kubeconfig(there.url))).message == message

    asyncio.run(script())


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(Unreached) as said:
            asyncio.run(ask(kubeconfig(url)))
    assert str(said.value) == f"{url}: Connection refused"


@pytest.mark.parametrize(
    ("server", "proxy"),
    [
        pytest.param("http://nowhere.test:6443", None, id="server"),
        pytest.param("http://127.0.0.1:6443", "http://user:s3cret@nowhere.test:1", id="proxy"),
    ],
)
def test_a_name_that_does_not_resolve_is_said(
    server: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    cluster = {"proxy-url": proxy} if proxy else {}
    with pytest.raises(Unreached) as said:
        asyncio.run(ask(kubeconfig(server, cluster=cluster)))
    why = "the name nowhere.test cannot be resolved: Name or service not known"
    assert str(said.value) == f"{server}: {why}"


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreached) as said:
            asyncio.run(ask(kubeconfig(url), timeout=0.2))
    assert str(said.value) == f"{url}: no answer in time"


def test_a_handshake_that_is_not_answered_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreached) as said:
            asyncio.run(ask(kubeconfig(url), Bounds(connect=0.2)))
    assert str(said.value) == f"{url}: no connection within 0.2 s"


CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200", id="half a head"),
        pytest.param(CUT, id="half a body"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
    ],
)
def test_an_answer_that_is_cut_is_none(answer: bytes) -> None:
    async def script() -> None:
        async with server(answer) as there:
            with pytest.raises(Unreached) as said:
                await ask(kubeconfig(there.url))
            assert str(said.value).startswith(f"{there.url}: ")
            assert "\n" not in str(said.value)

    asyncio.run(script())


# -- watches ---------------------------------------------------------------------------------------

STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def watched(url: str) -> tuple[int, list[bytes]]:
    async with (
        client(kubeconfig(url)) as api,
        api.watch(PATH, [("resourceVersion", "7")]) as (status, lines),
    ):
        return status, [line async for line in lines]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        pytest.param([b"one\ntwo\n"], [b"one", b"two"], id="two in one piece"),
        pytest.param([b"on", b"e\ntw", b"o\n"], [b"one", b"two"], id="across pieces"),
        pytest.param([b"x" * 900_000 + b"\n"], [b"x" * 900_000], id="900 kB"),
        pytest.param([b"one\n", b"tw"], [b"one"], id="the rest of a stream is no line"),
        pytest.param([], [], id="none"),
    ],
)
def test_a_watch_gives_lines_of_any_length(pieces: Sequence[bytes], lines: list[bytes]) -> None:
    answer = STREAM + b"".join(map(chunk, pieces)) + b"0\r\n\r\n"

    async def script() -> None:
        async with server(answer) as there:
            assert await watched(there.url) == (200, lines)
            assert f"GET {PATH}?resourceVersion=7&watch=1 HTTP/1.1" in there.asked[0]

    asyncio.run(script())


def test_a_watch_that_is_cut_says_so_after_its_lines() -> None:
    async def script() -> None:
        async with (
            server(STREAM + chunk(b"one\ntw")) as there,
            client(kubeconfig(there.url)) as api,
            api.watch(PATH, []) as (_, lines),
        ):
            assert await anext(lines) == b"one"
            with pytest.raises(Unreached):
                await anext(lines)

    asyncio.run(script())


def test_a_watch_asks_whether_its_server_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[int] = []
    real = connection.probe

    def probe(link: socket.socket) -> None:
        real(link)
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        probed.append(link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        probed.extend(link.getsockopt(socket.IPPROTO_TCP, option) for option in options)

    async def script() -> None:
        async with (
            server(STREAM + chunk(b"one\n")) as there,
            client(kubeconfig(there.url)) as api,
            api.watch(PATH, []) as (_, lines),
        ):
            assert await anext(lines) == b"one"

    monkeypatch.setattr(connection, "probe", probe)
    asyncio.run(script())
    assert probed == [1, 15, 5, 3]


def test_a_watch_that_is_refused_has_a_status() -> None:
    async def script() -> None:
        async with server(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n") as there:
            assert await watched(there.url) == (410, [])

    asyncio.run(script())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/apply-patch+yaml", "application/merge-patch+json"],
)
def test_what_is_sent_is_json(method: str, content_type: str) -> None:
    async def script() -> None:
        async with server() as there, client(kubeconfig(there.url)) as api:
            await api.request(method, PATH, body={"a": [1, None]}, content_type=content_type)
            head = there.asked[0].lower()
            assert f"content-length: {len(json.dumps({'a': [1, None]}))}\r\n" in head
            assert f"content-type: {content_type}\r\n" in head

    asyncio.run(script())


# -- values that no request can have ---------------------------------------------------------------


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param({"proxy-url": "s3cret@nowhere"}, id="a proxy that is no URL"),
        pytest.param({"proxy-url": 5}, id="a proxy that is no text"),
        pytest.param({"tls-server-name": "s3cret\n"}, id="a name with an end"),
        pytest.param({"tls-server-name": "s3cret" * 50}, id="a name that is too long"),
        pytest.param({"tls-server-name": 5}, id="a name that is no text"),
        pytest.param({"server": "https://127.0.0.1:99999"}, id="a port that is none"),
        pytest.param({"server": "ftp://127.0.0.1"}, id="another protocol"),
        pytest.param({"server": "nowhere"}, id="no URL"),
    ],
)
def test_what_makes_no_request_is_no_answer_and_told_without_secrets(
    cluster: Mapping[str, Json],
) -> None:
    config = kubeconfig("https://127.0.0.1:1", cluster=cluster)
    with pytest.raises(Unreached) as said:
        asyncio.run(ask(config))
    assert "s3cret" not in str(said.value)


def test_a_server_is_told_in_one_line() -> None:
    with pytest.raises(Unreached) as said:
        asyncio.run(ask(kubeconfig("https://127.0.0.1:1\nWARNING forged")))
    assert "\n" not in str(said.value)


# -- messages --------------------------------------------------------------------------------------

KEPT = "s3cret-token"
ECHO = f'{{"kind":"Status","message":"Authorization: Bearer {KEPT} is not\\n\\u001b[31mgood"}}'


@pytest.mark.parametrize(
    ("user", "body"),
    [
        pytest.param({"token": KEPT}, ECHO, id="a-status"),
        pytest.param({"token": KEPT}, f"token={KEPT};\n no", id="a-text"),
        pytest.param({"token": KEPT}, f"{KEPT}" * 10_000, id="a-long-text"),
        pytest.param(
            {"username": "me", "password": KEPT}, f"user me, password {KEPT}", id="a-password"
        ),
        pytest.param(
            {"username": "me", "password": KEPT},
            "Basic " + encoded(f"me:{KEPT}".encode()),
            id="a-password-as-it-is-sent",
        ),
    ],
)
@pytest.mark.parametrize("asks", ["request", "watch"])
def test_credentials_that_a_server_repeats_are_not_seen(
    asks: str, user: Mapping[str, str], body: str
) -> None:
    answer = f"HTTP/1.1 403 Forbidden\r\ncontent-length: {len(body)}\r\n\r\n{body}"

    async def refused(api: ApiServer) -> connection.Reply:
        if asks == "request":
            return await api.request("GET", PATH)
        async with api.watch(PATH, []) as (status, lines):
            return connection.Reply(status, b"".join([line async for line in lines]))

    async def script() -> None:
        async with (
            server(answer.encode()) as there,
            client(kubeconfig(there.url, user=user)) as api,
        ):
            reply = await refused(api)
            assert KEPT.encode() not in reply.body
            assert encoded(f"me:{KEPT}".encode()) not in reply.message
            assert KEPT not in reply.message
            assert reply.message.isprintable()
            assert len(reply.message) <= 500

    asyncio.run(script())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 407 Who are you\r\n\r\n", id="refused"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another-protocol"),
        pytest.param(b"", id="cut"),
    ],
)
def test_the_password_of_a_proxy_is_not_seen(answer: bytes) -> None:
    async def script() -> None:
        async with server(answer) as proxy:
            url = proxy.url.replace("//", "//me:s3cret%21@")
            config = kubeconfig("https://10.0.0.7:6443", cluster={"proxy-url": url})
            with pytest.raises(Unreached) as said:
                await ask(config)
            assert "s3cret" not in str(said.value)

    asyncio.run(script())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("all is well", "all is well", id="plain"),
        pytest.param("a\n b\t\x1b[31mc\u2028d", "a b [31mc d", id="one-line"),
        pytest.param("x" * 600, "x" * 497 + "...", id="cut"),
        pytest.param("GET https://u:p@h:1/a?t=p#p failed", "GET https://h:1/a failed", id="url"),
        pytest.param("url='http://u:p/w@h/a?t=p'", "url='http://h/a'", id="odd-password"),
        pytest.param("authorization: bearer abc.d-e_f", "authorization: bearer ***", id="bearer"),
        pytest.param("Basic dTpw", "Basic ***", id="basic"),
    ],
)
def test_what_is_shown_is_one_line_without_credentials(text: str, shown: str) -> None:
    assert redacted(text) == shown


# -- environment variables -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "url", "asked"),
    [
        pytest.param({}, "http://api.test:1", [], id="nothing"),
        pytest.param(
            {"HTTP_PROXY": "PROXY"}, "http://api.test:1", ["http://api.test:1" + PATH], id="proxy"
        ),
        pytest.param({"HTTPS_PROXY": "PROXY"}, "http://api.test:1", [], id="of-another-protocol"),
        pytest.param(
            {"HTTP_PROXY": "PROXY", "NO_PROXY": "api.test"}, "http://api.test:1", [], id="excepted"
        ),
        pytest.param({"HTTP_PROXY": "PROXY"}, "http://[::1", [], id="no-url"),
    ],
)
def test_the_proxy_of_the_environment_is_asked(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], url: str, asked: list[str]
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    async def script() -> None:
        async with server() as proxy:
            for name, value in environment.items():
                monkeypatch.setenv(name, value.replace("PROXY", proxy.url))
            with suppress(Unreached):
                await ask(kubeconfig(url))
            assert [head.split()[1] for head in proxy.asked] == asked

    asyncio.run(script())


def test_a_proxy_of_the_kubeconfig_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def script() -> None:
        async with server() as proxy:
            await ask(kubeconfig("http://api.test:1", cluster={"proxy-url": proxy.url}))
            assert len(proxy.asked) == 1

    asyncio.run(script())


def test_a_request_takes_no_thread_and_no_password_of_netrc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async def script() -> None:
        async with server() as there:
            api = await ApiServer.from_kubeconfig(kubeconfig(there.url))
            try:
                loop = asyncio.get_running_loop()
                monkeypatch.setattr(loop, "run_in_executor", _no_thread)
                assert (await api.request("GET", PATH)).ok
            finally:
                await api.close()
            assert there.authorizations == ["Bearer t"]

    asyncio.run(script())


def _no_thread(*_: object) -> None:
    raise AssertionError("a thread was asked for")


def test_a_client_is_closed_when_its_last_connection_is_gone(
    authority: Authority, tmp_path: Path
) -> None:
    """TLS ends with a message of the other side; a loop that ends before leaks the connection."""
    tls = context_of(authority, tmp_path, asks_certificate=False)
    asked, may_end = threading.Event(), threading.Event()

    def serve(listening: socket.socket) -> None:
        with tls.wrap_socket(listening.accept()[0], server_side=True) as link:
            link.recv(4096)
            asked.set()
            may_end.wait(30)

    async def script(port: int) -> None:
        trusted = {"certificate-authority-data": encoded(authority.certificate)}
        config = kubeconfig(f"https://127.0.0.1:{port}", cluster=trusted)
        api = await ApiServer.from_kubeconfig(config)
        asking = asyncio.create_task(api.request("GET", PATH))
        await asyncio.to_thread(asked.wait, 30)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        closing = asyncio.create_task(api.close())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not closing.done()
        may_end.set()
        await closing
        transport = api._client.rest_client
        assert isinstance(transport, Transport)
        assert not transport.connected

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=[listening])
        serving.start()
        try:
            asyncio.run(script(listening.getsockname()[1]))
        finally:
            may_end.set()
            serving.join()


def test_a_page_of_a_proxy_is_no_answer() -> None:
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi"

    async def script() -> None:
        async with server(page) as there:
            with pytest.raises(Unreached, match="text/html and not JSON"):
                await ask(kubeconfig(there.url))

    asyncio.run(script())


def test_a_refusal_may_be_a_page() -> None:
    page = b"HTTP/1.1 503 Away\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi"

    async def script() -> None:
        async with server(page) as there:
            assert (await ask(kubeconfig(there.url))).status == 503

    asyncio.run(script())
