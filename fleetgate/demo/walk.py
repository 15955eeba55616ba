"""The walk through the documents' examples on a running fleet, with a verdict on each."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from fleet.ref import HUB, Ref
from fleetgate.demo.examples import DOCUMENTS
from fleetgate.demo.fleet import DemoFleet, manifest
from fleetgate.demo.grpc_backend import CHECK
from fleetgate.demo.grpc_call import check
from fleetgate.demo.http import Address, NoAnswerError, Tls
from fleetgate.demo.kubelet import Kubelet
from fleetgate.demo.load import ask, try_times
from fleetgate.demo.page import Page
from fleetgate.demo.pod import Pod
from fleetgate.demo.quic import QUIC_VERSION_1, versions
from fleetgate.demo.steps import (
    Apply,
    Ask,
    Attach,
    ByQuic,
    Call,
    Change,
    Check,
    DeleteService,
    Document,
    Example,
    Kill,
    Listed,
    Redirected,
    Reported,
    Revive,
    Scale,
    Try,
)
from fleetgate.demo.verdict import judge
from translators.model.shapes import HTTP_PORT, HTTPS_PORT


@dataclass(frozen=True, slots=True)
class Listing:
    """The columns of a gateway by their heads, as kubectl shows them, and its members."""

    columns: Mapping[str, str]
    members: tuple[str, ...]


class Gateways(Protocol):
    """The gateways of the fleet, as far as the walk needs them."""

    async def sync(self) -> None:
        """Return when every Envoy has acknowledged what is declared. Raises TimeoutError."""
        ...

    async def address(self, gateway: Ref) -> Address:
        """Return the address of a gateway's first listener, once it listens.

        Raises TimeoutError.
        """
        ...

    async def listing(self, gateway: Ref) -> Listing:
        """Return what `kubectl get` shows of a gateway. Raises TimeoutError."""
        ...

    async def event(self, ingress: Ref, reason: str) -> str:
        """Return the text of an Ingress's event, "" if there is none with this reason."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers of examples that held and that failed."""

    held: int = 0
    failed: int = 0


