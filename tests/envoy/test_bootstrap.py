"""A stock Envoy joins a gateway with the bootstrap that fleetgate prints, and nothing else."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from fleetgate.bootstrap import ADMIN_PAGES, BootstrapSettings, bootstrap
from fleetgate.certificates.sds_files import SERVER_NAME, XdsTls, sds_documents
from fleetgate.local.envoy_process import find_envoy
from tests.support.process import until

GATEWAY = "mse/ackone-gateway"
IMAGE = BootstrapSettings(node_id="ackone-gateway")
"""What the image in `envoy/` is made with."""

ENVOY = Path(__file__).parents[2] / "envoy"

ANY = BootstrapSettings()


def _read(settings: BootstrapSettings) -> dict[str, Any]:  # YAML
    read: dict[str, Any] = yaml.safe_load(bootstrap(GATEWAY, settings))  # YAML
    return read


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(ANY, id="delta"),
        pytest.param(replace(ANY, protocol="sotw"), id="sotw"),
        pytest.param(replace(ANY, full_statistics=True), id="all-statistics"),
        pytest.param(replace(ANY, xds_address="::1"), id="ipv6"),
        pytest.param(replace(ANY, admin_port=0), id="free-admin-port"),
        pytest.param(replace(ANY, xds_address="fleetgate"), id="dns-name"),
    ],
)
def test_envoy_accepts_it(settings: BootstrapSettings, tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_text(bootstrap(GATEWAY, settings))

    run = subprocess.run(
        [find_envoy(), "--mode", "validate", "--config-path", file, "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "eprecated" not in run.stderr
    assert "unknown field" not in run.stderr


def test_it_is_plain_to_read() -> None:
    text = bootstrap(GATEWAY, ANY)

    assert "&" not in text
    assert "!!" not in text


def test_the_node_names_its_gateway() -> None:
    node = _read(replace(ANY, node_id="envoy-7"))["node"]

    assert node == {"id": "envoy-7", "cluster": GATEWAY}


def test_a_node_is_called_like_its_host_unless_told_otherwise() -> None:
    assert _read(ANY)["node"]["id"]


@pytest.mark.parametrize(
    ("protocol", "api_type"),
    [pytest.param("delta", "DELTA_GRPC", id="delta"), pytest.param("sotw", "GRPC", id="sotw")],
)
def test_clusters_and_listeners_come_by_ads(protocol: str, api_type: str) -> None:
    dynamic = _read(replace(ANY, protocol=protocol))["dynamic_resources"]

    assert dynamic["ads_config"]["api_type"] == api_type
    assert dynamic["ads_config"]["transport_api_version"] == "V3"
    assert dynamic["cds_config"] == dynamic["lds_config"]
    assert dynamic["cds_config"] == {"ads": {}, "resource_api_version": "V3"}


def test_a_silent_control_plane_is_noticed() -> None:
    (xds,) = _read(ANY)["static_resources"]["clusters"]

    (options,) = xds["typed_extension_protocol_options"].values()
    keepalive = options["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
    assert set(keepalive) == {"interval", "timeout"}


def test_the_admin_pages_are_on_loopback() -> None:
    address = _read(replace(ANY, admin_port=9902))["admin"]["address"]["socket_address"]

    assert address == {"address": "127.0.0.1", "port_value": 9902}


@pytest.mark.parametrize(
    ("method", "page", "answers"),
    [
        *(pytest.param("GET", page, True, id=page) for page in ADMIN_PAGES),
        pytest.param("GET", "/config_dump?resource=dynamic_listeners", True, id="with-a-query"),
        pytest.param("GET", "/stats?filter=^server.live$", True, id="some-statistics"),
        *(
            pytest.param("POST", page, False, id=page)
            for page in (
                "/quitquitquit",
                "/quitquitquit?/ready",
                "/ready/../quitquitquit",
                "/healthcheck/fail",
                "/healthcheck/ok",
                "/logging?level=debug",
                "/drain_listeners",
                "/reset_counters",
                "/runtime_modify?a=b",
                "/cpuprofiler?enable=y",
                "/heapprofiler?enable=y",
                "/reopen_logs",
            )
        ),
        pytest.param("GET", "/heap_dump", False, id="memory-of-envoy"),
        pytest.param("GET", "/readyx", False, id="another-page"),
    ],
)
def test_admin_pages_show_and_change_nothing(
    envoy: str, method: str, page: str, answers: bool
) -> None:
    request = Request(f"http://{envoy}{page}", method=method)
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310 (a URL of this test)
            status = answer.status
    except HTTPError as e:
        status = e.code
    assert (status == 403) is not answers


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an Envoy with the bootstrap, and give its admin address."""
    place = tmp_path_factory.mktemp("envoy")
    config, address = place / "bootstrap.yaml", place / "admin"
    config.write_text(bootstrap(GATEWAY, replace(ANY, admin_port=0)))
    with subprocess.Popen(
        [
            *(find_envoy(), "--disable-hot-restart", "--log-level", "off"),
            *("--config-path", config, "--admin-address-path", address),
        ]
    ) as process:
        try:
            until(lambda: address.exists() and address.read_text() != "")
            yield address.read_text()
        finally:
            process.kill()


