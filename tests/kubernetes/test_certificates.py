"""Certificates on a real API server: a Secret may come after all that names it, and change."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.rig import HOME
from tests.support.ads_client import AdsClient, ads_client
from tests.support.builders import Builder, ingress, mse_gateway, secret
from tests.support.certificates import certificate, tls_data
from tests.support.kube import Cluster, Clusters
from tests.support.process import Fleetgate, fleetgate, until
from xds.resource import TypeUrl

GATEWAY = "ackone-gateway"
WEB = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
DEFAULT = "fleetgate.dev/default-certificate"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    clusters.hub.namespace(HOME)
    return clusters.hub


def declare(hub: Cluster, *things: Builder[Any]) -> None:  # of any kinds
    items = [thing.manifest for thing in things]
    hub.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )


@contextmanager
def served(hub: Cluster, place: Path) -> Iterator[tuple[Fleetgate, AdsClient]]:
    """Serve the hub, with a client that has asked for the certificates of two hosts."""
    free = ("--xds-port", "0", "--admin-port", "0", "--bind", "192.0.2.9")
    command = ("serve", "--hub-kubeconfig", str(hub.kubeconfig), *free)
    with fleetgate(place / "fleetgate.log", *command) as serving:
        serving.until(lambda: "xDS on" in serving.text)
        serving.sync()
        with ads_client(serving.xds_port, f"mse/{GATEWAY}") as client:
            client.request(TypeUrl.SECRET, "web.test", "other.test")
            yield serving, client


def tells(serving: Fleetgate, text: str) -> None:
    """Wait until the status has a text."""
    until(lambda: text in json.dumps(serving.status()))


def heard(client: AdsClient) -> tuple[set[str], set[str]]:
    """Return which names a response declares and removes, and acknowledge it."""
    response = client.hear()
    client.acknowledge(response)
    return {each.name for each in response.resources}, set(response.removed_resources)


def test_a_secret_comes_changes_and_goes(hub: Cluster, tmp_path: Path) -> None:
    declare(hub, mse_gateway(GATEWAY), WEB.tls("late", "web.test"))
    with served(hub, tmp_path) as (serving, client):
        assert heard(client) == (set(), {"web.test", "other.test"})
        tells(serving, "MissingSecret")
        declare(hub, secret("late", tls_data(certificate("web.test"))))
        assert heard(client) == ({"web.test"}, set())
        until(lambda: "MissingSecret" not in json.dumps(serving.status()))
        declare(hub, secret("late", tls_data(certificate("web.test"))))
        assert heard(client) == ({"web.test"}, set())
        hub.kubectl("delete", "secret", "late")
        tells(serving, "the last certificate that could be used stays")
        declare(hub, WEB)
        assert heard(client) == (set(), {"web.test"})


def test_a_gateway_names_a_secret_of_any_namespace(hub: Cluster, tmp_path: Path) -> None:
    hub.namespace("edge")
    default = secret("default", tls_data(certificate("default.test"))).in_namespace("edge")
    declare(hub, mse_gateway(GATEWAY), WEB)
    with served(hub, tmp_path) as (_, client):
        assert heard(client) == (set(), {"web.test", "other.test"})
        declare(hub, mse_gateway(GATEWAY).annotate({DEFAULT: "edge/default"}), default)
        client.request(TypeUrl.SECRET, "third.test")
        names: set[str] = set()
        while "third.test" not in names:
            found, removed = heard(client)
            names |= found
            if "third.test" in removed:  # it was asked for before the Secret had been read
                client.request(TypeUrl.SECRET, "third.test")
