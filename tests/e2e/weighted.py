"""A fleet of three members behind a gateway of each flavour, for tests of weights of members.

The Service `web` has three Pods in the first member, and one in each of the others.
"""

import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final

from fleetgate.demo.http import Address, Answer, Question
from fleetgate.demo.load import try_times
from tests.e2e.backends import Backend, Manner
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.support.builders import (
    IngressBuilder,
    alb_class,
    alb_gateway,
    ingress,
    mse_gateway,
    write,
)
from tests.support.serving import serving

THREE: Final = "three"

PODS: Final[Mapping[str, Sequence[str]]] = {
    ONE: ("one-1", "one-2", "one-3"),
    TWO: ("two-1",),
    THREE: ("three-1",),
}

ALL: Final = tuple(PODS)

SPELLINGS: Final[Mapping[str, str]] = {
    "mse": "fleetgate.dev/",
    "alb": "alb.ingress.kubernetes.io/",
}
"""The prefix of weights by flavour."""


def weighted(
    name: str,
    flavour: str,
    weights: Mapping[str, int | str],
    more: Mapping[str, str] | None = None,
    *,
    host: str = "",
    to: str = "web:80",
) -> IngressBuilder:
    """Make an Ingress with these weights, by default of the host NAME.test."""
    made = ingress(name, host=host or f"{name}.test").path("/", to=to).of_class(flavour)
    prefix = f"{SPELLINGS[flavour]}cluster-weight."
    spelt = {prefix + member: str(weight) for member, weight in weights.items()}
    return made.annotate({**spelt, **(more or {})})


class Mortal:
    """A Pod that can be killed, and that comes back at the same address."""

    def __init__(self, name: str, member: str) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))  # keeps the port, and never listens
        self.pod = Backend(name, self._held.getsockname(), member, Manner.ANSWER)
        self._life = AsyncExitStack()
        self._lives = False

    async def live(self) -> None:
        """Listen, if it does not do so."""
        if not self._lives:
            self._lives = True
            listener = socket.create_server(self.pod.address)
            await self._life.enter_async_context(serving(listener, self.pod.serve))

    async def die(self) -> None:
        """Refuse connections, and abort the open ones."""
        self._lives = False
        await self._life.aclose()

    async def end(self) -> None:
        """Give the address back."""
        await self.die()
        self._held.close()


@dataclass(frozen=True, slots=True)
class Weighted:
    """The fleet, the address of each flavour's gateway, and the Pods by name."""

    rig: Rig
    addresses: Mapping[str, Address]
    mortals: Mapping[str, Mortal]

    @property
    def pods(self) -> Mapping[str, Backend]:
        """The Pods as they have been asked, by name."""
        return {name: each.pod for name, each in self.mortals.items()}

    async def usual(self, members: Iterable[str] = ALL) -> None:
        """Bring back the usual Pods, and attach these members."""
        for mortal in self.mortals.values():
            await mortal.live()
        for member in PODS:
            self.serve(member)
        self.attach(members)
        await self.rig.sync()

    def serve(self, member: str, names: Sequence[str] | None = None) -> None:
        """Let the Service have these Pods in a member; all of them by default."""
        taken = PODS[member] if names is None else names
        self.rig.expose("web", [self.pods[name] for name in taken], member=member)

    def attach(self, members: Iterable[str], settings: Mapping[str, str] | None = None) -> None:
        """Declare the gateways with these members and settings."""
        some = tuple(members)
        # On a busy machine, a slow connection would be tried at another member.
        all_settings = {"connect-timeout": "60s"} | dict(settings or {})
        spelt = {f"fleetgate.dev/{name}": value for name, value in all_settings.items()}
        self.rig.declare(
            "gateways.yaml",
            mse_gateway("gw", members=some).annotate(spelt),
            alb_gateway("gw", members=some).annotate(spelt),
            alb_class("alb", gateway="gw"),
        )

    def place(self, member: str, region: str, zone: str) -> None:
        """Say where a member stands."""
        write(self.rig.fleet.root, f"members/{member}.yaml", f"region: {region}\nzone: {zone}\n")

    async def kill(self, *names: str) -> None:
        """Kill Pods. Their endpoints stay."""
        for name in names:
            await self.mortals[name].die()

    async def declare(
        self,
        name: str,
        flavour: str,
        weights: Mapping[str, int | str],
        more: Mapping[str, str] | None = None,
    ) -> "Rule":
        """Declare an Ingress, and return when Envoy has it."""
        self.rig.declare(
            f"{name}-{flavour}.yaml", weighted(f"{name}-{flavour}", flavour, weights, more)
        )
        await self.rig.sync()
        return Rule(self, name, flavour)


@dataclass(frozen=True, slots=True)
class Rule:
    """A declared Ingress, whose host can be asked."""

    site: Weighted
    name: str
    flavour: str

    @property
    def address(self) -> Address:
        """The address of its gateway."""
        return self.site.addresses[self.flavour]

    @property
    def host(self) -> str:
        """Its host."""
        return f"{self.name}-{self.flavour}.test"

    async def reweigh(
        self, weights: Mapping[str, int | str], more: Mapping[str, str] | None = None
    ) -> None:
        """Declare it with other weights."""
        await self.site.declare(self.name, self.flavour, weights, more)

    async def shares(
        self, n: int = 200, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, float]:
        """Send requests over one connection; return the percentages by member, or by status."""
        answers = await try_times(self.address, Question("/", self.host, headers or {}), n)
        counted = Counter(a.headers.get("x-member", str(a.status)) for a in answers)
        return {member: 100 * count / n for member, count in counted.items()}


class Client:
    """A client that keeps its cookies. Each of its requests has a connection of its own."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._jar: SimpleCookie = SimpleCookie()

    async def ask(self) -> Answer:
        """Send a request with the cookies of the answers before it."""
        cookies = "; ".join(f"{name}={each.value}" for name, each in self._jar.items())
        fields: dict[str, Any] = {"cookie": cookies} if cookies else {}
        answer = await ask_once(self._rule.address, Question("/", self._rule.host, fields))
        if given := answer.headers.get("set-cookie"):
            self._jar.load(given)
        return answer

    async def pod(self) -> str:
        """Send a request, and return the name of the Pod that answered; "" for a failure."""
        answer = await self.ask()
        return answer.body.decode() if answer.status == 200 else ""


@asynccontextmanager
async def weighted_site(root: Path) -> AsyncIterator[Weighted]:
    """Serve the fleet; enter it with `tests.e2e.standing.standing`."""
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root, ALL, gateway=False))
        mortals = {name: Mortal(name, member) for member, names in PODS.items() for name in names}
        for each in mortals.values():
            stack.push_async_callback(each.end)
        addresses: dict[str, Address] = {}
        site = Weighted(served, addresses, mortals)
        await site.usual()
        addresses["mse"] = await served.address("mse/gw")
        addresses["alb"] = await served.address("alb/gw")
        yield site
