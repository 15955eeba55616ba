"""The CPU and the memory of another process, as Linux tells them."""

import os
from pathlib import Path
from typing import Final

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")

_RESET_PEAK: Final = "5"


def cpu(pid: int) -> float:
    """The seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def resident(pid: int) -> float:
    """The resident memory of a process in MiB."""
    return _mib(pid, "VmRSS:")


def peak(pid: int) -> float:
    """The most resident memory in MiB since the last `forget_peak`."""
    return _mib(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let `peak` begin anew with the present memory."""
    Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK, encoding="utf-8")


def _mib(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
