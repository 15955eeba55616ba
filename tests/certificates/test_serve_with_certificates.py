"""The commands together, as an operator types them: serve, certificate, bootstrap, Envoy."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from fleetgate.certificates.credential import Credential
from fleetgate.certificates.sds_files import SERVER_NAME
from fleetgate.local.envoy_process import find_envoy
from tests.certificates.served import DAY, NOW, authority, write
from tests.cli.commands import FLEETGATE, PATIENCE, Staying, fleetgate
from tests.support.builders import mse_gateway
from tests.support.builders import write as declare
from tests.support.kube import Clusters

pytestmark = pytest.mark.usefixtures("real_envoy")

NAMESPACE = "fleetgate-system"


def serve(*arguments: str | Path) -> Staying:
    free = ("--xds-port", "0", "--admin-port", "0")
    return Staying((*FLEETGATE, "serve", *arguments, *free), "xDS on ")


def xds_port(serve: Staying) -> str:
    found = re.match(r"xDS on [0-9.]+:(\d+)", serve.out[-1])
    assert found
    return found[1]


@contextmanager
def stock_envoy(place: Path, port: str, *options: str) -> Iterator[None]:
    """A stock Envoy with what `fleetgate bootstrap` prints for the files in `place`/tls."""
    printed = fleetgate(
        *("bootstrap", "mse/shop", "--tls-dir", place / "tls", "--xds-port", port),
        *("--node-id", "own-envoy", "--admin-port", "0", *options),
    )
    (place / "envoy.yaml").write_text(printed.out)
    with (place / "envoy.log").open("wb") as log:
        envoy = subprocess.Popen(
            [find_envoy(), "-c", place / "envoy.yaml", "--disable-hot-restart", "-l", "warning"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        envoy.kill()
        envoy.wait()


def joins(serve: Staying) -> None:
    """Wait until the Envoy is among those that fleetgate knows."""
    end = time.monotonic() + PATIENCE
    while not json.loads(serve.ask("status", "-o", "json").out)["envoys"]:
        assert time.monotonic() < end
    assert "own-envoy" in serve.ask("status").out


def test_on_a_hub_fleetgate_makes_the_certificates(clusters: Clusters, tmp_path: Path) -> None:
    hub = clusters.hub
    hub.namespace(NAMESPACE)
    hub.install_crds()
    hub.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(mse_gateway("shop").manifest))
    place = ("--hub-kubeconfig", hub.kubeconfig)

    with serve(*place, "--xds-bind", "0.0.0.0") as running:  # noqa: S104 (loopback needs none)
        written = fleetgate("certificate", "mse/shop", "--out", tmp_path / "tls", *place)
        assert (written.status, written.err) == (0, "")
        with stock_envoy(tmp_path, xds_port(running)):
            joins(running)


def test_given_certificates_serve_a_directory_too(tmp_path: Path) -> None:
    own = authority()
    declare(tmp_path / "fleet", "hub/gateway.yaml", mse_gateway("shop"))
    server = Credential(own.server([SERVER_NAME], NOW, DAY), own.pair.certificate)
    write(tmp_path / "server", server)
    shop = own.client("spiffe://fleetgate/gateway/mse/shop", NOW, DAY)
    write(tmp_path, Credential(shop, own.pair.certificate))
    files = tmp_path / "server" / "tls"
    given = ("--xds-cert", files / "tls.crt", "--xds-key", files / "tls.key")

    with (
        serve(tmp_path / "fleet", *given, "--xds-client-ca", files / "ca.crt") as running,
        stock_envoy(tmp_path, xds_port(running)),
    ):
        joins(running)
