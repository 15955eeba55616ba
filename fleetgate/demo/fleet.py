"""The demo's fleet: a hub and two members as directories, with edits as kubectl makes them.

The package carries the documents' manifests as they are printed. `apply` fills in what a reader of
the document fills in: cluster IDs, and the namespace of `kubectl -n`. Files are replaced by one
rename, and edits keep all other lines, including comments.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

from fleet.ref import HUB
from fleetgate.demo.files import replace

CLUSTER_1: Final = "c7fb82d63c1e04a0fb2d5f7b9c3a81e46"
"""The first member; the documents show its ID as `c7fb82****`."""
CLUSTER_2: Final = "cd3007a4f5be9420c8d61e7f30b2a95dc"
"""The second member; the documents show its ID as `cd3007****`."""

CLUSTER_IDS: Final[Mapping[str, str]] = {
    "${cluster1-id}": CLUSTER_1,
    "${cluster2-id}": CLUSTER_2,
    "${cluster1}": CLUSTER_1,
    "${cluster2}": CLUSTER_2,
    "c15d48ca9d1fd43f9bbb89c56a474843c": CLUSTER_2,  # printed so in "Manage north-south traffic"
    "c6XXXXXXXXXXXXXXXXXXXXXXXXX": CLUSTER_1,  # printed so, as the next one, for ALB gateways
    "cdXXXXXXXXXXXXXXXXXXXXXXXXX": CLUSTER_2,
}
"""The cluster IDs that the documents print, and the IDs that replace them here."""


def manifest(name: str) -> str:
    """Return a manifest as its document prints it. `name` is `FOLDER/FILE.yaml`."""
    return (files("fleetgate.demo") / "manifests" / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class DemoFleet:
    """A directory fleet in `root`."""

    root: Path
    members: tuple[str, ...] = (CLUSTER_1, CLUSTER_2)

    @classmethod
    def create(cls, root: Path, members: Iterable[str] = (CLUSTER_1, CLUSTER_2)) -> "DemoFleet":
        """Make empty directories for the hub and the members."""
        fleet = cls(root, tuple(members))
        for origin in (HUB, *fleet.members):
            fleet.directory(origin).mkdir(parents=True, exist_ok=True)
        return fleet

    def directory(self, origin: str) -> Path:
        """Return the directory of the manifests of the hub or of a member."""
        return self.root / "clusters" / origin if origin != HUB else self.root / "hub"

    def apply(
        self,
        text: str,
        name: str,
        *,
        to: str = HUB,
        namespace: str = "",
        values: Mapping[str, str] | None = None,
    ) -> Path:
        """Write manifests into the file `name`, and return its path.

        Objects that name no namespace get `namespace`, as with `kubectl apply -n`. `values` maps
        texts to their replacements, in addition to the cluster IDs.
        """
        for printed, value in {**CLUSTER_IDS, **(values or {})}.items():
            text = text.replace(printed, value)
        if namespace:
            text = _joined(_with_namespace(one, namespace) for one in _documents(text))
        path = self.directory(to) / name
        replace(path, text)
        return path

    def remove(self, name: str, *, to: str = HUB) -> None:
        """Remove a file, and with it its objects, unless it is gone already."""
        (self.directory(to) / name).unlink(missing_ok=True)

    def attach(self, name: str, members: Iterable[str]) -> None:
        """Attach exactly these members to the gateway in a file of the hub."""
        path = self.directory(HUB) / name
        line = f"    mse.alibabacloud.com/remote-clusters: {','.join(members)}\n"
        text = _REMOTE_CLUSTERS.sub("", path.read_text(encoding="utf-8"))
        replace(path, text.replace("metadata:\n", f"metadata:\n  annotations:\n{line}", 1))

    def scale(self, member: str, deployment: str, replicas: int) -> None:
        """Set the number of replicas. Raises LookupError where there is no such Deployment."""

        def scaled(document: str) -> str:
            text, count = _REPLICAS.subn(f"  replicas: {replicas}\n", document, count=1)
            return text if count else _SPEC.sub(f"spec:\n  replicas: {replicas}\n", text, count=1)

        self._edit(member, "Deployment", deployment, scaled)

    def delete_service(self, member: str, service: str) -> None:
        """Delete a Service from its file. Raises LookupError where there is no such Service."""
        self._edit(member, "Service", service, lambda _: "")

    def _edit(self, origin: str, kind: str, name: str, change: Callable[[str], str]) -> None:
        """Change the text of one object, in whatever file it is. Raises LookupError."""
        for path in sorted(self.directory(origin).glob("*.yaml")):
            documents = _documents(path.read_text(encoding="utf-8"))
            changed = [change(one) if _is(one, kind, name) else one for one in documents]
            if changed != documents:
                replace(path, _joined(changed))
                return
            if any(_is(one, kind, name) for one in documents):
                return
        raise LookupError(f"no {kind} {name} is declared in {self.directory(origin)}")


_REMOTE_CLUSTERS = re.compile(
    r"^  #?annotations:\n  #?  mse\.alibabacloud\.com/remote-clusters:.*\n", re.MULTILINE
)
_REPLICAS = re.compile(r"^  replicas:.*\n", re.MULTILINE)
_SPEC = re.compile(r"^spec:\n", re.MULTILINE)
_SEPARATOR = re.compile(r"^---[ \t]*\n", re.MULTILINE)


def _documents(text: str) -> list[str]:
    return _SEPARATOR.split(text)


def _joined(documents: Iterable[str]) -> str:
    return "---\n".join(document for document in documents if document.strip())


def _is(document: str, kind: str, name: str) -> bool:
    match yaml.safe_load(document):
        case {"kind": str(found), "metadata": {"name": str(own)}}:
            return (found, own) == (kind, name)
    return False


def _with_namespace(document: str, namespace: str) -> str:
    """Add the namespace, unless the object names one itself."""
    match yaml.safe_load(document):
        case {"metadata": {"namespace": str()}}:
            return document
    return document.replace("metadata:\n", f"metadata:\n  namespace: {namespace}\n", 1)
