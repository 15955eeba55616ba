"""Shows the progress of a run in one line."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True)
class Progress:
    """Writes over its last line on a terminal, and line by line to any other file."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    step: str = ""
    _begun: float = field(default_factory=time.monotonic)

    def begin(self, step: str) -> None:
        """Begin a step, which all later messages belong to."""
        self.step = step
        self.say("")

    def say(self, what: str) -> None:
        """Show a message of the step."""
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        line = f"{minutes:3}:{seconds:02}  {self.step}{': ' if what else ''}{what}"
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[K{line[:110]}")
        else:
            self.stream.write(f"{line}\n")
        self.stream.flush()

    def tell(self, text: str) -> None:
        """Write a line that is not overwritten."""
        self.end()
        self.stream.write(f"{text.rstrip()}\n")

    def end(self) -> None:
        """End the line."""
        if self.stream.isatty():
            self.stream.write("\r\x1b[K")
