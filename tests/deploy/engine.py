"""A Docker engine for tests, with the images that our files begin with.

Where root may run `dockerd`, it is one of the tests' own: its base images are made here and carry
their upstream names, so that no registry is needed and no image of yours is touched. It leaves the
host's network rules alone. Elsewhere it is the engine that answers, with images from its registry.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleetgate.local.envoy_process import find_envoy
from tests.support.requirement import require

ROOT: Final = Path(__file__).parents[2]


def base_image(dockerfile: str) -> str:
    """The image that a Dockerfile of ours begins with."""
    found = re.search(r"^FROM (\S+)", (ROOT / dockerfile).read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


PYTHON: Final = base_image("deploy/Dockerfile")
ENVOY: Final = base_image("envoy/Dockerfile")

_PACKAGES: Final = "python3,python3-venv,python3-pip,python-is-python3,ca-certificates"
_SUITE: Final = "bookworm"
_START: Final = 60.0
_PATIENCE: Final = 600.0


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine; `network` is where its builds reach a package index."""

    env: Mapping[str, str]
    docker: str
    compose: Sequence[str]
    network: str

    def run(self, *arguments: str | Path) -> str:
        """What `docker` prints; an AssertionError with its complaint where it fails."""
        return _output((self.docker, *arguments), self.env)


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine while the block runs; skips the test, with the reason, where there is none."""
    if _missing_for_our_own() is None:
        with _our_own() as ours:
            yield ours
        return
    docker = shutil.which("docker")
    answers = docker and _try((docker, "info")).returncode == 0
    require(None if answers else f"no Docker engine answers, and {_missing_for_our_own()}")
    assert docker
    compose = _compose(docker)
    require(None if compose else "neither docker compose nor docker-compose is installed")
    for image in (PYTHON, ENVOY):
        pulled = _try((docker, "pull", "--quiet", image))
        require(None if pulled.returncode == 0 else f"{image} cannot be had: {pulled.stderr}")
    yield Engine(os.environ, docker, compose, "default")


def no_registry() -> str | None:
    """Why there is no engine with an image registry; None if there may be one."""
    if _missing_for_our_own() is None:
        return "the Docker engine is one of the tests' own, which has no image registry"
    return None if shutil.which("docker") else "there is no Docker engine"


def _missing_for_our_own() -> str | None:
    if os.geteuid() != 0:
        return "only root may start one"
    needed = ("dockerd", "debootstrap", "docker-compose", "/usr/bin/docker")
    absent = [Path(name).name for name in needed if shutil.which(name) is None]
    if absent:
        return f"there is no {', '.join(absent)}"
    return None


@contextmanager
def _our_own() -> Iterator[Engine]:
    """Start dockerd on files that are kept, so that only the first time is long."""
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="fg-") as run:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one engine at a time has these files
        socket = f"unix://{run}/sock"
        env = {
            **os.environ,
            "DOCKER_HOST": socket,
            "DOCKER_CONFIG": run,
            "DOCKER_BUILDKIT": "0",  # its images do not come from a registry
        }
        env.pop("DOCKER_CONTEXT", None)
        made = Engine(env, "/usr/bin/docker", ("docker-compose",), "host")
        log = Path(run, "log")
        with log.open("wb") as out:
            daemon = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={cache}/data",
                    f"--exec-root={run}/exec",
                    f"--pidfile={run}/pid",
                    f"--host={socket}",
                    "--bridge=none",
                    "--iptables=false",
                    "--ip-masq=false",
                    "--ip-forward=false",
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            _await(made, daemon, log)
            _make_images(made, cache)
            yield made
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=60)
            for namespace in Path(run, "exec", "netns").glob("*"):  # dockerd leaves it mounted
                _output(("umount", namespace), env)


def _await(made: Engine, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START
    while _try((made.docker, "info"), made.env).returncode != 0:
        ended = daemon.poll() is not None or time.monotonic() > end
        require(f"dockerd does not run here: {log.read_text()[-500:]}" if ended else None)
        time.sleep(0.1)


def _make_images(made: Engine, cache: Path) -> None:
    """Make what is not there yet: Debian with Python in place of Python's image, and Envoy."""
    have = made.run("images", "--format={{.Repository}}:{{.Tag}}").split()
    with tempfile.TemporaryDirectory(dir=cache) as place:
        if PYTHON not in have:
            root = Path(place, "root")
            _output(
                ("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, root),
                made.env,
            )
            for file in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
                if Path(file).exists():  # so that pip finds the index that the host's finds
                    shutil.copyfile(file, f"{root}{file}")
            archive = Path(place, "root.tar")
            _output(("tar", "-C", root, "-cf", archive, "."), made.env)
            made.run("import", archive, PYTHON)
        if ENVOY not in have:
            context = Path(place, "envoy")
            context.mkdir()
            shutil.copy(find_envoy(), context / "envoy")
            (context / "Dockerfile").write_text(
                f"FROM {PYTHON}\nCOPY envoy /usr/local/bin/envoy\nUSER 101\n"
            )
            made.run("build", "--quiet", f"--tag={ENVOY}", context)


def _compose(docker: str) -> Sequence[str]:
    if _try((docker, "compose", "version")).returncode == 0:
        return (docker, "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "fleetgate", "docker")


def _output(command: Sequence[str | Path], env: Mapping[str, str]) -> str:
    done = _try(command, env)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def _try(
    command: Sequence[str | Path], env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(
        words, env=env, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
