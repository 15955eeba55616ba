"""A client of the hub that records every request, and objects for tests of sinks."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from kubernetes.aio.client import ApiClient

from fleet.kubernetes.connection import ApiServer, Query, Reply
from fleet.ref import HUB, Ref
from tests.support.builders import ingress
from tests.support.kube import Cluster

Json: TypeAlias = Any
PATIENCE = 20.0
"""Seconds that a test waits for an expected event, generous for a busy machine."""

MSE: Json = {"apiVersion": "mse.alibabacloud.com/v1alpha1", "kind": "MseIngressConfig"}
ALB: Json = {"apiVersion": "alibabacloud.com/v1", "kind": "AlbConfig"}


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: Json = None


class Answer(Exception):
    """`before` raises it to give this answer in place of the server's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.reply = Reply(status, b"")


Gate: TypeAlias = Callable[[Asked], Awaitable[None]]


class Audited(ApiServer):
    """A client of an API server that records its requests.

    `before` may delay a request, and `after` its answer; both may raise an error in its place.
    """

    def __init__(self, client: ApiClient) -> None:
        super().__init__(client)
        self.asked: list[Asked] = []
        self.answered: list[Asked] = []
        self.before: Gate | None = None
        self.after: Gate | None = None
        self._news = asyncio.Event()

    @property
    def writes(self) -> list[Asked]:
        """The requests that were sent to change an object."""
        return [asked for asked in self.asked if asked.method != "GET"]

    @property
    def written(self) -> list[Asked]:
        """The writes that the hub has answered."""
        return [asked for asked in self.answered if asked.method != "GET"]

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 (as its base has it)
    ) -> Reply:
        asked = Asked(method, path, body)
        self.asked.append(asked)
        self._news.set()
        try:
            if self.before:
                await self.before(asked)
            reply = await super().request(
                method, path, query=query, body=body, content_type=content_type, timeout=timeout
            )
        except Answer as answer:
            reply = answer.reply
        if self.after:
            await self.after(asked)
        self.answered.append(asked)
        self._news.set()
        return reply

    async def until(self, true: Callable[[], bool]) -> None:
        """Return when the condition holds, which is checked after each request and each answer."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._news.clear()
                await self._news.wait()


def kubectl(hub: Cluster, *args: str, stdin: str = "") -> Awaitable[str]:
    """Run kubectl in a thread, and give its output."""
    return asyncio.to_thread(hub.kubectl, *args, stdin=stdin)


def apply(hub: Cluster, *manifests: Mapping[str, Any]) -> None:
    """Apply objects by kubectl, and make their namespaces."""
    for namespace in {m["metadata"].get("namespace", "default") for m in manifests} - {"default"}:
        hub.namespace(namespace)
    body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    hub.kubectl("apply", "--filename=-", stdin=json.dumps(body))


def gateway(name: str = "gw") -> Json:
    return MSE | {"metadata": {"name": name}, "spec": {}}


def alb(name: str = "alb") -> Json:
    return ALB | {"metadata": {"name": name}, "spec": {}}


def ingress_manifest(name: str, namespace: str = "default") -> Json:
    return ingress(name).in_namespace(namespace).default("shop:80").manifest


def gateway_ref(name: str = "gw") -> Ref:
    return Ref(HUB, "MseIngressConfig", "", name)


def ingress_ref(name: str, namespace: str = "default") -> Ref:
    return Ref(HUB, "Ingress", namespace, name)


@asynccontextmanager
async def running(*tasks: Awaitable[None]) -> AsyncIterator[None]:
    """Run tasks while the block runs. A task that ends before fails the test."""

    async def forever(task: Awaitable[None]) -> None:
        await task
        raise AssertionError("it ended by itself")

    async with asyncio.TaskGroup() as group:
        started = [group.create_task(forever(task)) for task in tasks]
        yield
        for task in started:
            task.cancel()


@asynccontextmanager
async def audited(hub: Cluster, token: str = "") -> AsyncIterator[Audited]:
    """A client of the hub, as administrator or with another token."""
    api = await Audited.from_kubeconfig(hub.config(token))
    assert isinstance(api, Audited)
    try:
        yield api
    finally:
        await api.close()