TLS = XdsTls("/etc/fleetgate/tls", SERVER_NAME)


def test_without_files_xds_is_spoken_in_clear() -> None:
    (xds,) = _read(ANY)["static_resources"]["clusters"]

    assert "transport_socket" not in xds


@pytest.mark.parametrize(
    ("tls", "place"),
    [
        pytest.param(TLS, "/etc/fleetgate/tls", id="beside-the-files"),
        pytest.param(replace(TLS, documents="/etc/envoy"), "/etc/envoy", id="elsewhere"),
    ],
)
def test_certificates_come_by_files_that_may_be_replaced(tls: XdsTls, place: str) -> None:
    (xds,) = _read(replace(ANY, tls=tls))["static_resources"]["clusters"]

    context = xds["transport_socket"]["typed_config"]["common_tls_context"]
    validation = context["combined_validation_context"]
    sources = [
        *context["tls_certificate_sds_secret_configs"],
        validation["validation_context_sds_secret_config"],
    ]
    assert [source["sds_config"]["path_config_source"] for source in sources] == [
        {"path": f"{place}/certificate.sds.yaml", "watched_directory": {"path": place}},
        {"path": f"{place}/trust.sds.yaml", "watched_directory": {"path": place}},
    ]


def test_fleetgate_has_to_have_its_name_whatever_its_address() -> None:
    settings = replace(ANY, tls=TLS, xds_address="203.0.113.7")

    (xds,) = _read(settings)["static_resources"]["clusters"]

    typed = xds["transport_socket"]["typed_config"]
    validation = typed["common_tls_context"]["combined_validation_context"]
    assert typed["sni"] == SERVER_NAME
    assert set(typed["common_tls_context"]["tls_params"].values()) == {"TLSv1_3"}
    assert validation["default_validation_context"]["match_typed_subject_alt_names"] == [
        {"san_type": "DNS", "matcher": {"exact": SERVER_NAME}}
    ]


def test_envoy_accepts_it_with_files_and_documents_in_two_places(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, text in sds_documents(str(tmp_path / "tls")).items():
        (documents / name).write_text(text)
    tls = XdsTls(str(tmp_path / "tls"), SERVER_NAME, documents=str(documents))

    test_envoy_accepts_it(replace(ANY, tls=tls), tmp_path)


def test_memory_and_connections_are_bounded() -> None:
    manager = _read(replace(ANY, max_heap=2**30, max_connections=1000))["overload_manager"]

    bounds = {
        monitor["name"].rpartition(".")[2]: {
            key: value for key, value in monitor["typed_config"].items() if key != "@type"
        }
        for monitor in manager["resource_monitors"]
    }
    assert bounds == {
        "fixed_heap": {"max_heap_size_bytes": 2**30},
        "global_downstream_max_connections": {"max_active_downstream_connections": 1000},
    }


def test_an_envoy_looks_for_its_control_plane_every_few_seconds() -> None:
    services = _read(ANY)["dynamic_resources"]["ads_config"]["grpc_services"]

    assert services[0]["envoy_grpc"]["retry_policy"]["retry_back_off"]["max_interval"] == "3s"


def test_the_file_in_the_image_is_what_fleetgate_prints() -> None:
    assert (ENVOY / "bootstrap.yaml").read_text() == bootstrap(GATEWAY, IMAGE)


def test_the_image_is_envoys_own_with_that_file() -> None:
    lines = (ENVOY / "Dockerfile").read_text().splitlines()

    assert "FROM envoyproxy/envoy:v1.40.0" in lines
    assert "COPY bootstrap.yaml /etc/envoy/envoy.yaml" in lines
