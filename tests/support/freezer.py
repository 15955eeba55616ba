"""A way to a server on loopback that can freeze with its connections open.

It is a process, so that a signal stops it: the kernel goes on to acknowledge what is sent to it,
and to take connections, as for a machine that hangs or a proxy that has lost its way.
"""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.cable import Cable

ROOT = Path(__file__).parents[2]


class Freezer:
    """Relays connections to a URL."""

    def __init__(self, to: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.freezer", to],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def __enter__(self) -> "Freezer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def freeze(self) -> None:
        """Say nothing more, and refuse nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    print(Cable(sys.argv[1]).url, flush=True)  # noqa: T201 (who started it reads this)
    sys.stdin.read()  # ends with who started it
