"""A relay to a server on loopback that a test can freeze with its connections open.

It is a process, so that a signal can stop it. The kernel goes on to acknowledge bytes and to
accept connections for it, as it does on a machine that hangs or for a proxy that is stuck.
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
        """Stop sending. Connections are still accepted."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Send again."""
        self._process.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    print(Cable(sys.argv[1]).url, flush=True)  # noqa: T201 (Freezer reads it)
    sys.stdin.read()  # returns when the parent process ends
