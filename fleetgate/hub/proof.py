"""The proof of one fleetgate to another one that it has a fleetgate's rights on the hub.

A user with rights in a single namespace can write a Lease there that looks like a fleetgate's. So
the Lease of a fleetgate asks a question, which is a random number. Another fleetgate that says it
is in charge answers with an event beside that Lease:

    Lease in A   fleetgate.dev/question: 5f2c...   B can read it, since it may list all Leases
    event in A   fleetgate.dev/answer: 5f2c...     B can write it, since it may write events in A

A tenant of the hub, with rights in a namespace of its own, can do neither. Questions change from
time to time, so an answer counts only for a while after its fleetgate is gone.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply, Unreached
from fleet.kubernetes.lease import LEASE_NAME
from fleetgate.hub.refusal_log import RefusalLog

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

QUESTION: Final = "fleetgate.dev/question"
"""The annotation of a leader's Lease: its question, and the question before that."""

ANSWER: Final = "fleetgate.dev/answer"
"""The annotation of an event: its answer, which repeats the question of the Lease beside it."""

AT_ONCE: Final = 10
"""The most answers that are written in a row, since a user may ask in many namespaces."""

_NUMBER: Final = re.compile(r"[0-9a-f]{32}")
_EVENT: Final = f"{LEASE_NAME}."
"""The beginning of an event's name, which ends with the namespace of the fleetgate that answers."""


def ask(before: str = "") -> str:
    """Return a new question, which still accepts answers to the newest question of `before`."""
    return " ".join((secrets.token_hex(16), *_newest(before)))


def is_answer(answer: str, question: str) -> bool:
    """Return whether an answer fits a question."""
    return _NUMBER.fullmatch(answer) is not None and answer in question.split()


class Answers:
    """The answers that the fleetgate of `namespace` gives to others, and those that it gets."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._given: dict[str, str] = {}  # the oldest answer comes first
        self._refusals = RefusalLog(log)

    async def got(self) -> Mapping[str, str] | None:
        """Return the answers to our Lease by their namespaces, None while they are unknown."""
        about = f"involvedObject.kind=Lease,involvedObject.name={LEASE_NAME}"
        path = f"/api/v1/namespaces/{self._namespace}/events"
        try:
            reply = await self._api.request("GET", path, query=[("fieldSelector", about)])
        except Unreached:
            return None
        self._refusals.note("", "what other fleetgates answer is not known", reply)
        if not reply.ok:
            return None
        events = (event["metadata"] for event in reply.json()["items"])
        return {
            metadata["name"].removeprefix(_EVENT): metadata["annotations"][ANSWER]
            for metadata in events
            if ANSWER in (metadata.get("annotations") or {})
        }

    async def give(self, questions: Mapping[str, str]) -> None:
        """Answer the questions of other namespaces, AT_ONCE in a row, and each of them once."""
        self._given = {name: given for name, given in self._given.items() if name in questions}
        self._refusals.keep_only({"", *questions})
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
            self._refusals.note(name, f"the fleetgate of namespace {name} is not answered", reply)

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


def _newest(question: str) -> list[str]:
    """Return the newest number of a question, none where a user has written something else."""
    return [number for number in question.split()[:1] if _NUMBER.fullmatch(number)]
