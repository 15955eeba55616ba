"""The walk does what an example says, measures the answers, and calls a broken promise broken."""

import asyncio
import io
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import grpc
import grpc.aio
import pytest

from fleet.ref import Ref
from fleetgate.demo.alb_examples import ALB_NORTH_SOUTH_TRAFFIC
from fleetgate.demo.examples import DOCUMENTS
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2, DemoFleet
from fleetgate.demo.grpc_backend import CHECK, SERVING
from fleetgate.demo.http import Address, Question
from fleetgate.demo.kubelet import RUNNING, Kubelet
from fleetgate.demo.load import Tally
from fleetgate.demo.page import Page
from fleetgate.demo.pod import Pace
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.steps import (
    Apply,
    Ask,
    ByQuic,
    Call,
    Change,
    Check,
    Document,
    Example,
    Kill,
    Listed,
    Redirected,
    Reported,
    Revive,
    Scale,
    Step,
    Try,
)
from fleetgate.demo.verdict import judge
from fleetgate.demo.walk import Listing, Outcome, Walk

ROOT = Question("/")


def tally(lines: Mapping[str, int], failures: Mapping[str, int] | None = None) -> Tally:
    total = sum(lines.values()) + sum((failures or {}).values())
    named = Counter({f"This is env {env} !": number for env, number in lines.items()})
    return Tally(total, named, {}, {}, {}, failures or {}, worst_wait=timedelta(milliseconds=12))


@pytest.mark.parametrize(
    ("came", "promised", "held"),
    [
        pytest.param({"a": 1000, "b": 1000}, {"a": 50, "b": 50}, True, id="exact"),
        pytest.param({"a": 1079, "b": 921}, {"a": 50, "b": 50}, True, id="within 4 points"),
        pytest.param({"a": 1081, "b": 919}, {"a": 50, "b": 50}, False, id="beyond 4 points"),
        pytest.param({"a": 1999, "b": 1}, {"a": 100}, False, id="all means all"),
        pytest.param({"a": 2000}, {"a": 100}, True, id="all"),
        pytest.param({"a": 2000}, {"b": 100}, False, id="another one"),
        pytest.param({"a": 1000, "b": 999, "c": 1}, {"a": 50, "b": 50}, False, id="a stranger"),
        pytest.param({}, {"a": 100}, False, id="nobody"),
    ],
)
def test_a_share_is_right_within_four_points_but_all_means_all(
    came: Mapping[str, int], promised: Mapping[str, float], held: bool
) -> None:
    assert judge(tally(came), promised).held is held


