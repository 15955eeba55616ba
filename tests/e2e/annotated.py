"""A served gateway for tests of annotations, asked in each way in which Envoy finds a host's table.

    feature = site.run(site.value.declare("cors", {"higress.io/enable-cors": "true"}))
    seen = site.run(feature.ask("wildcard", "/cors/page", headers={"origin": "https://a.test"}))

One Envoy serves all features of a file. Each feature has hosts of its own, and paths of its own on
the table without host. An Ingress and its canary have the same hosts, paths and annotations.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleetgate.demo.http import Address, Answer, Question
from tests.e2e.backends import Backend, Request, backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.support.builders import IngressBuilder, alb_class, alb_gateway, ingress, mse_gateway
from translators.dialects.gateway_settings import CONNECT_TIMEOUT

WAYS: Final[Mapping[str, tuple[str, str]]] = {
    "exact": ("{}.test", "{}.test"),
    "capitals": ("{}.test", "{}.TEST"),
    "wildcard": ("*.{}.test", "any.{}.test"),
    "no-host": ("", "nobody.invalid"),
}
"""Ways in which Envoy finds a table: the host as it is declared, and as it is asked for."""

CANARY: Final = {"x-canary": "always"}
"""The header of requests that go to the canary."""

_CANARY_ANNOTATIONS: Final = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-by-header": "x-canary",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client and a Pod saw of one request; `request` is None if no Pod was asked."""

    answer: Answer
    request: Request | None
    pod: str


@dataclass(frozen=True, slots=True)
class Feature:
    """The Ingresses of one test."""

    site: "Annotated"
    name: str

    async def ask(
        self,
        way: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes = b"",
        canary: bool = False,
    ) -> Seen:
        """Send a request to the host in one of the `WAYS`."""
        host = WAYS[way][1].format(self.name)
        fields = {**(headers or {}), **(CANARY if canary else {})}
        return await self.site.ask(Question(path, host, fields, method, body))


@dataclass(frozen=True, slots=True)
class Annotated:
    """A fleet with the Services `main` and `canary` behind a real Envoy.

    `pods` are named as their Service; further ones are `main-2`, `main-3` and so on. `flavour` is
    that of the gateway, and the class of its Ingresses.
    """

    rig: Rig
    address: Address
    pods: Mapping[str, Backend]
    flavour: str = "mse"

    async def declare(
        self,
        name: str,
        annotations: Mapping[str, object],
        paths: Sequence[tuple[str, str]] = (),
        *,
        canary: Mapping[str, object] | None = None,
        to: str = "main:80",
    ) -> Feature:
        """Declare an Ingress with these annotations for all hosts of the feature, and a canary.

        `paths` are pairs of a path and its type; by default there is one, the Prefix `/NAME`. The
        canary has its own annotations, or those of the main Ingress if there are none. `to` is the
        backend of the main Ingress.
        """
        spelt = paths or [(f"/{name}", "Prefix")]
        main = all_hosts(ingress(name), name, spelt, to).annotate(annotations)
        beside = all_hosts(ingress(f"{name}-canary"), name, spelt, "canary:80")
        own = annotations if canary is None else canary
        self.rig.declare(
            f"{name}.yaml",
            main.of_class(self.flavour),
            beside.annotate({**own, **_CANARY_ANNOTATIONS}).of_class(self.flavour),
        )
        await self.rig.sync()
        return Feature(self, name)

    async def ask(self, question: Question) -> Seen:
        """Send a request, and find the Pod that was asked."""
        before = {name: len(pod.asked) for name, pod in self.pods.items()}
        answer = await ask_once(self.address, question)
        for name, pod in self.pods.items():
            if len(pod.asked) > before[name]:
                return Seen(answer, pod.asked[-1], name)
        return Seen(answer, None, "")


@asynccontextmanager
async def annotated(
    root: Path,
    settings: Mapping[str, str] | None = None,
    *,
    replicas: int = 1,
    flavour: str = "mse",
) -> AsyncIterator[Annotated]:
    """Serve a gateway of this flavour and class; enter it with `tests.e2e.standing.standing`.

    `settings` are annotations of the gateway. Each of the two Services has so many Pods.
    """
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root, gateway=False))
        make = mse_gateway if flavour == "mse" else alb_gateway
        # On a busy machine, a slow connection would be tried at another Pod.
        all_settings = {CONNECT_TIMEOUT: "60s"} | dict(settings or {})
        gateway = make("gw", members=(ONE, TWO)).annotate(all_settings)
        served.declare("gateway.yaml", gateway, *([alb_class()] if flavour == "alb" else []))
        pods: dict[str, Backend] = {}
        for service in ("main", "canary"):
            names = [service, *(f"{service}-{number}" for number in range(2, replicas + 1))]
            made = {name: await stack.enter_async_context(backend(name)) for name in names}
            served.expose(service, made.values())
            pods |= made
        yield Annotated(served, await served.address(f"{flavour}/gw"), pods, flavour)


def all_hosts(
    made: IngressBuilder, name: str, paths: Sequence[tuple[str, str]], to: str
) -> IngressBuilder:
    """Give an Ingress the hosts of all ways, each with these paths."""
    for declared in dict.fromkeys(host for host, _ in WAYS.values()):
        made = made.host(declared.format(name))
        for path, kind in paths:
            made = made.path(path, to=to, kind=kind)
    return made
