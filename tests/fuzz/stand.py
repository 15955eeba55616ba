"""A gateway for random Ingresses, and the search for those that disturb it.

Envoy must accept all resources, survive requests to each host, and serve the control Ingress.
Requests to the control Ingress never pause; with each batch they come over TLS and HTTP/3 too.
"""

import asyncio
import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fleet.ref import HUB
from fleetgate.demo.http import Address, HttpClient, NoAnswerError, Question, Tls
from fleetgate.demo.load import Load
from tests.e2e.rig import ONE, PATIENCE, TWO, Rig, ask_once, rig
from tests.fuzz.alb import AlbIngresses
from tests.fuzz.annotations import Annotations, Declared
from tests.fuzz.fleet import Pods, populated, write
from tests.fuzz.listeners import has_quic, listeners
from tests.fuzz.questions import Sent, Way
from tests.fuzz.settings import settings
from tests.support.authority import Authority
from tests.support.builders import alb_class, alb_gateway, ingress, mse_gateway
from tests.support.handshakes import client_context
from tests.support.http3 import http3_client
from translators.dialects.alb.listen_ports import LISTEN_PORTS
from translators.dialects.edge_settings import HTTP3

BATCH: Final = 100
"""How many Ingresses there are at a time. Each has Services of its own."""

CONTROL: Final = "control.test"
_CONTROL: Final = Question(host=CONTROL)
_OBSERVED: Final = timedelta(milliseconds=20)
_BY_QUIC: Final = 5.0
"""Seconds for a handshake by HTTP/3 with a host that may refuse it by silence."""
_ERROR: Final = re.compile(r"\]\[(?:error|critical)\]|deprecated")
_REFUSED: Final = re.compile("exceeds maximum")
"""Lines by which Envoy tells of a body that is larger than an annotation allows."""
_LONGEST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Finding:
    """A disturbance, and the Ingresses that may have caused it."""

    what: str
    suspects: tuple[Declared, ...]

    def __str__(self) -> str:
        shown = [json.dumps(each.manifests) for each in self.suspects]
        return "\n".join([self.what, *shown])


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients that trust the gateway. One of the contexts shows a certificate."""

    authority: Authority
    plain: ssl.SSLContext
    certified: ssl.SSLContext

    @classmethod
    def of(cls, authority: Authority) -> "Clients":
        """Make the clients; their certificate is of the same authority."""
        plain, certified = (client_context(authority, checks=False) for _ in range(2))
        pair = authority.issue("client", addresses=[], names=["client"])
        with TemporaryDirectory() as place:
            shown = Path(place) / "shown.pem"
            shown.write_bytes(pair.certificate + pair.key)
            certified.load_cert_chain(shown)
        return cls(authority, plain, certified)

    async def ask(self, http: Address, https: Address, sent: Sent) -> int:
        """Send a request, and return the status of the answer. Raises NoAnswerError."""
        question, name = sent.question, sent.question.host.lower()
        if sent.way is Way.CLEAR:
            return (await ask_once(http, question)).status
        if sent.way is Way.QUIC:
            patience = PATIENCE.total_seconds() if sent.must else _BY_QUIC
            by_quic = http3_client(https, name, self.authority, checks=False, patience=patience)
            try:
                async with by_quic as client:
                    return (await client.ask(name, question.path)).status
            except (OSError, TimeoutError) as error:
                raise NoAnswerError(f"no HTTP/3: {error!r}") from error
        context = self.certified if sent.way is Way.CERTIFIED else self.plain
        by_tls = HttpClient(https, question, PATIENCE, Tls(context, name))
        try:
            return (await by_tls.ask()).status
        finally:
            by_tls.close()


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect, and its random objects: an Ingress by its number, and a gateway by its batch.

    `declare` declares the gateway, and returns whether it serves the control Ingress by HTTP/3.
    """

    name: str
    make: Callable[[int], Declared]
    declare: Callable[[Rig, int], bool]

    @property
    def gateway(self) -> str:
        """The name of the gateway."""
        return f"{self.name}/gw"


