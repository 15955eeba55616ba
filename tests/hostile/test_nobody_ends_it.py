"""Nobody ends fleetgate, nor keeps others from being served: attacks on the whole process.

A new attack is a function of a Target, and a line in ATTACKS. One that needs another fleet than the
directory of `directory_rig` makes a Rig of its own, and calls `withstands` with it.
"""

from pathlib import Path

import pytest

from tests.hostile import answers, handshakes, requests
from tests.hostile.rig import Attack, directory_rig, withstands
from tests.hostile.stream import ALIVE

ATTACKS = (
    Attack("half-handshakes", handshakes.half_handshakes, "served", tls=True),
    Attack("open-handshakes", handshakes.open_handshakes, "served", tls=True),
    Attack("all-come-back-at-once", handshakes.reconnecting_together, "served", tls=True),
    Attack("renewed-meanwhile", handshakes.renewed_meanwhile, "served", tls=True),
    Attack("versions-of-everything", requests.versions_of_everything, ALIVE),
    Attack("tiny-requests-without-end", answers.tiny_requests_without_end, ALIVE),
)


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in ATTACKS])
def test_fleetgate_withstands(attack: Attack, tmp_path: Path) -> None:
    with directory_rig(tmp_path, tls=attack.tls) as rig:
        withstands(attack, rig)
