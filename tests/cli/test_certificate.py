"""`certificate` writes the files of an Envoy of your own, and keeps those that are still good."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509

from fleet.kubernetes.connection import ApiServer
from fleetgate.certificates.made import MadeCertificates, MadeSettings
from fleetgate.certificates.secret import SecretStore
from fleetgate.local.envoy_process import find_envoy
from tests.cli.commands import Ended, fleetgate, run
from tests.support.kube import Cluster, Clusters

NAMESPACE = "fleetgate-system"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.namespace(NAMESPACE)
    return clusters.hub


async def _serve_once(hub: Cluster) -> MadeCertificates:
    api = await ApiServer.from_kubeconfig(hub.kubeconfig)
    try:
        store = SecretStore(api, NAMESPACE)
        return await MadeCertificates.open(store, MadeSettings(("fleetgate",)))
    finally:
        await api.close()


def certificate(hub: Cluster, out: Path, *options: str) -> Ended:
    arguments = ("mse/shop", "--out", out, "--hub-kubeconfig", hub.kubeconfig)
    return fleetgate("certificate", *arguments, *options)


def test_it_writes_once_and_keeps_what_is_good(hub: Cluster, tmp_path: Path) -> None:
    made = asyncio.run(_serve_once(hub))

    first = certificate(hub, tmp_path / "tls")
    written = (tmp_path / "tls" / "tls.crt").read_bytes()
    again = certificate(hub, tmp_path / "tls", "--hub-context", "hub")

    uri = "spiffe://fleetgate/gateway/mse/shop"
    assert (first.status, first.err) == (0, "")
    assert first.out.startswith(f"wrote {tmp_path}/tls: {uri}, good until 20"), first.out
    assert again.out.startswith(f"{tmp_path}/tls is up to date: {uri}"), again
    assert (tmp_path / "tls" / "tls.crt").read_bytes() == written
    assert (tmp_path / "tls" / "ca.crt").read_bytes() == made.trust
    names = x509.load_pem_x509_certificate(written).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [name.value for name in names.value] == [uri]


def test_envoy_takes_the_files_with_the_bootstrap(hub: Cluster, tmp_path: Path) -> None:
    asyncio.run(_serve_once(hub))
    certificate(hub, tmp_path / "tls")
    printed = fleetgate("bootstrap", "mse/shop", "--tls-dir", tmp_path / "tls")
    (tmp_path / "envoy.yaml").write_text(printed.out)

    validated = run((find_envoy(), "--mode", "validate", "-c", tmp_path / "envoy.yaml"))

    assert validated.status == 0, validated.err


def test_the_documents_name_the_place_where_envoy_sees_them(hub: Cluster, tmp_path: Path) -> None:
    asyncio.run(_serve_once(hub))
    certificate(hub, tmp_path / "tls", "--tls-dir", "/etc/fleetgate/tls/")
    document = (tmp_path / "tls" / "certificate.sds.yaml").read_text()
    assert "filename: /etc/fleetgate/tls/tls.crt\n" in document


def test_a_hub_without_an_authority_is_told(hub: Cluster, tmp_path: Path) -> None:
    ended = certificate(hub, tmp_path / "tls")
    ended.says(f"{hub.url} has no Secret fleetgate-system/fleetgate-xds-ca: fleetgate makes it")
    assert not (tmp_path / "tls").exists()


def test_a_place_that_cannot_be_written_is_told(hub: Cluster, tmp_path: Path) -> None:
    asyncio.run(_serve_once(hub))
    (tmp_path / "file").write_bytes(b"")
    certificate(hub, tmp_path / "file" / "tls").says("file/tls cannot be used: Not a directory")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["shop"], "'shop' is no gateway's name", id="no-gateway"),
        pytest.param(
            ["mse/shop", "--hub-kubeconfig", "/nowhere"],
            "/nowhere cannot be used: No such file or directory",
            id="no-kubeconfig",
        ),
        pytest.param(
            ["mse/shop", "--tls-dir", "tls"], "--tls-dir tls has to be an absolute", id="relative"
        ),
        pytest.param(
            ["mse/shop", "--trust-domain", "a b"], "'a b' is no trust domain", id="trust-domain"
        ),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    fleetgate("certificate", *arguments, "--out", tmp_path / "tls").says(sentence)


def test_the_hub_has_to_be_named(tmp_path: Path) -> None:
    ended = fleetgate("certificate", "mse/shop", "--out", tmp_path / "tls")
    assert ended.status == 2
    assert "Say where the hub is, by --hub-kubeconfig or --in-cluster." in ended.err
