"""A rig whose objects are on real API servers."""

import json
from collections.abc import Mapping
from typing import Any

from fleet.kubernetes.connection import ApiServer
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from tests.support.builders import Builder, mse_gateway, service
from tests.support.cable import Cable
from tests.support.kube import Cluster, Clusters
from translators.dialects import DIALECTS

HOME = "fleetgate-system"


class KubernetesRig:
    """A hub and the members `one` and `two`. A member is lost when its cable is cut.

    From the start, a gateway is attached to both members. It is scenery, and so is the Service that
    every API server makes for itself.
    """

    def __init__(self, clusters: Clusters) -> None:
        hub, one, two = clusters.all()
        self.servers = {HUB: hub, "one": one, "two": two}
        self.cables = {name: Cable(self.servers[name].url) for name in ("one", "two")}
        gateway = mse_gateway("attaches-members", members=self.cables, ingress_class=None)
        own = {service("kubernetes").ref(name) for name in self.cables}
        self.scenery = frozenset({gateway.ref(), *own})
        hub.install_crds()
        hub.listed(path_of(gateway.manifest, collection=True))  # it waits until the kind is ready
        hub.namespace(HOME)
        self.put(gateway)
        self.find("one")
        kubeconfig = hub.kubeconfig
        self.source = KubernetesSource(
            DIALECTS.kinds, lambda: ApiServer.from_kubeconfig(kubeconfig), {}, HOME
        )

    def put(self, *objects: Builder[Any], origin: str = HUB) -> None:
        for thing in objects:
            declare(self.servers[origin], thing.manifest)

    def remove(self, *objects: Builder[Any], origin: str = HUB) -> None:
        for thing in objects:
            withdraw(self.servers[origin], thing.manifest)

    def lose(self, member: str) -> None:
        self.cables[member].cut()

    def find(self, member: str) -> None:
        self.cables[member].mend()
        declare(self.servers[HUB], naming(member, self.kubeconfig(member)))

    def kubeconfig(self, member: str, token: str = "") -> dict[str, Any]:
        """A kubeconfig that reaches the member by its cable."""
        config = self.servers[member].config(token)
        config["clusters"][0]["cluster"]["server"] = self.cables[member].url
        return config

    def close(self) -> None:
        """Close the cables."""
        for cable in self.cables.values():
            cable.close()


def naming(member: str, kubeconfig: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """The Secret on the hub that names a member."""
    metadata = {
        "name": name or f"member-{member}",
        "namespace": HOME,
        "labels": {"fleetgate.dev/member": member},
    }
    data = {"kubeconfig": json.dumps(kubeconfig)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def path_of(manifest: Mapping[str, Any], *, collection: bool = False) -> str:
    """The path of an object, or of all objects of its kind and namespace."""
    metadata = manifest["metadata"]
    path = DIALECTS.kinds[manifest["kind"]].path_in(metadata.get("namespace", ""))
    return path if collection else f"{path}/{metadata['name']}"


def declare(cluster: Cluster, manifest: Mapping[str, Any]) -> None:
    """Create or replace an object."""
    status, held = cluster.ask("GET", path_of(manifest))
    if status == 404:
        status, said = cluster.ask("POST", path_of(manifest, collection=True), manifest)
    else:
        version = {"resourceVersion": held["metadata"]["resourceVersion"]}
        body = {**manifest, "metadata": {**manifest["metadata"], **version}}
        status, said = cluster.ask("PUT", path_of(manifest), body)
    assert status in (200, 201), said


def withdraw(cluster: Cluster, manifest: Mapping[str, Any]) -> None:
    """Delete an object."""
    status, said = cluster.ask("DELETE", path_of(manifest), {"gracePeriodSeconds": 0})
    assert status == 200, said
