"""One line that says what goes on."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True)
class Progress:
    """Writes to a terminal line over line, and to anything else line by line."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    step: str = ""
    _begun: float = field(default_factory=time.monotonic)

    def begin(self, step: str) -> None:
        """Say that a step begins; what is said after belongs to it."""
        self.step = step
        self.say("")

    def say(self, what: str) -> None:
        """Say what goes on now."""
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        line = f"{minutes:3}:{seconds:02}  {self.step}{': ' if what else ''}{what}"
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[K{line[:110]}")
        else:
            self.stream.write(f"{line}\n")
        self.stream.flush()

    def tell(self, text: str) -> None:
        """Write something that stays."""
        self.end()
        self.stream.write(f"{text.rstrip()}\n")

    def end(self) -> None:
        """Leave the line."""
        if self.stream.isatty():
            self.stream.write("\r\x1b[K")
