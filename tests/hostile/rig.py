"""fleetgate as a process, under an attack that runs in a process of its own.

    attack ──────────▶ fleetgate ◀── publishes ── well-behaved client (waits for each change)
    (own process)          ▲
                           └──────── /healthz

The waits of both witnesses are first measured without an attack, in the same run. Bounds are
multiples of these, and of the load of the machine, since it may be busy.
"""

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleetgate.certificates.credential import CERTIFICATE, KEY, TRUST, Credential
from fleetgate.certificates.directory import replace_files
from fleetgate.certificates.gateway_uris import gateway_uri
from tests.certificates.served import DAY, NOW, authority
from tests.hostile.target import GATEWAY, SERVER_NAME, Target
from tests.hostile.witness import Healthz, Served
from tests.support.builders import ingress, mse_gateway, service, slice_of, write
from tests.support.process import COMMAND, Fleetgate, fleetgate

_TIMES: Final = 30
"""The most that a wait may grow during an attack, as a factor."""

_CHANGE: Final = 5.0
_PROBE: Final = 2.0
"""Seconds that a change and a probe may take whatever they take in quiet, where nothing else runs.
An attack may allow more for changes."""

_LOG: Final = 1 << 20
"""Bytes that an attack may add to the log."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Something hostile; `run` goes on in a process of its own and says what became of it.

    `outcome` is a pattern of that. `memory` is what fleetgate may take more at its peak, in MiB,
    and `wait` how many seconds a change may take whatever it takes in quiet.
    With `tls`, xDS asks for certificates, and the target has one. `files` is how many files
    fleetgate may have open at most, 0 for as many as these tests may have.
    """

    name: str
    run: Callable[[Target], str]
    outcome: str
    memory: int = 256
    wait: float = _CHANGE
    tls: bool = False
    files: int = 0


@dataclass(frozen=True, slots=True)
class Rig:
    """A running fleetgate that serves a gateway; `publish` declares the address of a backend."""

    running: Fleetgate
    target: Target
    publish: Callable[[str], None]


@contextmanager
def directory_rig(place: Path, *, tls: bool, files: int = 0) -> Iterator[Rig]:
    """`fleetgate serve` of a directory with a gateway, a member and an Ingress."""
    root = place / "fleet"
    write(root, "hub/gateway.yaml", mse_gateway("shop", members=["east"]))
    shop = ingress("web", host="shop.example").path("/", to="web:80").of_class("mse")
    write(root, "hub/web.yaml", shop)
    write(root, "clusters/east/web.yaml", service("web"))

    def publish(address: str) -> None:
        write(root, "clusters/east/pods.yaml", slice_of("web", addresses=[address]))

    publish("10.9.255.1")
    free = ("--xds-port", "0", "--admin-port", "0")
    command = ("sh", "-c", _limited(files), *COMMAND)
    if not tls:
        with fleetgate(place / "log", "serve", root, *free, command=command) as running:
            yield Rig(running, Target(running.xds_port, running.admin_port, root), publish)
        return
    own = authority()
    trust = own.pair.certificate
    first, second = (Credential(own.server([SERVER_NAME], NOW, DAY), trust) for _ in range(2))
    client = Credential(own.client(gateway_uri(GATEWAY), NOW, DAY), trust)
    server = place / "server"
    replace_files(server, first.files)
    given = ("--xds-cert", server / CERTIFICATE, "--xds-key", server / KEY)
    trusted = ("--xds-client-ca", server / TRUST)
    arguments = ("serve", root, *free, *given, *trusted)
    with fleetgate(place / "log", *arguments, command=command) as running:
        ports = running.xds_port, running.admin_port
        yield Rig(running, Target(*ports, root, client, server, second), publish)


def _limited(files: int) -> str:
    """A shell's line that runs its words, with the soft limit that shells have, or a hard one."""
    limit = f"ulimit -n {files}" if files else "ulimit -S -n 1024"
    return f'{limit} && exec "$0" "$@"'


def withstands(attack: Attack, rig: Rig) -> None:
    """Run an attack, and check its outcome and the waits of the witnesses."""
    served, healthz = Served(rig.target, rig.publish), Healthz(rig.target)
    spawn = multiprocessing.get_context("spawn")
    with (
        served.asking(),
        healthz.asking(),
        ProcessPoolExecutor(1, mp_context=spawn) as beside,
    ):
        beside.submit(_ready).result()
        served.longest(5)
        quiet_change, quiet_probe = served.longest(20), healthz.longest(20)
        memory, log = _peak(rig), len(rig.running.text)

        outcome = beside.submit(attack.run, rig.target).result()

        assert rig.running.process.poll() is None, rig.running.text[-2000:]
        change, probe = served.longest(), healthz.longest()
    assert re.search(attack.outcome, outcome), outcome
    others = _slowed_by_others()
    assert change <= max(attack.wait * others, _TIMES * quiet_change), f"{quiet_change} s in quiet"
    assert probe <= max(_PROBE * others, _TIMES * quiet_probe), f"{quiet_probe} s in quiet"
    assert _peak(rig) - memory <= attack.memory << 20
    said = rig.running.text[log:]
    assert len(said) <= _LOG
    assert "Traceback" not in said, said[-3000:]


def _ready() -> None:
    """What the other process says when it has started."""


def _peak(rig: Rig) -> int:
    """The most bytes that the process has ever held in memory."""
    status = Path(f"/proc/{rig.running.process.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) << 10


def _slowed_by_others() -> float:
    """Return how many times slower the machine is by other work: processes that run, per core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
