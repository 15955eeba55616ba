"""Envoys of an undeclared gateway get no answer, and are a problem."""

import logging

import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery

from fleet.events import Listed
from fleet.problem import Problem
from fleet.ref import HUB
from fleetgate.core.control import ControlPlane
from fleetgate.core.view import FleetView
from fleetgate.http.status import report
from tests.control.rig import DECLARED, NEVER, Said, starting
from xds.resource import TypeUrl
from xds.stream import Stream
from xds.variants import DELTA


def join(control: ControlPlane, gateway: str, node: str = "envoy-1") -> Stream:
    stream = Stream(control.cache, DELTA, group_of=lambda n: n.cluster, wake=lambda: None)
    asking = core.Node(id=node, cluster=gateway)
    request = discovery.DeltaDiscoveryRequest(node=asking, type_url=TypeUrl.LISTENER)
    stream.receive(bytes(request))
    return stream


async def start(source: Said, control: ControlPlane) -> None:
    await source.say(Listed(HUB))
    await control.started.wait()


def undeclared(control: ControlPlane) -> list[Problem]:
    return [p for p in control.problems if p.reason == "GatewayNotDeclared"]


def test_it_is_a_problem_until_the_gateway_is_declared(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await start(source, control)
        stream = join(control, "mse/gw")
        await control.settle()
        (problem,) = undeclared(control)
        assert str(problem.at) == "Envoy envoy-1"
        assert problem.message == (
            "node.cluster: 'mse/gw' (expected the name of a gateway that is declared, such as "
            "mse/NAME or alb/NAME); it is told nothing until then"
        )
        assert stream.next_message(0.0) is None

        await source.say(DECLARED)
        await control.settle()
        assert undeclared(control) == []
        assert stream.next_message(0.0) is not None

    with caplog.at_level(logging.INFO, "fleetgate"):
        starting(NEVER, scenario)
    told = [message for message in caplog.messages if "GatewayNotDeclared" in message]
    assert [message.partition(": ")[0] for message in told] == ["Envoy envoy-1"] * 2
    assert told[-1].endswith("is settled")


def test_it_is_told_without_anything_else_that_happens() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await start(source, control)
        heard: list[int] = []
        control.on_news(lambda news: heard.append(len(news.problems)))
        stream = join(control, "mse/nobody")
        await source.say()
        stream.close()
        await source.say()
        assert heard == [1, 0]

    starting(NEVER, scenario)


def test_envoys_of_one_gateway_are_one_problem() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await start(source, control)
        streams = [join(control, "mse/nobody", f"envoy-{number}") for number in range(3)]
        (problem,) = undeclared(control)
        assert str(problem.at) == "Envoy envoy-0"
        assert problem.effect == "it is told nothing until then, as are 2 more"
        assert len(streams) == 3

    starting(NEVER, scenario)


def test_any_number_of_names_is_a_few_problems() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await start(source, control)
        streams = [join(control, f"mse/nobody-{number}") for number in range(100)]
        found = undeclared(control)
        assert len(found) == 21
        assert "Envoys of 80 more names are told nothing until then" in {p.effect for p in found}
        assert len(streams) == 100

    starting(NEVER, scenario)


def test_what_envoys_call_themselves_is_shown_in_one_line() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await start(source, control)
        long = "x" * 900
        joined = join(control, f"mse/gw\n\x1b[31m{long}", f"e\n\x1b[31m{long}")
        (envoy,) = report(FleetView(control), lambda _: "", lambda _: "")["envoys"]
        (problem,) = undeclared(control)
        texts = (envoy["node"], envoy["gateway"], str(problem.at), problem.message)
        for text in texts:
            assert text.isprintable()
            assert len(text) < 400
        assert envoy["waits"] is True
        assert joined.waits

    starting(NEVER, scenario)
