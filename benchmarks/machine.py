"""Describes the machine and the versions of a measurement."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from fleetgate.local.envoy_process import find_envoy
from tests.servers.binaries import find


def machine() -> Mapping[str, str]:
    """The processor, memory and kernel of this machine."""
    cpu = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo"))
    return {
        "cores": str(os.cpu_count()),
        "processor": cpu[1] if cpu else platform.machine(),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "kernel": platform.release(),
    }


def busy_cores(seconds: float = 3.0) -> float:
    """The number of cores that other processes keep busy, measured before the benchmarks start."""
    before, begun = _busy(), time.monotonic()
    time.sleep(seconds)
    return (_busy() - before) / (time.monotonic() - begun)


def _busy() -> float:
    """CPU seconds of all processes so far: user, nice, system, interrupts and stolen time."""
    fields = [int(field) for field in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - sum(fields[3:5])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def versions() -> Mapping[str, str]:
    """The versions of fleetgate and of the programs that it was measured with."""
    return {
        "fleetgate": version("fleetgate"),
        "commit": _said("git", "describe", "--always", "--dirty", "--exclude=*"),
        "Python": platform.python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
        "Envoy": _first(r"/(\d+\.\d+\.\d+)", _said(str(find_envoy()), "--version")),
        "kube-apiserver": _first(r"v([\d.]+)", _said(str(find("kube-apiserver")), "--version")),
        "etcd": _first(r"Version: ([\d.]+)", _said(str(find("etcd")), "--version")),
    }


def _said(*command: str) -> str:
    place = Path(__file__).parent
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
