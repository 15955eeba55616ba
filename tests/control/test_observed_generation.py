"""A gateway's status has the version of its object, even of one that cannot be read."""

from collections.abc import Mapping
from typing import Any

import pytest

from fleet.events import Listed, Refused, Upserted
from fleet.parse import parse
from fleet.ref import HUB
from fleetgate.core.control import ControlPlane
from tests.control.rig import NEVER, Said, starting
from tests.support.builders import Builder, alb_gateway, mse_gateway
from translators.dialects import DIALECTS

MISSPELT = {"ingress": {"local": {"ingressClass": "mse", "watchnamespace": "a"}}}


def version(thing: Builder[Any], generation: int, **spec: object) -> Upserted | Refused:
    """A version of an object. Generation 0 means a directory, where versions are not counted."""
    manifest = thing.manifest
    if generation:
        manifest["metadata"]["generation"] = generation
    manifest["spec"] |= spec
    found = parse(manifest, HUB, "hub/x.yaml", DIALECTS.kinds)
    assert isinstance(found, Upserted | Refused)
    return found


def shown(control: ControlPlane, thing: Builder[Any]) -> Mapping[str, Any]:
    return control.dialects.status(
        thing.ref(), control.translator.tables.statuses.of_gateways.rows[thing.ref()]
    )


@pytest.mark.parametrize("thing", [mse_gateway("gw"), alb_gateway("gw")], ids=["mse", "alb"])
def test_it_is_the_version_that_is_in_force(thing: Builder[Any]) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(version(thing, 3), Listed(HUB))
        await control.started.wait()
        assert shown(control, thing)["observedGeneration"] == 3
        await source.say(version(thing, 4))
        assert shown(control, thing)["observedGeneration"] == 4

    starting(NEVER, scenario)


def test_a_version_that_cannot_be_read_is_observed_too() -> None:
    thing = mse_gateway("gw")

    async def scenario(control: ControlPlane, source: Said) -> None:
        told: list[frozenset[Any]] = []
        control.on_news(lambda news: told.append(news.changes.problems))
        await source.say(version(thing, 3), Listed(HUB))
        await control.started.wait()
        for generation in (4, 5):  # the same mistake twice: the status is another one all the same
            told.clear()
            await source.say(version(thing, generation, **MISSPELT))
            status = shown(control, thing)
            assert (status["phase"], status["observedGeneration"]) == ("Failed", generation)
            assert told == [frozenset({thing.ref()})]
        await source.say(version(thing, 6))
        assert shown(control, thing)["observedGeneration"] == 6

    starting(NEVER, scenario)


def test_nothing_is_said_where_nobody_counts() -> None:
    thing = mse_gateway("gw")

    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(version(thing, 0), Listed(HUB))
        await control.started.wait()
        assert "observedGeneration" not in shown(control, thing)

    starting(NEVER, scenario)
