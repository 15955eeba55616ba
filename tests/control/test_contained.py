"""A mistake of fleetgate's own affects the row in which it is made, and nothing else."""

from collections.abc import Collection
from typing import Any

import pytest

from fleet.events import Listed, Upserted
from fleet.ref import HUB
from fleetgate.core.control import ControlPlane
from tests.control.rig import NEVER, Said, starting
from tests.support.builders import Builder, ingress, mse_gateway
from translators.graph import hosts as rows
from translators.merge import hosts
from translators.merge.ownership import Owner
from translators.model.gateways import Boundaries
from translators.model.host_plans import HostPlan
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from xds.resource import TypeUrl


def rule(name: str, path: str = "/") -> Builder[Any]:
    return ingress(name, host=f"{name}.test").path(path, to="web:80").of_class("mse")


def upserted(*objects: Builder[Any]) -> list[Upserted]:
    return [Upserted(each.ref(), each.model()) for each in objects]


def test_a_host_that_cannot_be_computed_disturbs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(
        ingresses: Collection[IngressRules],
        host: str,
        tables_of: TableSet,
        boundaries: Boundaries,
        above: Owner | None,
        *,
        below: bool,
        strict: bool,
        https: bool,
    ) -> HostPlan:
        if host == "bad.test":
            raise ValueError("out of range")
        return hosts.plan_host(
            ingresses, host, tables_of, boundaries, above, below=below, strict=strict, https=https
        )

    async def scenario(control: ControlPlane, source: Said) -> None:
        def served() -> set[str]:
            return set(control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE])

        await source.say(*upserted(mse_gateway("gw"), rule("bad"), rule("good")), Listed(HUB))
        await control.settle()
        everything = {"mse|*", "mse|bad.test", "mse|good.test"}
        assert served() == everything
        before = control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE]["mse|bad.test"]

        monkeypatch.setattr(rows, "plan_host", mistaken)
        await source.say(*upserted(rule("bad", "/new"), rule("more")))
        await control.settle()
        assert served() == everything | {"mse|more.test"}
        assert control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE]["mse|bad.test"] == before
        assert control.failures == 1
        (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert "a mistake of fleetgate's own: plans of" in told.message
        assert "bad.test" in told.message
        assert told.exc_info

        monkeypatch.undo()
        await source.say(*upserted(rule("bad", "/newer")))
        await control.settle()
        assert control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE]["mse|bad.test"] != before

    starting(NEVER, scenario)