def test_one_failed_request_breaks_a_promise() -> None:
    assert not judge(tally({"a": 1000, "b": 999}, {"503": 1}), {"a": 50, "b": 50}).held


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colour"),
    [
        pytest.param(Terminal(), {}, True, id="terminal"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param(Terminal(), {"NO_COLOR": ""}, True, id="empty NO_COLOR"),
        pytest.param(Terminal(), {"TERM": "dumb"}, False, id="dumb terminal"),
        pytest.param(io.StringIO(), {}, False, id="file"),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    stream: io.StringIO, environ: Mapping[str, str], colour: bool
) -> None:
    page = Page.on(stream, environ)
    page.verdict(judge(tally({"a": 1}), {"a": 100}))
    assert ("\033[" in stream.getvalue()) is colour


def test_shares_are_shown_as_bars_beside_what_was_promised() -> None:
    page = Page.on(io.StringIO(), {})
    verdict = judge(tally({"one": 1800, "two": 200}), {"one": 90, "two": 10})
    page.verdict(verdict)
    assert page.stream.getvalue().splitlines() == [  # type: ignore[attr-defined]  # a StringIO
        f"      one             {'#' * 36:<40}   90.0 %   promised  90 %",
        f"      two             {'#' * 4:<40}   10.0 %   promised  10 %",
        "      2000 requests, none failed, the slowest took 12 ms                  ok",
    ]


def test_failures_are_named_and_counted() -> None:
    page = Page.on(io.StringIO(), {})
    page.verdict(judge(tally({"a": 1}, {"503 no healthy upstream": 3}), {"a": 100}))
    shown = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "NOT AS PROMISED" in shown
    assert "3 x 503 no healthy upstream" in shown


@dataclass
class FirstPodIsTheGateway:
    """Stands in for the gateway: its address is that of a member's first Pod."""

    kubelet: Kubelet
    fleet: DemoFleet
    said: list[str] = field(default_factory=list)
    missing: str = ""
    listed: tuple[str, ...] = ()

    async def sync(self) -> None:
        running = (self.fleet.directory(member) / RUNNING for member in self.fleet.members)
        self.said.append(" ".join("up" if path.exists() else "down" for path in running))
        if self.missing:
            raise TimeoutError(self.missing)

    async def listing(self, gateway: Ref) -> Listing:
        return Listing({"PORT&PROTOCOL": "80/HTTP"}, self.listed or self.fleet.members)

    async def event(self, ingress: Ref, reason: str) -> str:
        return {"Sum": f"{ingress.namespace}/{ingress.name}: 90"}.get(reason, "")

    async def address(self, gateway: Ref) -> Address:
        self.said.append(gateway.name)
        [pod, *_] = self.kubelet.pods(CLUSTER_1)
        return pod.place.address, pod.place.ports[0]


WEB = "web-demo.yaml"
PREPARATION: tuple[Change, ...] = (Apply(WEB, to=CLUSTER_1), Apply(WEB, to=CLUSTER_2))


def walk(
    root: Path,
    *examples: Example,
    missing: str = "",
    listed: tuple[str, ...] = (),
    unready_after: timedelta = timedelta(),
) -> tuple[Outcome, str, list[str]]:
    """Walk through a document of these examples; gives the page and what the gateway saw."""
    page = Page.on(io.StringIO(), {})
    document = Document("Title", "north-south-traffic", "gw", PREPARATION, examples)
    fleet = DemoFleet.create(root)

    async def run() -> tuple[Outcome, list[str]]:
        async with Kubelet(root, Pace(unready_after=unready_after)).running() as kubelet:
            gateways = FirstPodIsTheGateway(kubelet, fleet, missing=missing, listed=listed)
            walking = Walk(fleet, kubelet, gateways, page, requests=20, documents=[document])
            return await walking.run(), gateways.said

    outcome, said = asyncio.run(run())
    return outcome, page.stream.getvalue(), said  # type: ignore[attr-defined]  # a StringIO


def example(*steps: Step, title: str = "Example") -> Example:
    return Example(title, "The promise.", steps)


def test_examples_that_hold_and_those_that_do_not_are_told_apart(tmp_path: Path) -> None:
    right, wrong = Ask(ROOT, {"cluster1": 100}), Ask(ROOT, {"cluster2": 100})
    outcome, page, _ = walk(
        tmp_path,
        example(right, title="Right"),
        example(right, wrong, right, title="Wrong in the middle"),
    )
    assert outcome == Outcome(held=1, failed=1)
    marks = [
        line.split("  ")[-1] for line in page.splitlines() if line.endswith(("ok", "PROMISED"))
    ]
    assert [mark.strip() for mark in marks] == ["ok", "ok", "NOT AS PROMISED", "ok"]
    assert page.rstrip().splitlines()[-1].startswith("1 of 2 examples are NOT AS PROMISED")


@pytest.mark.parametrize(
    ("step", "shown", "held"),
    [
        pytest.param(
            Try(ROOT, {200: 3}, "/"), "3 x 200, the Pod was asked for /", 1, id="as-it-is"
        ),
        pytest.param(Try(ROOT, {200: 2, 429: 1}, "/"), "3 x 200, the Pod", 0, id="other-status"),
        pytest.param(Try(ROOT, {200: 1}, "/x"), "1 x 200, the Pod", 0, id="other-path"),
        pytest.param(Try(ROOT, {200: 1}), "1 x 200, the Pod", 0, id="a-pod-is-asked"),
    ],
)
def test_a_few_answers_have_the_promised_statuses_and_the_pod_the_promised_path(
    step: Try, shown: str, held: int, tmp_path: Path
) -> None:
    outcome, page, _ = walk(tmp_path, example(step))
    assert outcome == Outcome(held=held, failed=1 - held)
    (line,) = [line for line in page.splitlines() if " x 200" in line]
    assert line.strip().startswith(shown)
    assert line.endswith("ok" if held else "NOT AS PROMISED")


@pytest.mark.parametrize(
    ("step", "shown", "held"),
    [
        pytest.param(Listed("80/HTTP"), '"]', True, id="listed"),
        pytest.param(Listed("80/HTTP,443/HTTPS"), '"]', False, id="another-listener"),
        pytest.param(Reported("web", "shop", "Sum", "90"), "Warning  Sum", True, id="reported"),
        pytest.param(Reported("web", "shop", "Sum", "80"), "Warning  Sum", False, id="another-sum"),
        pytest.param(Reported("web", "shop", "Gone", ""), "none of this", False, id="no-event"),
    ],
)
def test_what_kubectl_shows_is_as_promised(
    step: Check, shown: str, held: bool, tmp_path: Path
) -> None:
    outcome, page, _ = walk(tmp_path, example(step))
    assert outcome == Outcome(held=held, failed=not held)
    (line,) = [line for line in page.splitlines() if shown in line]
    assert line.endswith("ok" if held else "NOT AS PROMISED")


def test_the_members_of_a_gateway_are_all_of_the_fleet(tmp_path: Path) -> None:
    outcome, page, _ = walk(tmp_path, example(Listed("80/HTTP")), listed=(CLUSTER_1,))
    assert outcome == Outcome(failed=1)
    assert f'["{CLUSTER_1}"]' in page


def test_a_later_version_of_a_file_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    page = Page.on(io.StringIO(), {})
    steps = (Apply("ingress-demo.yaml"), Apply("ingress-weight.yaml", over="ingress-demo.yaml"))
    document = Document("Title", "north-south-traffic", "gw", PREPARATION, (example(*steps),))
    fleet = DemoFleet.create(tmp_path)

    async def run() -> None:
        async with Kubelet(tmp_path).running() as kubelet:
            gateways = FirstPodIsTheGateway(kubelet, fleet)
            await Walk(fleet, kubelet, gateways, page).stand(document)

    asyncio.run(run())
    [kept] = fleet.directory("").iterdir()
    assert kept.name == "ingress-demo.yaml"
    assert "/svc1-w" in kept.read_text()


def test_no_more_requests_are_sent_than_an_example_wants(tmp_path: Path) -> None:
    _, page, _ = walk(tmp_path, example(Ask(ROOT, {"cluster1": 100}, times=3)))
    assert "      3 requests, none failed" in page


def test_everything_declared_is_in_force_before_something_is_asked(tmp_path: Path) -> None:
    """The manifests of a document are removed after its examples."""
    ask = Ask(ROOT, {"cluster1": 100})
    _, _, said = walk(tmp_path, example(ask, Scale(CLUSTER_2, 3), Apply("ingress-demo.yaml"), ask))
    assert said == ["up up", "gw", "up up", "down down"]
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_kill_is_followed_by_the_question_at_once(tmp_path: Path) -> None:
    """The walk does not wait: the gateway has to notice by itself."""
    ask = Ask(ROOT, {"cluster1": 100})
    outcome, page, said = walk(
        tmp_path, example(Kill(CLUSTER_2), ask, Revive(CLUSTER_2), ask, Kill(CLUSTER_1), ask)
    )
    assert outcome == Outcome(held=0, failed=1)
    assert page.count("  ok") == 2
    assert "x cannot connect" in page
    assert said == ["up up", "gw", "up up", "down down"], "one sync after the revival"


def test_pods_are_revived_only_after_their_probes_have_failed(tmp_path: Path) -> None:
    """Otherwise outlier detection would still eject the Pods after their return."""
    seen: list[list[bool]] = []

    class Watched(Kubelet):
        def revive(self, member: str, deployment: str = "") -> None:
            seen.append([pod.ready for pod in self.pods(member)])
            super().revive(member, deployment)

    async def run() -> None:
        fleet = DemoFleet.create(tmp_path)
        pace = Pace(unready_after=timedelta(milliseconds=50))
        steps = (Kill(CLUSTER_2), Revive(CLUSTER_2))
        document = Document("T", "north-south-traffic", "gw", PREPARATION, (example(*steps),))
        async with Watched(tmp_path, pace).running() as kubelet:
            gateways = FirstPodIsTheGateway(kubelet, fleet)
            page = Page.on(io.StringIO(), {})
            await Walk(fleet, kubelet, gateways, page, documents=[document]).run()

    asyncio.run(run())
    assert seen == [[False]]


@pytest.mark.parametrize(
    ("unready_after", "remarked"),
    [
        pytest.param(timedelta(days=1), True, id="not yet"),
        pytest.param(timedelta(), False, id="at once"),
    ],
)
def test_a_failover_before_any_probe_failed_is_remarked(
    tmp_path: Path, unready_after: timedelta, remarked: bool
) -> None:
    ask = Ask(ROOT, {"cluster1": 100})
    _, page, _ = walk(tmp_path, example(Kill(CLUSTER_2), ask), unready_after=unready_after)
    assert ("endpoints still name the dead Pods" in page) is remarked


def test_the_commands_are_those_of_kubectl_and_curl(tmp_path: Path) -> None:
    _, page, _ = walk(
        tmp_path,
        example(
            Scale(CLUSTER_2, 2),
            Apply("ingress-demo.yaml", namespace="n"),
            Ask(Question("/svc1", headers={"stage": "gray"}), {"cluster1": 100}),
        ),
    )
    commands = [line.strip() for line in page.splitlines() if line.startswith("  $")]
    assert commands[:-1] == [
        "$ kubectl --context cluster1 apply -f web-demo.yaml",
        "$ kubectl --context cluster2 apply -f web-demo.yaml",
        "$ kubectl --context cluster2 scale deployment web-demo --replicas 2",
        "$ kubectl apply -f ingress-demo.yaml -n n",
    ]
    assert commands[-1].startswith("$ curl -H 'host: example.com' -H 'stage: gray' http://127.")
    assert commands[-1].endswith(":8080/svc1")


def test_a_gateway_that_is_not_ready_in_time_fails_its_examples_with_the_reason(
    tmp_path: Path,
) -> None:
    ask = Ask(ROOT, {"cluster1": 100})
    outcome, page, _ = walk(tmp_path, example(ask), example(ask), missing="gw has no Envoy")
    assert outcome == Outcome(held=0, failed=2)
    assert "gw has no Envoy: NOT AS PROMISED" in page


def test_the_page_fits_into_100_columns(tmp_path: Path) -> None:
    documents = (*DOCUMENTS, ALB_NORTH_SOUTH_TRAFFIC)
    _, page, _ = walk(tmp_path, *(each for document in documents for each in [_silent(document)]))
    assert max(map(len, page.splitlines())) <= 100


def _silent(document: Document) -> Example:
    """All sentences and questions of a document in one example."""
    asks = [s for each in document.examples for s in each.steps if isinstance(s, Ask)]
    return Example("x", " ".join(each.promise for each in document.examples), tuple(asks))


def test_a_document_can_be_left_standing_with_the_questions_to_try(tmp_path: Path) -> None:
    page = Page.on(io.StringIO(), {})
    gray = Ask(Question("/", headers={"stage": "gray"}), {"cluster1": 100})
    steps = (Apply("ingress-demo.yaml"), Ask(ROOT, {}), Kill(CLUSTER_1), gray, Scale(CLUSTER_1, 0))
    document = Document("Title", "north-south-traffic", "gw", PREPARATION, (example(*steps, gray),))
    fleet = DemoFleet.create(tmp_path)

    async def run() -> list[str]:
        async with Kubelet(tmp_path).running() as kubelet:
            gateways = FirstPodIsTheGateway(kubelet, fleet)
            await Walk(fleet, kubelet, gateways, page).stand(document)
            assert all(pod.ready for pod in kubelet.pods(CLUSTER_1)), "nothing is broken for it"
            return gateways.said

    assert asyncio.run(run()) == ["up up", "gw", "up up"]
    assert (fleet.directory("") / "ingress-demo.yaml").exists()
    shown = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert shown.count("$ curl") == 2, "each question once"
    assert f"  {fleet.directory(CLUSTER_1) / WEB}\n" in shown, "what to edit"


class Standing:
    """Stands in for a gateway that always listens at one address."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def sync(self) -> None:
        return

    async def listing(self, gateway: Ref) -> Listing:
        raise NotImplementedError

    async def event(self, ingress: Ref, reason: str) -> str:
        raise NotImplementedError

    async def address(self, gateway: Ref) -> Address:
        return self._address


async def outcome_at(root: Path, address: Address, *steps: Step) -> Outcome:
    """Walk through one example with a gateway at this address, and no Pods."""
    document = Document("Title", "north-south-traffic", "gw", (), (example(*steps),))
    fleet, page = DemoFleet.create(root), Page.on(io.StringIO(), {})
    async with Kubelet(root).running() as kubelet:
        gateways = Standing(address)
        walking = Walk(fleet, kubelet, gateways, page, requests=4, documents=[document])
        return await walking.run()


def answering(head: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Serve connections by one answer to all requests."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head.encode())
        writer.close()

    return serve


@pytest.mark.parametrize(
    ("trusted", "held"),
    [pytest.param("shown", True, id="its own"), pytest.param("other", False, id="another one")],
)
def test_an_example_of_tls_holds_with_its_own_certificate_only(
    tmp_path: Path, trusted: str, held: bool
) -> None:
    """It is asked on the port that is as far from the gateway's own as 443 is from 80."""
    host = "shop.example.com"
    signed = {"shown": SelfSigned.make(host), "other": SelfSigned.make(host)}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "pair.pem").write_bytes(signed["shown"].key + signed["shown"].certificate)
    context.load_cert_chain(tmp_path / "pair.pem")

    async def run() -> Outcome:
        serve = answering("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\nThis is env one !")
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1] - 443 + 80
            ask = Ask(Question("/", host), {"one": 100}, signed[trusted].certificate.decode())
            return await outcome_at(tmp_path / "fleet", ("127.0.0.1", port), ask)

    assert asyncio.run(run()) == (Outcome(held=1) if held else Outcome(failed=1))


