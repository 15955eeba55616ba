"""Finds or builds etcd, kube-apiserver, kubectl and helm for the tests.

KUBEBUILDER_ASSETS can name a directory that has them. Otherwise they are built from Go modules,
which takes minutes, and kept in a cache outside of the checkout, under a name that is derived from
the sources.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent
OURS: Final = ("etcd", "kube-apiserver", "kubectl")
"""The binaries that the Go module beside this file builds."""

HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.19.0"
ALL: Final = (*OURS, "helm")

_VERSION: Final = "k8s.io/component-base/version"
_LINK: Final = " ".join(
    (
        "-s -w",
        f"-X {_VERSION}.gitVersion=v1.36.3",
        f"-X {_VERSION}.gitMajor=1",
        f"-X {_VERSION}.gitMinor=36",
    )
)


def find(name: str) -> Path | None:
    """The path of a binary; None if it has to be built."""
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    for place in (assets, str(_cache())):
        if place and (found := shutil.which(name, path=place)):
            return Path(found)
    # PATH is not searched, since its kubectl and helm may have any version.
    return None


def missing() -> list[str]:
    """The binaries that have to be built."""
    return [name for name in ALL if find(name) is None]


def build() -> None:
    """Build the missing binaries. Raises CalledProcessError if Go fails."""
    with _alone():
        for name in missing():
            print(f"building {name} (once; minutes for kube-apiserver)", flush=True)  # noqa: T201
            _build(name)


def _build(name: str) -> None:
    cache = _cache()
    with tempfile.TemporaryDirectory(dir=cache) as new:
        if name in OURS:
            command = ["go", "build", "-trimpath", "-ldflags", _LINK, "-o", new, f"./{name}"]
        else:
            command = ["go", "install", "-trimpath", "-ldflags", "-s -w", HELM]
        env = os.environ | {"GOBIN": new, "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
        subprocess.run(command, cwd=SOURCES if name in OURS else new, env=env, check=True)
        Path(new, name).replace(cache / name)


def _cache() -> Path:
    """The directory for the binaries that these sources build."""
    digest = hashlib.sha256()
    for source in sorted([*SOURCES.glob("go.*"), *SOURCES.glob("*/main.go")]):
        digest.update(source.read_bytes())
    digest.update(f"{HELM} {_LINK}".encode())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "fleetgate", f"servers-{digest.hexdigest()[:12]}")


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock while the block runs, so that one process builds at a time."""
    _cache().mkdir(parents=True, exist_ok=True)
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Build the missing binaries, or print why they cannot be built. Raises nothing."""
    if not missing():
        return
    try:
        if shutil.which("go") is None:
            why = "there is no Go on PATH"
        else:
            build()
            return
    except subprocess.CalledProcessError as error:
        why = f"{' '.join(error.cmd)} ended with {error.returncode}"
    print(  # noqa: T201
        f"{', '.join(missing())} cannot be built: {why}. Tests that need a Kubernetes API server "
        "are skipped; KUBEBUILDER_ASSETS can name a directory that has the binaries."
    )


if __name__ == "__main__":
    main()
