"""Whatever users declare, a real Envoy accepts all resources, and serves other hosts throughout.

The objects take the whole way: files, control plane, ADS, and one Envoy. Translation has to find
everything that Envoy would refuse, because one refused resource delays others.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from fleet.ref import HUB
from fleetgate.core.control import ControlPlane
from fleetgate.demo.http import Question
from fleetgate.demo.load import Load
from tests.e2e.backends import backend
from tests.e2e.rig import TWO, Rig, rig
from tests.fuzz import certain
from tests.fuzz.generator import MEMBERS, SERVICES, Generator
from tests.support.builders import alb_class, ingress, write
from xds.resource import TypeUrl

SEED: Final = 20260134
BATCHES: Final = 10
INGRESSES: Final = 200
"""In each batch; half of them stay for the next one."""
WEIGHTED: Final = 20
"""Paths in each batch with canaries by weight."""

GUARDED: Final = 40
"""Ingresses in each batch that say who may ask."""

HOST: Final = "control.test"
CONTROL: Final = ingress("control", host=HOST)

_REGEX: Final = re.compile(rb"\.\*\(\?:.*?\)\.\*")
"""A canary's pattern, as translation wraps it, in the bytes of a route table."""

_DIGEST: Final = re.compile("@[0-9a-f]{32}")
"""What stands for a long subset in the name of its Cluster."""

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(180)]


@dataclass(slots=True)
class Seen:
    """Collects the effects of the random objects, to show that enough of them are served."""

    hosts: set[str] = field(default_factory=set)
    alb_hosts: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    regexes: set[str] = field(default_factory=set)
    redirects: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    inline: int = 0
    by_gateway: int = 0

    def note(self, control: ControlPlane) -> None:
        """Add what is served now."""
        self.alb_hosts |= control.cache.snapshot("alb/gw")[TypeUrl.SCOPED_ROUTE].keys()
        snapshot = control.cache.snapshot("mse/gw")
        self.hosts |= snapshot[TypeUrl.SCOPED_ROUTE].keys()
        self.clusters |= snapshot[TypeUrl.CLUSTER].keys()
        clusters = [cluster.body for cluster in snapshot[TypeUrl.CLUSTER].values()]
        self.inline += sum(b"envoy.cluster.dns" in body for body in clusters)
        assignments = [each.body for each in snapshot[TypeUrl.ENDPOINT].values()]
        self.by_gateway += sum(b"envoy.transport_socket_match" in body for body in assignments)
        self.reasons |= {problem.reason for problem in control.problems}
        for name, table in snapshot[TypeUrl.SCOPED_ROUTE].items():
            self.regexes |= set(_REGEX.findall(table.body))
            self.redirects |= {name} if b"x-forwarded-proto" in table.body else set()


def test_envoy_refuses_nothing_and_the_control_ingress_is_served(tmp_path: Path) -> None:
    seen = asyncio.run(_fuzz(tmp_path, SEED))

    assert len(seen.hosts) > 15
    assert len(seen.alb_hosts) > 15
    assert len(seen.regexes) > 15
    assert len(seen.redirects) > 3
    assert {name.partition("+")[2] for name in seen.clusters} >= {"", "h2c", "https", "h2", "auth"}
    assert any("://" in name for name in seen.clusters)
    assert {">" in name for name in seen.clusters} == {True, False}
    assert {"@" in name for name in seen.clusters} == {True, False}
    assert seen.reasons >= {
        *("InvalidAnnotation", "InvalidField", "InvalidPath", "Conflict", "NotSupported"),
        *("UnknownAnnotation", "SharedHost", "ForeignService", "HostOwnedByAnother"),
        *("CrossNamespace", "TooManyPatterns"),
    }
    assert seen.inline
    assert seen.by_gateway
    assert "NoNodePort" in seen.reasons
    assert any(_DIGEST.search(name) for name in seen.clusters)


async def _fuzz(tmp_path: Path, seed: int) -> Seen:
    generator, guards, seen = Generator(seed), Generator(seed), Seen()
    reaching = Generator(seed)
    async with backend("control") as pod, rig(tmp_path) as served:
        served.expose("control", [pod])
        _put(served, HUB, "certain", certain.ingresses())
        for member in MEMBERS:  # without a node port, for a member that is reached by them
            _put(served, member, "certain", certain.backends())
        served.declare("control.yaml", CONTROL.path("/", to="control:80").of_class("mse"))
        address = await served.address()
        async with Load(address, Question(host=HOST), connections=1).running() as load:
            for number in range(BATCHES):
                _write(served, generator, number, reaching)
                for place in range(GUARDED):
                    _put(served, HUB, f"guarded-{place}", [guards.guarded(f"g{place}")])
                await served.sync()
                await load.answered(5)

                control, at = served.served.control, f"seed {seed}, batch {number}"
                assert not control.failures, at
                assert not control.cache.rejections("mse/gw"), at
                assert not control.cache.rejections("alb/gw"), at
                assert not load.tally().failures, at
                seen.note(control)
        envoys = served.served.gateways.envoys
        assert [envoy.starts for envoy in envoys.values()] == [1, 1]
    return seen


def _write(served: Rig, generator: Generator, batch: int, reaching: Generator) -> None:
    """Write a batch: its Ingresses replace half of those before, its other objects replace all.

    The second member is reached in one way or another, as `reaching` says.
    """
    write(served.fleet.root, f"members/{TWO}.yaml", reaching.settings(batch))
    _put(served, TWO, "nodes", reaching.nodes())
    _put(served, HUB, "gateway", [generator.gateway("gw", batch)])
    _put(served, HUB, "alb", [generator.alb_gateway("gw"), alb_class().manifest])
    for number in range(INGRESSES):
        slot = (batch * INGRESSES // 2 + number) % (2 * INGRESSES)
        _put(served, HUB, f"ingress-{slot}", [generator.ingress(f"i{batch}-{number}")])
    for number in range(WEIGHTED):
        _put(served, HUB, f"weighted-{number}", generator.weighted(f"w{number}"))
    _put(served, HUB, "crowd", generator.crowd("crowd"))
    for member in MEMBERS:
        for service in SERVICES:
            made = [
                reaching.with_node_ports(generator.service(service)),
                *map(reaching.on_nodes, generator.slices(service)),
            ]
            _put(served, member, f"service-{service}", made)


def _put(served: Rig, origin: str, name: str, objects: list[Any]) -> None:  # JSON
    """Write objects as JSON, in which any text can be written."""
    path = served.fleet.directory(origin) / f"{name}.json"
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(map(json.dumps, objects)))
    draft.replace(path)
