"""Whatever annotations of ALB an Ingress has, a real Envoy takes them and goes on serving."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from fleet.ref import HUB
from fleetgate.demo.http import Question
from tests.e2e.backends import backend
from tests.e2e.rig import ONE, ask_once, rig
from tests.fuzz.alb import AlbIngresses
from tests.support.builders import alb_class, alb_gateway, ingress

SEED: Final = 20261130
BATCHES: Final = 6
INGRESSES: Final = 60

MET: Final = {"stage": "gray", "cookie": "k=v", "origin": "https://b.a.test"}

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(300)]


def test_no_annotation_of_alb_disturbs_envoy_or_another_ingress(tmp_path: Path) -> None:
    """Each batch replaces the Ingresses of the one before."""
    made, statuses, reasons = AlbIngresses(SEED), Counter[int](), set[str]()

    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            for name in ("web", "api", "control"):
                served.expose(name, [web])
            served.expose("gone", [])
            control = ingress("control", host="control.test").path("/", to="control:80")
            gateway = alb_gateway("gw", members=(ONE,))
            served.declare("gateway.yaml", gateway, alb_class(), control.of_class("alb"))
            address = await served.address("alb/gw")
            for batch in range(BATCHES):
                numbers = range(batch * INGRESSES, (batch + 1) * INGRESSES)
                for place, number in enumerate(numbers):
                    path = served.fleet.directory(HUB) / f"any-{place}.json"
                    draft = path.with_suffix(".draft")
                    draft.write_text(json.dumps(made.make(number)))
                    draft.replace(path)
                await served.sync()
                at = f"seed {SEED}, batch {batch}"
                assert not served.served.control.failures, at
                assert not served.served.control.cache.rejections("alb/gw"), at
                for number in numbers:
                    for asked in ("/", "/a?v=2x", "/v1/x", "/x"):
                        question = Question(asked, f"h{number}.test", MET)
                        statuses[(await ask_once(address, question)).status] += 1
                for host in ("shared.test", "any.shared.test"):
                    statuses[(await ask_once(address, Question("/y/1", host, MET))).status] += 1
                answer = await ask_once(address, Question("/", "control.test"))
                assert answer.status == 200, at
                reasons.update(problem.reason for problem in served.served.control.problems)
            (envoy,) = served.served.gateways.envoys.values()
            assert envoy.starts == 1

    asyncio.run(scenario())
    assert statuses.keys() >= {200, 301, 308, 404, 503}
    assert reasons >= {"InvalidAnnotation", "InvalidBackend", "InvalidPath"}