@pytest.mark.parametrize(
    ("head", "held"),
    [
        pytest.param("308 Permanent Redirect\r\nlocation: https://a.com/x", True, id="as said"),
        pytest.param("308 Permanent Redirect\r\nlocation: http://a.com/x", False, id="elsewhere"),
        pytest.param("302 Found\r\nlocation: https://a.com/x", False, id="another status"),
        pytest.param("200 OK", False, id="served"),
    ],
)
def test_an_example_of_a_redirect_holds_if_it_leads_to_the_promised_url(
    tmp_path: Path, head: str, held: bool
) -> None:
    async def run() -> Outcome:
        serve = answering(f"HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n")
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            step = Redirected(Question("/x", "a.com"), "https://a.com/x")
            return await outcome_at(tmp_path, (host, port), step)

    assert asyncio.run(run()) == (Outcome(held=1) if held else Outcome(failed=1))


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        pytest.param(SERVING, True, id="serving"),
        pytest.param(b"\x08\x02", False, id="not-serving"),
    ],
)
def test_an_example_of_grpc_holds_if_the_backend_says_that_it_serves(
    tmp_path: Path, answer: bytes, held: bool
) -> None:
    host = "shop.example.com"
    signed = SelfSigned.make(host)

    async def said(_: bytes, __: object) -> bytes:
        return answer

    async def run() -> Outcome:
        server = grpc.aio.server()
        service, _, name = CHECK[1:].partition("/")
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            name: grpc.unary_unary_rpc_method_handler(said)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        credentials = grpc.ssl_server_credentials([(signed.key, signed.certificate)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        try:
            call = Call(host, signed.certificate.decode())
            return await outcome_at(tmp_path, ("127.0.0.1", port - 443 + 80), call)
        finally:
            await server.stop(0)

    assert asyncio.run(run()) == (Outcome(held=1) if held else Outcome(failed=1))


@pytest.mark.parametrize(
    ("versions", "held"),
    [
        pytest.param("00000001 8aea9ada", True, id="version-1-and-a-reserved-one"),
        pytest.param("6b3343cf", False, id="version-2-only"),
    ],
)
def test_an_example_of_quic_holds_if_version_1_is_spoken(
    tmp_path: Path, versions: str, held: bool
) -> None:
    async def run() -> Outcome:
        made = asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Negotiating(bytes.fromhex(versions)), local_addr=("127.0.0.1", 0)
        )
        transport, _ = await made
        host, port = transport.get_extra_info("sockname")
        try:
            return await outcome_at(tmp_path, (host, port - 443 + 80), ByQuic(Question("/")))
        finally:
            transport.close()

    assert asyncio.run(run()) == (Outcome(held=1) if held else Outcome(failed=1))


class Negotiating(asyncio.DatagramProtocol):
    """Answers every packet with a list of versions."""

    def __init__(self, versions: bytes) -> None:
        self._versions = versions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        assert len(data) >= 1200
        server, client = data[5:14], data[14:23]
        self._transport.sendto(b"\x80" + bytes(4) + client + server + self._versions, addr)
