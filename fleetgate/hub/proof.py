"""How one fleetgate proves to another one that it has a fleetgate's rights on the hub.

Whoever may write Leases in any namespace can write one that reads like that of a fleetgate. So the
Lease of a fleetgate asks a question, a random number, and another one that says it is in charge
answers by an event beside that Lease:

    Lease in A   fleetgate.dev/question: 5f2c...   B reads it: it may list Leases everywhere
    event in A   fleetgate.dev/answer: 5f2c...     B writes it: it may write events in A

Who may write in another namespace only, as tenants of the hub may, can do neither. Questions change
from time to time, so an answer does not outlive its fleetgate for long.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply, Unreached
from fleet.kubernetes.lease import LEASE_NAME

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

QUESTION: Final = "fleetgate.dev/question"
"""The annotation of a leader's Lease: what it asks now, and what it asked before."""

ANSWER: Final = "fleetgate.dev/answer"
"""The annotation of an event: the question of the Lease that it is about."""

AT_ONCE: Final = 10
"""Answers in a row: anybody may ask in as many namespaces as they have."""

_NUMBER: Final = re.compile(r"[0-9a-f]{32}")
_EVENT: Final = f"{LEASE_NAME}."
"""What the name of an answer begins with; behind it is the namespace of who answers."""


def ask(before: str = "") -> str:
    """A new question, which takes answers to the newest of `before` too."""
    return " ".join((secrets.token_hex(16), *_newest(before)))


def is_answer(answer: str, question: str) -> bool:
    """Whether a question has this answer."""
    return _NUMBER.fullmatch(answer) is not None and answer in question.split()


class Answers:
    """Answers to Leases of other namespaces, by the fleetgate of `namespace`, and those it got."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._given: dict[str, str] = {}  # the one given longest ago comes first
        self._refusals: dict[str, str] = {}

    async def got(self) -> Mapping[str, str] | None:
        """The answers to our Lease by their namespaces; None while the hub does not tell."""
        about = f"involvedObject.kind=Lease,involvedObject.name={LEASE_NAME}"
        path = f"/api/v1/namespaces/{self._namespace}/events"
        try:
            reply = await self._api.request("GET", path, query=[("fieldSelector", about)])
        except Unreached:
            return None
        self._complain("", "what other fleetgates answer is not known", reply)
        if not reply.ok:
            return None
        found = (event["metadata"] for event in reply.json()["items"])
        return {
            metadata["name"].removeprefix(_EVENT): metadata["annotations"][ANSWER]
            for metadata in found
            if ANSWER in (metadata.get("annotations") or {})
        }

    async def give(self, questions: Mapping[str, str]) -> None:
        """Answer the Leases of other namespaces, some at a time; each question is answered once."""
        self._given = {name: given for name, given in self._given.items() if name in questions}
        self._refusals = {n: said for n, said in self._refusals.items() if n in questions or not n}
        asked = {name: newest for name in questions for newest in _newest(questions[name])}
        order = {name: place for place, name in enumerate(self._given, 1)}
        due = [name for name in asked if self._given.get(name) != asked[name]]
        for name in sorted(due, key=lambda name: order.get(name, 0))[:AT_ONCE]:
            self._given.pop(name, None)
            self._given[name] = asked[name]
            try:
                reply = await self._give(name, asked[name])
            except Unreached:
                self._given[name] = ""
                return
            if not reply.ok:
                self._given[name] = ""
            self._complain(name, f"the fleetgate of namespace {name} is not answered", reply)

    async def _give(self, namespace: str, answer: str) -> Reply:
        name = f"{_EVENT}{self._namespace}"
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "annotations": {ANSWER: answer}},
            "type": "Normal",
            "reason": "AnotherFleetgate",
            "message": f"the fleetgate of namespace {self._namespace} serves this hub too; which "
            f"one is in charge is in the log of each, and in their Leases {LEASE_NAME}",
            "involvedObject": {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "namespace": namespace,
                "name": LEASE_NAME,
            },
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "fleetgate"},
        }
        return await self._api.request(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/events/{name}",
            query=[("fieldManager", "fleetgate"), ("force", "true")],
            body=event,
            content_type="application/apply-patch+yaml",
        )

    def _complain(self, about: str, what: str, reply: Reply) -> None:
        """Log each refusal once; a namespace that is gone is none."""
        said = "" if reply.ok or reply.status == HTTPStatus.NOT_FOUND else reply.message
        if said and said != self._refusals.get(about):
            log.warning("%s, the hub refuses it: %s", what, said)
        self._refusals[about] = said


def _newest(question: str) -> list[str]:
    """What a question asks now; nothing where it is none, since anybody may write one."""
    return [number for number in question.split()[:1] if _NUMBER.fullmatch(number)]
