"""A gateway for random Ingresses, and the search for those that disturb it.

Envoy must accept all resources, survive a request to each host, and serve the control Ingress.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fleet.ref import HUB
from fleetgate.demo.http import Address, NoAnswerError, Question
from tests.e2e.backends import backend
from tests.e2e.rig import Rig, ask_once, rig
from tests.fuzz.annotations import Annotations, Declared
from tests.support.builders import ingress
from tests.support.secrets import secrets

CONTROL: Final = "control.test"
_CONTROL: Final = Question(host=CONTROL)


@dataclass(frozen=True, slots=True)
class Finding:
    """A disturbance, and the Ingresses that may have caused it."""

    what: str
    suspects: tuple[Declared, ...]

    def __str__(self) -> str:
        shown = [json.dumps(each.manifests) for each in self.suspects]
        return "\n".join([self.what, *shown])


@dataclass(slots=True)
class Stand:
    """A served gateway with random Ingresses. `carried` are the annotations without a problem."""

    served: Rig
    annotations: Annotations
    findings: list[Finding] = field(default_factory=list)
    carried: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    answers: int = 0

    async def try_out(self, numbers: Iterable[int]) -> None:
        """Replace the Ingresses by those of these numbers, and ask each of them."""
        batch = [self.annotations.make(number) for number in numbers]
        _write(self.served, batch)
        await self.served.sync()
        self._look_for_rejections(batch)
        self._note(batch)
        if why := await self._ask(batch):
            await self._find_cause(batch, why)

    def _look_for_rejections(self, batch: list[Declared]) -> None:
        for rejection in self.served.served.control.cache.rejections("mse/gw"):
            named = tuple(d for d in batch if f"{d.name}." in str(rejection))
            self.findings.append(Finding(f"rejected: {rejection}", named))

    def _note(self, batch: list[Declared]) -> None:
        problems = self.served.served.control.problems
        self.reasons |= {problem.reason for problem in problems}
        told = {(problem.at.name, problem.key) for problem in problems}
        for declared in batch:
            self.carried |= {key for key in declared.keys if (declared.name, key) not in told}

    async def _ask(self, batch: list[Declared]) -> list[str]:
        """Ask Ingresses and the control Ingress at the same time; return why some did not answer.

        At the same time, because some retries of failing backends take seconds.
        """
        address = await self.served.address()
        questions = [question for declared in batch for question in declared.questions]
        *silent, control = await asyncio.gather(
            *(_ask(address, question) for question in questions), _ask(address, _CONTROL, 200)
        )
        self.answers += silent.count("")
        return [why for why in (*silent, control) if why]

    async def _find_cause(self, batch: list[Declared], why: list[str]) -> None:
        """Ask Ingresses one by one, to find those that get no answer, or end Envoy."""
        causes = [declared for declared in batch if await self._ask([declared])]
        await self.served.address()
        starts = [envoy.starts for envoy in self.served.served.gateways.envoys.values()]
        what = f"no answer, Envoy has started {starts} times: {why[:5]}"
        self.findings.append(Finding(what, tuple(causes or batch)))


@asynccontextmanager
async def stand(root: Path, seed: int) -> AsyncIterator[Stand]:
    """Serve a gateway for random Ingresses, with a control Ingress."""
    async with backend("web") as web, backend("api") as api, rig(root) as served:
        served.expose("web", [web])
        served.expose("api", [api])
        control = ingress("control", host=CONTROL).path("/", to="web:80").of_class("mse")
        served.declare("control.yaml", control)
        served.declare("secrets.yaml", *secrets())
        await served.address()
        yield Stand(served, Annotations(seed))


async def _ask(address: Address, question: Question, expected: int | None = None) -> str:
    """Ask once, and return why there was no such answer; "" if there was one."""
    try:
        answer = await ask_once(address, question)
    except NoAnswerError as error:
        return f"{question.method} {question.host}{question.path}: {error}"
    return "" if expected in {None, answer.status} else f"{question.host}: {answer.status}"


def _write(served: Rig, batch: list[Declared]) -> None:
    """Write objects as JSON, in which any text can be written."""
    path = served.fleet.directory(HUB) / "fuzz.json"
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(json.dumps(m) for declared in batch for m in declared.manifests))
    draft.replace(path)