@dataclass(slots=True)
class Stand:
    """A served gateway with random Ingresses. `answers` counts the answers by their way."""

    served: Rig
    dialect: Dialect
    clients: Clients
    pods: Pods
    load: Load
    findings: list[Finding] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    answers: Counter[Way] = field(default_factory=Counter)
    _starts: int = 1
    _failures: int = 0
    _log_read: int = 0
    _by_quic: bool = False

    async def try_out(self, numbers: Sequence[int]) -> None:
        """Replace the Ingresses by those of these numbers, and ask each of them."""
        self._by_quic = self.dialect.declare(self.served, numbers[0] // BATCH)
        batch = [self.dialect.make(number) for number in numbers]
        write(self.served, HUB, "fuzz", (m for declared in batch for m in declared.manifests))
        await self.served.sync()
        self._look_for_mistakes(batch)
        self._look_for_rejections(batch)
        self._look_for_problems(batch)
        control = [Sent(_CONTROL, way, must=True) for way in (Way.CLEAR, Way.TLS)]
        if self._by_quic:
            control.append(Sent(_CONTROL, Way.QUIC, must=True))
        if why := await self._ask(batch, control):
            await self._find_cause(batch, control, why)
        await self._look_at_control(batch)
        self._look_at_log(batch)
        self.pods.forget()

    def _look_for_mistakes(self, batch: list[Declared]) -> None:
        """Find exceptions of the translation. The log has them."""
        failures = self.served.served.control.failures
        if failures > self._failures:
            what = f"{failures - self._failures} rows could not be computed"
            self.findings.append(Finding(what, tuple(batch)))
            self._failures = failures

    def _look_for_rejections(self, batch: list[Declared]) -> None:
        for rejection in self.served.served.control.cache.rejections(self.dialect.gateway):
            named = tuple(d for d in batch if f"{d.name}." in str(rejection))
            self.findings.append(Finding(f"rejected: {rejection}", named))

    def _look_for_problems(self, batch: list[Declared]) -> None:
        problems = self.served.served.control.problems
        self.reasons |= {problem.reason for problem in problems}
        told = {(problem.at.name, problem.key): problem for problem in problems}
        for declared in batch:
            for at in sorted(declared.usable & told.keys()):
                what = f"a usable annotation has a problem: {told[at].message}"
                self.findings.append(Finding(what, (declared,)))

    async def _ask(self, batch: Sequence[Declared], control: Sequence[Sent]) -> list[str]:
        """Ask Ingresses and the control Ingress at the same time; return why some did not answer.

        At the same time, because some retries of failing backends take seconds. But those by HTTP/3
        come last: their client works in this process, which would be too busy for it.
        """
        http, https = (await self.served.addresses(self.dialect.gateway))[:2]
        sent = [each for declared in batch for each in declared.sent]
        sent = [each for each in sent if self._by_quic or each.way is not Way.QUIC]
        asked = [*((each, None) for each in sent), *((each, 200) for each in control)]
        why: list[str] = []
        for last in (False, True):
            now = [each for each in asked if (each[0].way is Way.QUIC) is last]
            why += await asyncio.gather(*(self._send(http, https, *each) for each in now))
        starts = max(envoy.starts for envoy in self.served.served.gateways.envoys.values())
        if starts > self._starts:
            why.append(f"Envoy has started {starts} times")
            self._starts = starts
        return [each for each in why if each]

    async def _send(
        self, http: Address, https: Address, sent: Sent, expected: int | None = None
    ) -> str:
        """Ask once, and return why there was no such answer; "" if there was one.

        Over TLS some hosts may refuse each connection.
        """
        question = sent.question
        shown = f"{sent.way.name} {question.method} {question.host}{question.path}"
        try:
            status = await self.clients.ask(http, https, sent)
        except NoAnswerError as error:
            return f"{shown}: {error}" if sent.must or sent.way is Way.CLEAR else ""
        self.answers[sent.way] += 1
        return "" if expected in {None, status} else f"{shown}: {status}"

    async def _find_cause(
        self, batch: list[Declared], control: Sequence[Sent], why: list[str]
    ) -> None:
        """Ask Ingresses one by one, to find those that get no answer, or end Envoy."""
        causes = []
        for declared in batch:
            if again := await self._ask([declared], control):
                causes.append(declared)
                why.extend(again)
        what = f"no answer: {list(dict.fromkeys(why))[:9]}"
        self.findings.append(Finding(what, tuple(causes or batch)))

    def _look_at_log(self, batch: list[Declared]) -> None:
        """Find errors in the log of Envoy, which would grow with each request."""
        (envoy,) = self.served.served.gateways.envoys.values()
        log = envoy.log_file.read_text(encoding="utf-8", errors="replace")
        new, self._log_read = log[self._log_read :].splitlines(), len(log)
        errors = [line for line in new if _ERROR.search(line) and not _REFUSED.search(line)]
        if errors:
            self.findings.append(Finding(f"Envoy logs {errors[:3]}", tuple(batch)))

    async def _look_at_control(self, batch: list[Declared]) -> None:
        await self.load.answered(1)
        failures = [each.failure for each in self.load.asked if each.failure]
        self.load.asked.clear()
        if failures:
            what = f"the control Ingress was not served: {failures[:5]}"
            self.findings.append(Finding(what, tuple(batch)))


@asynccontextmanager
async def stand(root: Path, dialect: Dialect) -> AsyncIterator[Stand]:
    """Serve a gateway for random Ingresses, with a control Ingress."""
    authority = Authority.make("tests")
    async with rig(root, gateway=False) as served, populated(served, authority) as pods:
        dialect.declare(served, 0)
        control = ingress("control", host=CONTROL).path("/", to="control:80").tls("good", CONTROL)
        control = control.annotate({LISTEN_PORTS.spellings[0]: '[{"HTTP":80,"HTTPS":443}]'})
        served.declare("control.yaml", control.of_class(dialect.name))
        address = await served.address(dialect.gateway)
        load = Load(
            address, _CONTROL, connections=1, most=10**12, longest=_LONGEST, pause=_OBSERVED
        )
        async with load.running():
            clients = Clients.of(authority)
            yield Stand(served, dialect, clients, pods, load)


async def tried_out(root: Path, dialect: Dialect, numbers: Sequence[int]) -> Stand:
    """Try the Ingresses of these numbers, and return the stand, which does not run any more."""
    async with stand(root, dialect) as tried:
        for start in range(0, len(numbers), BATCH):
            await tried.try_out(numbers[start : start + BATCH])
        return tried


def mse(seed: int) -> Dialect:
    """Make the objects of the MSE dialect from a seed."""

    def declare(served: Rig, batch: int) -> bool:
        chosen = settings(seed, batch)
        served.declare("gateway.yaml", mse_gateway("gw", members=(ONE, TWO)).annotate(chosen))
        return chosen[HTTP3] == "true"

    return Dialect("mse", Annotations(seed).make, declare)


def alb(seed: int) -> Dialect:
    """Make the objects of the ALB dialect from a seed."""

    def declare(served: Rig, batch: int) -> bool:
        made = alb_gateway("gw", members=(ONE, TWO), listeners=listeners(seed, batch))
        served.declare("gateway.yaml", made.annotate(settings(seed, batch)), alb_class())
        return has_quic(batch)

    return Dialect("alb", AlbIngresses(seed).make, declare)


DIALECTS: Final = (mse, alb)
