"""Attacks by what users declare: objects as large as API servers take, and many that collide.

What is declared is seen in the status, with its problems, and is taken away again.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from fleetgate.http.client import ask
from tests.hostile.target import Target
from tests.support.builders import Builder, IngressBuilder, ingress, service, slice_of, write
from tests.support.process import until

_LARGEST: Final = 1_500_000
"""Bytes of an object: etcd takes requests of 1.5 MiB."""

_NAMESPACE: Final = "hostile"
_PREFIX: Final = "mse.ingress.kubernetes.io/"
_NAME: Final = "n" * 63

_LINES: Final = 64
"""Lines of `destination` that are read."""

_PATTERN: Final = f"(?:{'|'.join(f'a[ab]{{{n}}}c' for n in range(20, 25))})"
"""Of nearly as many instructions as a pattern may have."""


def many_paths(target: Target) -> str:
    """Declare an Ingress of one host, with as many paths as fit into it."""
    paths = _as_many_as_fit(lambda n: _path(f"/{n}"))
    return _declared(target, _of_rules("paths", {"host": "a.hostile", "http": {"paths": paths}}))


def many_hosts(target: Target) -> str:
    """Declare an Ingress with as many hosts as fit into it."""
    return _declared(target, _of_rules("hosts", *_as_many_as_fit(_host)))


def many_backends(target: Target) -> str:
    """Declare an Ingress with many hosts, whose paths go to as many Services as is allowed."""
    to = [f"{n:063}.{_NAME}.svc.cluster.local:{10_000 + n}" for n in range(_LINES)]
    lines = "\n".join(to)
    large = _of_rules("backends", *_as_many_as_fit(_host, _LARGEST - 2 * len(lines)))
    return _declared(target, large.annotate({_PREFIX + "destination": lines}))


def many_ingresses_of_a_host(target: Target) -> str:
    """Ingresses that all have the same paths of the same host, two of three as canaries."""
    rule = {"host": "a.hostile", "http": {"paths": [_path(f"/{n}") for n in range(10)]}}
    canary = {
        "canary": "true",
        "canary-by-header": "x-hostile",
        "canary-by-header-pattern": _PATTERN,
        "canary-weight": "1",
    }
    annotations = {_PREFIX + key: value for key, value in canary.items()}
    made = (_of_rules(f"fight-{n}", rule) for n in range(1500))
    fighting = (one.annotate(annotations) if n % 3 else one for n, one in enumerate(made))
    return _declared(target, *fighting)


def many_endpoints(target: Target) -> str:
    """A Service with a hundred EndpointSlices of a thousand Pods, as many as one may have."""
    web = service("web").in_namespace(_NAMESPACE)
    slices = (
        slice_of("web", addresses=_addresses(part), suffix=str(part)).in_namespace(_NAMESPACE)
        for part in range(100)
    )
    _put(target, "clusters/east/web.json", web)
    for part, each in enumerate(slices):
        _put(target, f"clusters/east/hostile-{part}.json", each)
    rule = {"host": "a.hostile", "http": {"paths": [_path("/")]}}
    return _declared(target, _of_rules("endpoints", rule))


def _addresses(part: int) -> list[str]:
    return [f"10.{64 + part}.{n // 250}.{1 + n % 250}" for n in range(1000)]


def _host(number: int) -> dict[str, Any]:
    return {"host": f"{number}.hostile", "http": {"paths": [_path("/")]}}


def _path(path: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}


def _as_many_as_fit(
    make: Callable[[int], dict[str, Any]], size: int = _LARGEST
) -> list[dict[str, Any]]:
    """Parts of an object that is as large as it may be."""

    def parts() -> Iterator[dict[str, Any]]:
        room = size - 1000  # for what is around them
        for number in count():
            part = make(number)
            room -= len(json.dumps(part, separators=(",", ":"))) + 1
            if room < 0:
                return
            yield part

    return list(parts())


def _of_rules(name: str, *rules: dict[str, Any]) -> IngressBuilder:
    made = ingress(name).in_namespace(_NAMESPACE).of_class("mse")
    return made.with_spec(rules=list(rules))


def _declared(target: Target, *objects: IngressBuilder) -> str:
    """Have Ingresses declared, seen, and taken away again; gives what people are told of them."""
    names = {one.name for one in objects}
    told: dict[str, Any] = {}

    def there() -> set[str]:
        told.update(ask(target.admin_port, "/status", timeout=60))
        found = [each for each in told["ingresses"] if each["namespace"] == _NAMESPACE]
        return {each["name"] for each in found}

    file = _put(target, "hub/hostile.json", *objects)
    until(lambda: there() == names)
    reasons = {each["reason"] for each in told["problems"] if each["namespace"] == _NAMESPACE}
    file.unlink()
    until(lambda: not there())
    return " ".join(sorted(reasons))


def _put(target: Target, name: str, *objects: Builder[Any]) -> Path:
    text = "\n".join(json.dumps(one.manifest, separators=(",", ":")) for one in objects)
    return write(target.fleet, name, text)
