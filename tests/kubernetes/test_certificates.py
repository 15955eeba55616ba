"""Certificates on a real API server: a Secret may come after all that names it, and change."""

import json
from base64 import b64encode
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
from tests.translators.plans import NGINX
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


def serve_command(kubeconfig: Path, *options: str) -> tuple[str, ...]:
    free = ("--xds-port", "0", "--admin-port", "0", "--bind", "192.0.2.9")
    return ("serve", "--hub-kubeconfig", str(kubeconfig), *free, *options)


@contextmanager
def served(hub: Cluster, place: Path, *options: str) -> Iterator[tuple[Fleetgate, AdsClient]]:
    """Serve the hub, with a client that has asked for the certificates of two hosts."""
    command = serve_command(hub.kubeconfig, *options)
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


ASKING = {
    f"{NGINX}ssl-redirect": "true",
    f"{NGINX}auth-type": "basic",
    f"{NGINX}auth-secret": "{}",
    f"{NGINX}auth-tls-secret": "default/{}",
    f"{NGINX}proxy-ssl-secret": "default/{}",
}
REASONS = ("MissingSecret", "NoHttps", "NoPasswords", "NoChain", "SecretNotFound")
"""The problems of an Ingress with these annotations if its Secret is not there."""


def guarded(name: str) -> Builder[Any]:
    """An Ingress with a Secret of its name, which is for everything that takes one."""
    made = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
    annotations = {key: value.format(name) for key, value in ASKING.items()}
    return made.tls(name, f"{name}.test").annotate(annotations)


def useful(name: str) -> Builder[Any]:
    """The Secret of such an Ingress."""
    data = tls_data(certificate(f"{name}.test"))
    users = b64encode(b"anna:{PLAIN}word").decode()
    return secret(name, {**data, "ca.crt": data["tls.crt"], "auth": users})


def reasons(text: str) -> list[str]:
    return [reason for reason in REASONS if reason in text]


def test_a_secret_that_has_not_been_read_yet_is_not_said_to_be_missing(
    hub: Cluster, tmp_path: Path
) -> None:
    names = [f"web-{number}" for number in range(20)]
    default = mse_gateway(GATEWAY).annotate({DEFAULT: "default/default"})
    declare(hub, mse_gateway(GATEWAY), *map(useful, names), useful("default"))
    with served(hub, tmp_path) as (serving, _):
        for name in names:
            declare(hub, guarded(name), default)
        serving.sync()
        assert names[-1] in json.dumps(serving.status())
        assert reasons(serving.text) == []
        declare(hub, mse_gateway(GATEWAY), guarded("late"))
        until(lambda: reasons(serving.text) == list(REASONS))
        assert {line for line in serving.text.splitlines() if reasons(line)} == {
            line
            for line in serving.text.splitlines()
            if "Ingress default/late:" in line and reasons(line)
        }
        events = ("get", "events", "--field-selector")
        until(lambda: "MissingSecret" in hub.kubectl(*events, "involvedObject.name=late"))
        assert reasons(hub.kubectl(*events, "involvedObject.name!=late")) == []


def test_while_the_hub_is_away_no_secret_is_said_to_be_missing(
    hub: Cluster, tmp_path: Path
) -> None:
    """Objects of the hub are remembered over a restart, and Secrets are not."""
    declare(hub, mse_gateway(GATEWAY), guarded("web"), useful("web"))
    remembering = ("--state-dir", str(tmp_path / "state"))
    with served(hub, tmp_path, *remembering):
        pass
    away = tmp_path / "away.yaml"
    away.write_text(hub.kubeconfig.read_text().replace(hub.url, "https://127.0.0.1:9"))
    with fleetgate(tmp_path / "again.log", *serve_command(away, *remembering)) as serving:
        serving.until(lambda: "xDS on" in serving.text)
        assert "in force are" in serving.text
        assert [each["name"] for each in serving.status()["ingresses"]] == ["web"]
        assert reasons(serving.text) == []
