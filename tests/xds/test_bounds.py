"""Bounds of what a client may send, and the form of its texts in logs and tables."""

import gc
import tracemalloc
from collections.abc import Callable

import grpc
import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.google.rpc import Status
from grpc import aio

from tests.xds.dialogue import AGGREGATED
from tests.xds.requests import delta, sotw
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SECRET
from tests.xds.rigs import GROUP, GrpcRig, MachineRig, joined
from xds.cache import OTHER_TYPES
from xds.discovery import LONGEST
from xds.errors import TooMuch
from xds.quoted import cut, printable, quoted
from xds.resource import Resource
from xds.server import ServerSettings
from xds.stream import Stream
from xds.suspects import Suspects
from xds.variants import DELTA, SOTW, Variant

MOST = 100
ALONE = [("grpc.use_local_subchannel_pool", 1)]
LONG = "x" * (LONGEST + 1)
Say = Callable[..., bytes]


@pytest.fixture
def rig() -> MachineRig:
    return MachineRig("delta")


def stream(rig: MachineRig, variant: Variant = DELTA) -> Stream:
    return Stream(
        rig.cache, variant, group_of=lambda node: GROUP, wake=lambda: None, most_names=MOST
    )


def names(count: int, prefix: str = "n") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


VARIANTS = pytest.mark.parametrize(
    ("variant", "say"),
    [pytest.param(DELTA, delta, id="delta"), pytest.param(SOTW, sotw, id="sotw")],
)


@VARIANTS
def test_as_many_names_as_are_allowed_are_served(
    variant: Variant, say: Say, rig: MachineRig
) -> None:
    served = stream(rig, variant)
    served.receive(say(type_url=ENDPOINT, resource_names_subscribe=names(MOST)))
    assert served.next_message(0.0)


@VARIANTS
def test_more_names_in_one_request_end_the_stream(
    variant: Variant, say: Say, rig: MachineRig
) -> None:
    with pytest.raises(TooMuch, match="names 101 resources, and at most 100 are served"):
        stream(rig, variant).receive(
            say(type_url=ENDPOINT, resource_names_subscribe=names(MOST + 1))
        )


@pytest.mark.parametrize("second", [ENDPOINT, CLUSTER], ids=["of-one-type", "of-several-types"])
def test_more_names_in_several_requests_end_the_stream(second: str, rig: MachineRig) -> None:
    served = stream(rig)
    served.receive(delta(type_url=ENDPOINT, resource_names_subscribe=names(60)))
    with pytest.raises(TooMuch, match="subscribes to 120 resources by name, and at most 100"):
        served.receive(delta(type_url=second, resource_names_subscribe=names(60, "m")))


def test_names_that_were_given_up_do_not_count(rig: MachineRig) -> None:
    served = stream(rig)
    for number in range(5):
        asked = names(60, f"n{number}-")
        served.receive(delta(type_url=ENDPOINT, resource_names_subscribe=asked))
        served.receive(delta(type_url=ENDPOINT, resource_names_unsubscribe=asked))


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param({"resource_names_unsubscribe": names(MOST + 1)}, id="given-up"),
        pytest.param({"initial_resource_versions": dict.fromkeys(names(MOST + 1), "1")}, id="held"),
        pytest.param({"resource_names_subscribe": [LONG]}, id="long-name"),
        pytest.param({"resource_names_unsubscribe": [LONG]}, id="long-name-given-up"),
        pytest.param({"initial_resource_versions": {LONG: "1"}}, id="long-name-held"),
        pytest.param({"initial_resource_versions": {"n": LONG}}, id="long-version"),
        pytest.param({"type_url": LONG}, id="long-type-url"),
        pytest.param({"node": core.Node(id=LONG)}, id="long-node-id"),
        pytest.param({"node": core.Node(cluster=LONG)}, id="long-node-cluster"),
    ],
)
def test_more_and_longer_than_anybody_needs_ends_the_stream(
    request_of: dict[str, object], rig: MachineRig
) -> None:
    with pytest.raises(TooMuch, match=r"at most \d+ are served"):
        stream(rig).receive(delta(**{"type_url": ENDPOINT, **request_of}))
    assert rig.cache.clients() == ()


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        pytest.param(
            delta(type_url=ENDPOINT, resource_names_subscribe=names(MOST + 1)),
            "a request names 101 resources, and at most 100 are served",
            id="names",
        ),
        pytest.param(
            delta(type_url=ENDPOINT, response_nonce="n" * 15_000),
            "a request has 15071 bytes, and at most 10000 are served",
            id="bytes",
        ),
    ],
)
def test_the_client_is_told_and_so_is_the_log(
    request_: bytes, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = refused(request_)
    assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, sentence)
    assert f"status=RESOURCE_EXHAUSTED detail='{sentence}'" in caplog.text


def test_a_request_that_is_far_too_large_is_not_even_read() -> None:
    error = refused(delta(type_url=ENDPOINT, response_nonce="n" * 30_000))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "Received message larger than max" in (error.details() or "")


