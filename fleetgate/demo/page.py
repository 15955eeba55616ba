"""The output of the walk: sentences, commands and bars, at most 100 columns wide.

The output can be read without colour. It has colour on terminals only, and none where NO_COLOR
(https://no-color.org) is set.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from fleetgate.demo.verdict import Share, Verdict

_WIDTH = 96
_BAR = 40
_NAME = len("cluster-demo-1")
_GREEN, _RED, _BOLD, _DIM = "32", "31", "1", "2"


@dataclass(frozen=True, slots=True)
class Page:
    """Writes to `stream`. `block` is the character of bars."""

    stream: TextIO
    colour: bool
    block: str

    @classmethod
    def on(cls, stream: TextIO, environ: Mapping[str, str]) -> "Page":
        """Make a page that suits a stream, with or without colour, and with blocks or with #."""
        terminal = stream.isatty() and environ.get("TERM") != "dumb"
        unicode = "utf" in (stream.encoding or "").lower()
        return cls(stream, terminal and not environ.get("NO_COLOR"), "█" if unicode else "#")

    def part(self, title: str) -> None:
        """Write the title of a document."""
        self._line()
        self._line(self._in(_BOLD, title))
        self._line("=" * len(title))
        self._line()

    def section(self, title: str) -> None:
        """Write the title of an example."""
        self._line()
        self._line(self._in(_BOLD, title))

    def say(self, text: str) -> None:
        """Write a sentence or two."""
        for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False):
            self._line(f"  {line}")

    def gap(self) -> None:
        """Write an empty line."""
        self._line()

    def command(self, text: str, remark: str = "") -> None:
        """Write a command as a user types it."""
        self._line(f"  $ {text}" + (self._in(_DIM, f"   # {remark}") if remark else ""))

    def remark(self, text: str) -> None:
        """Write a remark on an event that no command causes."""
        self._line(self._in(_DIM, f"  # {text}"))

    def verdict(self, verdict: Verdict) -> None:
        """Write the shares of the answers as bars, and whether they are as promised."""
        width = max(_NAME, *(len(share.env) for share in verdict.shares), 0)
        for share in verdict.shares:
            self._line(self._share(share, width))
        tally = verdict.tally
        failed = sum(tally.failures.values())
        slowest = tally.worst_wait.total_seconds() * 1000
        summary = (
            f"{tally.total} requests, {failed or 'none'} failed, the slowest took {slowest:.0f} ms"
        )
        self._result(summary, width, held=verdict.held)
        for failure, number in tally.failures.items():
            self._line(f"      {number} x {failure}")

    def outcome(self, statuses: Mapping[int, int], path: str, *, held: bool) -> None:
        """Write the statuses of a few answers, and whether all is as promised.

        `path` is the path that the Pod was asked for, "" if no Pod was asked.
        """
        shown = ", ".join(f"{number} x {status}" for status, number in sorted(statuses.items()))
        self.answer(shown + (f", the Pod was asked for {path}" if path else ""), held=held)

    def answer(self, text: str, *, held: bool) -> None:
        """Write a single answer, and whether it is as promised."""
        self._result(text, _NAME, held=held)

    def table(self, row: Mapping[str, str]) -> None:
        """Write a row below the heads of its columns."""
        widths = [max(len(head), len(text)) for head, text in row.items()]
        for line in (row.keys(), row.values()):
            cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            self._line("      " + "  ".join(cells))

    def quote(self, text: str) -> None:
        """Write a text of somebody else, on several lines where it is long."""
        for line in textwrap.wrap(text, _WIDTH - 6, break_on_hyphens=False):
            self._line(f"      {line}")

    def broken(self, reason: str) -> None:
        """Write the reason why an example could not be tried to its end."""
        self.say(f"{reason}: {self._mark(held=False)}")

    def close(self, held: int, failed: int, seconds: float) -> None:
        """Write the summary."""
        self._line()
        if failed:
            text = self._in(_RED, f"{failed} of {held + failed} examples are NOT AS PROMISED")
        else:
            text = self._in(_GREEN, f"All {held} examples hold")
        self._line(f"{text} ({seconds:.0f} s).")

    def _share(self, share: Share, width: int) -> str:
        bar = self.block * round(share.came * _BAR / 100)
        came, promised = f"{share.came:5.1f} %", f"{share.promised:3.0f} %"
        return f"      {share.env:<{width}}  {bar:<{_BAR}}  {came}   promised {promised}"

    def _result(self, text: str, width: int, *, held: bool) -> None:
        self._line(f"      {text:<{width + _BAR + 11}}   {self._mark(held=held)}")

    def _mark(self, *, held: bool) -> str:
        return self._in(_GREEN, "ok") if held else self._in(_RED, "NOT AS PROMISED")

    def _in(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def _line(self, text: str = "") -> None:
        print(text.rstrip(), file=self.stream, flush=True)
