"""Random Ingresses over few hosts and paths, and a model that tells which of them serves a request.

In the model, an exact host takes precedence over the wildcard that covers it, and the wildcard over
rules without host. The requests of a host with rules never go to another host's rules: its own
default backend serves what the rules do not, or nothing does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.support.builders import IngressBuilder, ingress

HOSTS = ("w.test", "a.w.test", "b.a.w.test", "*.w.test", "*.a.w.test", "*.test", "")
PATHS = ("/", "/x", "/x/y", "/any")
ASKED_HOSTS = ("test", "w.test", "a.w.test", "c.w.test", "b.a.w.test", "c.a.w.test", "c.b.a.w.test")
ASKED_PATHS = ("/", "/x", "/x/", "/x/y/z", "/xy", "/any")
SERVICES = 12

NOBODY = 404


@dataclass(frozen=True, slots=True)
class Serving:
    """A path of a host, or a default backend (path ""). An `age` of 0 is the oldest."""

    age: int
    host: str
    kind: str
    path: str
    service: str


@dataclass(frozen=True, slots=True)
class Declared:
    """Ingresses, oldest first, and the paths and default backends that they declare."""

    ingresses: Sequence[IngressBuilder]
    servings: Sequence[Serving]

    def serving(self, host: str, path: str) -> str | int:
        """Return the Service that serves a request, or NOBODY."""
        wildcard = f"*.{host.partition('.')[2]}"
        named = {each.host for each in self.servings if each.path}
        closest = next((h for h in (host, wildcard) if h in named), "")
        # A default backend serves the hosts of its own Ingress, and hosts that no rule names.
        ages = {each.age for each in self.servings if each.path and each.host == closest}
        found = [
            each
            for each in self.servings
            if (each.host == closest if each.path else not closest or each.age in ages)
            and _meets(each, path)
        ]
        return min(found, key=_rank).service if found else NOBODY


def _meets(serving: Serving, path: str) -> bool:
    if serving.kind == "Exact":
        return path == serving.path
    return serving.path in {"", "/"} or f"{path}/".startswith(f"{serving.path}/")


def _rank(serving: Serving) -> tuple[bool, bool, bool, int, int]:
    kinds = (not serving.path, serving.path == "/", serving.kind != "Exact")
    return (*kinds, -len(serving.path), serving.age)


def some_ingresses(random: Random) -> Declared:
    """Make a few Ingresses, in which each rule has a Service of its own."""
    names = iter([f"s{n}" for n in range(SERVICES)])
    ingresses, servings = [], []
    for age in range(random.randint(1, 4)):
        made = ingress(f"i{age}").created(f"202{age}-01-01T00:00:00Z")
        for host in random.sample(HOSTS, random.randint(0, 2)):
            paths = list(_paths(random, age, host, names))
            made = made.host(host) if paths else made
            for each in paths:
                made = made.path(each.path, to=f"{each.service}:80", kind=each.kind)
            servings += paths
        if random.random() < 0.3 and (name := next(names, "")):
            made = made.default(f"{name}:80")
            servings.append(Serving(age, "", "Prefix", "", name))
        ingresses.append(made)
    return Declared(ingresses, servings)


def _paths(random: Random, age: int, host: str, names: Iterator[str]) -> Iterator[Serving]:
    for path in random.sample(PATHS, random.randint(1, 2)):
        if name := next(names, ""):
            exact = random.random() < 0.3 and path != "/"
            yield Serving(age, host, "Exact" if exact else "Prefix", path, name)