def refused(request: bytes) -> aio.AioRpcError:
    rig = GrpcRig("delta", ServerSettings(most_names=MOST, largest_request=10_000))
    transport = rig.open(AGGREGATED["delta"])
    transport.send(request)
    with pytest.raises(aio.AioRpcError) as caught:
        transport.receive()
    rig.close()
    return caught.value


LARGE = 1 << 20


def too_many_names(rig: GrpcRig) -> None:
    """Send a request that is refused."""
    transport = rig.open(AGGREGATED["delta"])
    transport.send(delta(type_url=ENDPOINT, resource_names_subscribe=["x" * LARGE]))
    with pytest.raises(aio.AioRpcError, match="characters"):
        transport.receive()


def unread(rig: GrpcRig) -> None:
    """Leave without reading, while one response is under way and another one waits."""
    asked = core.Node(id="n", cluster=GROUP)

    async def converse() -> None:
        async with aio.insecure_channel(f"127.0.0.1:{rig.port}", options=ALONE) as channel:
            call: aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(AGGREGATED["delta"])()
            names_ = ["large", "unknown"]
            await call.write(delta(node=asked, type_url=SECRET, resource_names_subscribe=names_))
            await joined(rig.cache, 1)
            call.cancel()
            await joined(rig.cache, 0)

    rig.run(converse())


@pytest.mark.parametrize("hostile", [too_many_names, unread], ids=["refused", "unread"])
def test_streams_that_end_leave_nothing_large_until_the_collector_comes(
    hostile: Callable[[GrpcRig], None],
) -> None:
    """The collector runs rarely, for speed, so gigabytes could wait for it."""
    rig = GrpcRig("delta")
    rig.publish({SECRET: {"large": Resource.of("large", bytes(LARGE))}})
    hostile(rig)
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            hostile(rig)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 5 * LARGE
    rig.close()


def test_types_that_nobody_has_count_together(rig: MachineRig) -> None:
    served = stream(rig)
    for number in range(3):
        served.receive(delta(type_url=f"type.googleapis.com/unknown.T{number}"))
        assert served.next_message(0.0)
    assert rig.cache.traffic().keys() == {OTHER_TYPES}
    assert rig.cache.traffic()[OTHER_TYPES].messages == 3


def test_what_clients_say_stays_in_its_line_of_the_log(
    rig: MachineRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "xds")
    rig.publish({LISTENER: {"http": "1"}})
    evil = "evil\nnode=good group=mse/other\x1b[31m" + "x" * 900
    served = stream(rig)
    served.receive(delta(node=core.Node(id=evil, cluster=evil), type_url=LISTENER))
    served.next_message(0.0)
    error = Status(code=13, message=evil)
    served.receive(delta(type_url=LISTENER, response_nonce=evil))
    served.receive(delta(type_url=LISTENER, response_nonce="1", error_detail=error))
    served.receive(delta(type_url=f"type.{evil}"))
    served.close()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) >= 5
    for line in lines:
        assert line.isprintable()
        assert len(line) < 2000
        assert " node=good" not in line.partition("detail=")[0].replace(repr(evil)[:50], "")


def test_what_clients_say_of_a_refusal_is_kept_in_part(rig: MachineRig) -> None:
    rig.publish({LISTENER: {"http": "1"}})
    client = rig.connect()
    client.request(LISTENER)
    client.expect(LISTENER, {"http": "1"})
    client.nack(LISTENER, "\x1b[31m" + "long " * 1_000_000)
    (rejection,) = rig.cache.rejections(GROUP)
    assert len(rejection.message) < 5000
    assert rejection.message.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("mse/shop@host-1", "mse/shop@host-1", id="word"),
        pytest.param("größe", "größe", id="other-letters"),
        pytest.param("", "", id="nothing"),
        pytest.param("a b", "'a b'", id="blank"),
        pytest.param("a\nb", r"'a\nb'", id="line-feed"),
        pytest.param("a\x1b[1m", r"'a\x1b[1m'", id="escape"),
        pytest.param("a=b", "'a=b'", id="looks-like-a-field"),
        pytest.param("a" * 200, repr("a" * 117 + "..."), id="long"),
    ],
)
def test_texts_are_quoted_unless_they_are_one_word(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_texts_are_cut_and_printable() -> None:
    assert cut("abcdef", 5) == "ab..."
    assert printable("ä\x00\n") == r"ä\x00\n"


class Hashed(str):
    """A name that counts how often names of its class are hashed."""

    __slots__ = ()
    times = 0

    def __hash__(self) -> int:
        Hashed.times += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def test_a_message_that_names_many_suspects_costs_what_they_are() -> None:
    suspected = [Hashed(f"n{number:05}") for number in range(2000)]
    suspects = Suspects()
    Hashed.times = 0
    suspects.accuse(suspected, " ".join(suspected[:1000]))
    assert Hashed.times <= 10 * len(suspected)
