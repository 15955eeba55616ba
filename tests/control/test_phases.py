"""A gateway's phase also depends on other replicas, and on refusals of the hub."""

import pytest

from fleet.events import Listed, Refused
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane, Progress
from tests.control.rig import DECLARED, GATEWAY, NEVER, Said, starting
from translators.model.statuses import Phase


@pytest.mark.parametrize(
    ("standing", "phase"),
    [(Progress.RUNNING, Phase.RUNNING), (Progress.LISTENING, Phase.LISTENING)],
)
def test_envoys_of_another_replica_count(standing: Progress, phase: Phase) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(DECLARED, Listed(HUB))
        await control.started.wait()
        control.heard_elsewhere({"mse/gw": standing})
        await control.settle()
        assert control.translator.tables.statuses.of_gateways.rows[GATEWAY].phase is phase
        control.heard_elsewhere({})
        await control.settle()
        assert control.translator.tables.statuses.of_gateways.rows[GATEWAY].phase is Phase.PENDING

    starting(NEVER, scenario)


def test_a_gateway_that_the_hub_refuses_to_run_has_failed_unless_it_listens() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        control.finds_refusals(lambda: {GATEWAY: "Deployment envoy-mse-gw: quota exceeded"})
        await source.say(DECLARED, Listed(HUB))
        await control.settle()
        status = control.translator.tables.statuses.of_gateways.rows[GATEWAY]
        assert (status.phase, status.message) == (
            Phase.FAILED,
            "Deployment envoy-mse-gw: quota exceeded",
        )
        control.heard_elsewhere({"mse/gw": Progress.LISTENING})
        await control.settle()
        assert control.translator.tables.statuses.of_gateways.rows[GATEWAY].phase is Phase.LISTENING

    starting(NEVER, scenario)


def test_a_gateway_that_cannot_be_read_has_failed_in_the_words_of_its_kind() -> None:
    ref = Ref(HUB, "AlbConfig", "", "gw")
    problem = Problem(ref, "InvalidField", "spec", "5", "a mapping of fields")

    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Refused(ref, (problem,)), Listed(HUB))
        await control.settle()
        assert list(control.translator.tables.statuses.of_gateways.rows) == [ref]
        (listening, _) = control.dialects.status(
            ref, control.translator.tables.statuses.of_gateways.rows[ref]
        )["conditions"]
        assert (listening["status"], listening["reason"]) == ("False", "Failed")
        assert listening["message"] == problem.message

    starting(NEVER, scenario)