class Walk:
    """Tries the examples of the documents in order.

    It removes the manifests of a document after its last example, since both documents use the same
    host and paths.
    """

    def __init__(
        self,
        fleet: DemoFleet,
        kubelet: Kubelet,
        gateways: Gateways,
        page: Page,
        *,
        requests: int = 2000,
        documents: Sequence[Document] = DOCUMENTS,
    ) -> None:
        self._fleet = fleet
        self._kubelet = kubelet
        self._gateways = gateways
        self._page = page
        self._requests = requests
        self._documents = documents
        self._applied: set[tuple[str, str]] = set()
        self._unsettled = False

    async def run(self) -> Outcome:
        """Try all examples. One that cannot be tried to its end has failed."""
        started = time.monotonic()
        results: list[bool] = []
        for document in self._documents:
            results += await self._go_through(document)
            await self._take_away()
        outcome = Outcome(held=sum(results), failed=len(results) - sum(results))
        self._page.close(outcome.held, outcome.failed, time.monotonic() - started)
        return outcome

    async def stand(self, document: Document) -> Address:
        """Declare all objects of a document, and print the curl lines to try."""
        self._page.part(f"{document.title}: yours to try")
        address = await self._prepare(document)
        asks: dict[str, Ask | Try] = {}
        for step in (step for example in document.examples for step in example.steps):
            match step:
                case Apply() if step.to == HUB:
                    await self._do(step, document)
                case Ask() | Try():
                    asks[_curl(step, address)] = step
        await self._settle()
        self._page.gap()
        for curl in asks:
            self._page.command(curl)
        self._page.gap()
        self._page.say("Edit what is declared, replicas for instance, and ask again:")
        for origin, file in sorted(self._applied):
            self._page.say(str(self._fleet.directory(origin) / file))
        return address

    async def _go_through(self, document: Document) -> list[bool]:
        self._page.part(document.title)
        try:
            address = await self._prepare(document)
        except TimeoutError as error:
            self._page.broken(str(error))
            return [False for _ in document.examples]
        return [await self._try(example, document, address) for example in document.examples]

    async def _prepare(self, document: Document) -> Address:
        for step in document.preparation:
            await self._do(step, document)
        await self._settle()
        address = await self._gateways.address(document.ref)
        members = (f"{self._context(member)} is {member}" for member in self._fleet.members)
        self._page.gap()
        self._page.say(f"{document.gateway} listens on {address[0]}:{address[1]};")
        self._page.say(", ".join(members) + ".")
        return address

    async def _try(self, example: Example, document: Document, address: Address) -> bool:
        """Try all steps of an example, even after one that is not as promised."""
        self._page.section(example.title)
        self._page.say(example.promise)
        self._page.gap()
        held = True
        try:
            for before, step in zip((None, *example.steps), example.steps, strict=False):
                if isinstance(before, Check):
                    self._page.gap()
                if isinstance(step, Check):
                    held &= await self._check(step, document, address)
                else:
                    await self._do(step, document)
        except (TimeoutError, NoAnswerError) as error:
            self._page.broken(str(error))
            return False
        return held

    async def _check(self, step: Check, document: Document, address: Address) -> bool:
        """Look at the fleet once all changes are in force. Return whether it is as promised."""
        if self._unsettled:
            await self._settle()
        match step:
            case Ask():
                held = await self._ask(step, address)
            case Try():
                held = await self._try_times(step, address)
            case Redirected():
                held = await self._is_redirected(step, address)
            case Listed():
                held = await self._is_listed(step, document)
            case Reported():
                held = await self._is_reported(step)
            case Call():
                held = await self._is_called(step, address)
            case ByQuic():
                held = await self._answers_by_quic(step, address)
        return held

    async def _ask(self, step: Ask, address: Address) -> bool:
        self._page.command(_curl(step, address))
        times = min(step.times, self._requests)
        if step.certificate:
            trusting = ssl.create_default_context(cadata=step.certificate)
            tls = Tls(trusting, step.question.host)
            tally = await ask(_over_tls(address), step.question, times, tls=tls)
        else:
            tally = await ask(address, step.question, times)
        verdict = judge(tally, step.promised)
        self._page.verdict(verdict)
        if any(pod.ready and not pod.pid for pod in self._pods()):
            self._page.remark("the gateway noticed by itself: endpoints still name the dead Pods")
        return verdict.held

    async def _try_times(self, step: Try, address: Address) -> bool:
        times = sum(step.promised.values())
        self._page.command(step.question.curl(address), f"{times} times" if times > 1 else "")
        answers = await try_times(address, step.question, times)
        paths = {answer.headers.get("x-path", "") for answer in answers} - {""}
        path = ", ".join(sorted(paths))
        came = Counter(answer.status for answer in answers)
        held = came == dict(step.promised) and path == step.path
        self._page.outcome(came, path, held=held)
        return held

    async def _is_redirected(self, step: Redirected, address: Address) -> bool:
        self._page.command(step.question.curl(address, head=True))
        (answer,) = await try_times(address, step.question, 1)
        came = (answer.status, answer.headers.get("location", ""))
        held = came == (HTTPStatus.PERMANENT_REDIRECT, step.to)
        self._page.answer("{} {}".format(*came), held=held)
        return held

    async def _is_listed(self, step: Listed, document: Document) -> bool:
        listing = await self._gateways.listing(document.ref)
        get = f"kubectl get {document.kind.lower()} {document.gateway}"
        self._page.command(get)
        self._page.table({"NAME": document.gateway, **listing.columns})
        self._page.command(f"{get} -ojsonpath='{{.status.loadBalancer.subClusters}}'")
        held = listing.columns.get("PORT&PROTOCOL") == step.promised
        held &= listing.members == self._fleet.members
        self._page.answer(json.dumps(listing.members, separators=(",", ":")), held=held)
        return held

    async def _is_reported(self, step: Reported) -> bool:
        at = Ref(HUB, "Ingress", step.namespace, step.ingress)
        text = await self._gateways.event(at, step.reason)
        one = f"-n {step.namespace} --field-selector involvedObject.name={step.ingress}"
        self._page.command(f"kubectl get events {one}")
        held = bool(text) and step.says in text
        self._page.answer(f"Warning  {step.reason}" if text else "none of this", held=held)
        self._page.quote(text)
        return held

    async def _is_called(self, step: Call, address: Address) -> bool:
        place = _over_tls(address)
        tool = f"grpcurl -insecure -authority {step.host} -proto health.proto"
        method = CHECK.removeprefix("/")
        self._page.command(f"{tool} \\\n        {place[0]}:{place[1]} {method}")
        called = await check(place, step.host, step.certificate.encode())
        said = "SERVING" if called.serving else "an unknown answer"
        self._page.answer(f"{said}, says the Pod {called.pod}", held=called.serving)
        return called.serving

    async def _answers_by_quic(self, step: ByQuic, address: Address) -> bool:
        place = _over_tls(address)
        curl = step.question.curl_over_tls(place).replace("curl", "curl --http3", 1)
        self._page.command(curl, "yours to try")
        spoken = await versions(place)
        held = QUIC_VERSION_1 in spoken
        shown = ", ".join(map(str, spoken))
        self._page.answer(f"UDP port {place[1]} speaks QUIC, version {shown}", held=held)
        return held

    async def _do(self, step: Change, document: Document) -> None:
        """Change the fleet, and print the command by which a user does the same."""
        self._unsettled = not isinstance(step, Kill)
        match step:
            case Apply(file=file, to=to, namespace=namespace):
                self._apply(step, document)
                option = f" -n {namespace}" if namespace else ""
                self._page.command(f"{self._kubectl(to)} apply -f {file}{option}")
            case Attach(file):
                self._fleet.attach(file, self._fleet.members)
                shown = ",".join(f"{member[:6]}****" for member in self._fleet.members)
                command = f"kubectl edit mseingressconfig {document.gateway}"
                self._page.command(command, f"remote-clusters: {shown}")
            case Scale(member, replicas, deployment):
                self._fleet.scale(member, deployment, replicas)
                what = f"deployment {deployment} --replicas {replicas}"
                self._page.command(f"{self._kubectl(member)} scale {what}")
            case DeleteService(member, service):
                self._fleet.delete_service(member, service)
                self._page.command(f"{self._kubectl(member)} delete service {service}")
            case Kill(member):
                pids = " ".join(str(pod.pid) for pod in self._kubelet.pods(member) if pod.pid)
                self._page.command(f"kill -9 {pids}", f"every Pod of {self._context(member)}")
                await self._kubelet.kill(member)
            case Revive(member):
                await self._kubelet.sync()
                self._page.remark(f"the Pods of {self._context(member)} start again")
                self._kubelet.revive(member)

    def _apply(self, step: Apply, document: Document) -> None:
        text, name = manifest(f"{document.folder}/{step.file}"), step.kept_as
        self._fleet.apply(text, name, to=step.to, namespace=step.namespace, values=step.values)
        self._applied.add((step.to, name))

    async def _settle(self) -> None:
        """Wait until all declared Pods run, and every Envoy knows them."""
        await self._kubelet.sync()
        await self._gateways.sync()
        self._unsettled = False

    async def _take_away(self) -> None:
        """Remove the manifests of a document, and wait until their Pods and routes are gone."""
        for origin, file in self._applied:
            self._fleet.remove(file, to=origin)
        self._applied.clear()
        try:
            await self._settle()
        except TimeoutError as error:
            self._page.say(str(error))

    def _pods(self) -> Iterator[Pod]:
        for member in self._fleet.members:
            yield from self._kubelet.pods(member)

    def _kubectl(self, origin: str) -> str:
        return f"kubectl --context {self._context(origin)}" if origin != HUB else "kubectl"

    def _context(self, member: str) -> str:
        return f"cluster{self._fleet.members.index(member) + 1}"


def _curl(step: Ask | Try, address: Address) -> str:
    if isinstance(step, Ask) and step.certificate:
        return step.question.curl_over_tls(_over_tls(address))
    return step.question.curl(address)


def _over_tls(address: Address) -> Address:
    host, port = address
    return host, port - HTTP_PORT + HTTPS_PORT
