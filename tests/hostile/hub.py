"""fleetgate on a hub, whose API server is a member too; another member joins during the attack."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hostile.rig import Rig
from tests.hostile.target import HOSTILE_MEMBER, Target
from tests.kubernetes.rig import HOME, name_member
from tests.support.builders import ingress, ingress_class, mse_gateway, service, slice_of
from tests.support.kube import Cluster
from tests.support.process import fleetgate

_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


@contextmanager
def hub_rig(hub: Cluster, place: Path) -> Iterator[Rig]:
    """`fleetgate serve` of a hub with a gateway, an Ingress, and a member named east."""
    hub.install_crds()
    hub.namespace(HOME)
    name_member(hub, "east", hub.config())
    declared = (
        mse_gateway("shop", members=["east", HOSTILE_MEMBER]),
        ingress_class("mse", gateway="shop"),
        ingress("web", host="shop.example").path("/", to="web:80").of_class("mse"),
        service("web"),
    )
    hub.kubectl("apply", "-f", "-", stdin="\n".join(json.dumps(each.manifest) for each in declared))

    def publish(address: str) -> None:
        manifest = slice_of("web", addresses=[address]).manifest
        status, said = hub.ask("PUT", f"{_SLICES}/{manifest['metadata']['name']}", manifest)
        if status == 404:
            status, said = hub.ask("POST", _SLICES, manifest)
        assert status in (200, 201), said

    publish("10.9.255.1")
    options = ("--namespace", HOME, "--xds-port", "0", "--admin-port", "0", "--no-status")
    command = ("serve", "--hub-kubeconfig", hub.kubeconfig, *options)
    with fleetgate(place / "log", *command) as running:
        yield Rig(running, Target(running.xds_port, running.admin_port, hub.kubeconfig), publish)
