"""The bootstrap of a managed gateway's Envoys: the usual one, with additions for a Pod.

Envoy's admin pages stay on loopback. But kubelet asks from outside whether Envoy is ready, and
Prometheus asks for statistics. So a listener forwards these two requests to the admin pages, and no
other request.

    kubelet ───── GET /ready ────────────┐
                                         ├──▶ :19002 ──▶ 127.0.0.1:9901
    Prometheus ── GET /stats/prometheus ─┘       ▲
                                 closed until the first configuration is there
"""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias

from fleetgate.bootstrap import BootstrapSettings, admin, as_yaml, bootstrap_document
from fleetgate.certificates.sds_files import XdsTls, sds_documents
from fleetgate.defaults import LOOPBACK
from fleetgate.hub.managed.settings import ManagedSettings
from translators.model.shapes import Size

Json: TypeAlias = dict[str, Any]  # as YAML has it

DIRECTORY: Final = PurePosixPath("/etc/fleetgate/envoy")
"""The directory at which the ConfigMap is mounted."""

CERTIFICATES: Final = PurePosixPath("/etc/fleetgate/xds")
"""The directory at which the Secret with the certificate is mounted."""

FILE: Final = "bootstrap.yaml"

READY: Final = "/ready"
STATISTICS: Final = "/stats/prometheus"
"""The two admin pages of Envoy that `ready_port` shows."""

DRAIN: Final = "/drain_listeners"
"""The admin page by which a terminating Pod has its Envoy drain."""

_GIB: Final = 1 << 30
_HEAP: Final = 0.8
"""The part of a Pod's memory that Envoy's heap may take.

The rest is for stacks, for socket buffers of the kernel, and for the moment at which a new
configuration stands beside the old one.
"""

_STUCK: Final = timedelta(seconds=60)
"""The time after which a stuck thread ends Envoy, and kubelet starts it again.

This takes the place of a liveness probe. It sees each thread, and no busy moment, lost packet or
absent control plane can trigger it.
"""

_TYPES: Final = "type.googleapis.com/envoy.extensions.filters"
_CONNECTION_MANAGER: Final = "network.http_connection_manager.v3.HttpConnectionManager"


def bootstrap_files(gateway: str, size: Size, settings: ManagedSettings) -> dict[str, str]:
    """Return the contents of the ConfigMap by file name.

    All Pods of a gateway share them, since `--service-node` gives Envoy the name of its Pod.
    """
    name = settings.xds_server_name
    tls = XdsTls(str(CERTIFICATES), name, documents=str(DIRECTORY)) if name else None
    document = bootstrap_document(
        gateway,
        BootstrapSettings(
            xds_address=settings.xds_address,
            xds_port=settings.xds_port,
            node_id="named-by-its-pod",
            admin_port=settings.admin_port,
            max_heap=int(size.memory * _GIB * _HEAP),
            tls=tls,
        ),
    )
    del document["node"]["id"]
    document["admin"] = admin(settings.admin_port, (DRAIN,))
    _wait_for_configuration(document)
    document["static_resources"]["clusters"].append(_admin(settings))
    document["static_resources"]["listeners"] = [_ready_listener(settings)]
    document["watchdogs"] = {
        f"{threads}_watchdog": {"kill_timeout": f"{_STUCK.total_seconds():g}s"}
        for threads in ("main_thread", "worker")
    }
    documents = sds_documents(str(CERTIFICATES)) if tls else {}
    return {FILE: as_yaml(document), **documents}


def _wait_for_configuration(document: Json) -> None:
    """Have Envoy wait for its first configuration without a limit.

    By default it goes on without one after 15 seconds, and would call itself ready while it serves
    nothing.
    """
    for source in ("cds_config", "lds_config"):
        document["dynamic_resources"][source]["initial_fetch_timeout"] = "0s"


def _admin(settings: ManagedSettings) -> Json:
    address = _address(LOOPBACK, settings.admin_port)
    return {
        "name": "admin",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "admin",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def _ready_listener(settings: ManagedSettings) -> Json:
    """Return the listener of `ready_port`. It answers under overload too, so that a busy Envoy is
    not taken for a broken one.
    """
    get = {"name": ":method", "string_match": {"exact": "GET"}}
    routes = [
        {"match": {"path": path, "headers": [get]}, "route": {"cluster": "admin"}}
        for path in (READY, STATISTICS)
    ]
    router = {"@type": f"{_TYPES}.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPES}.{_CONNECTION_MANAGER}",
        "stat_prefix": "ready",
        "route_config": {
            "name": "ready",
            "virtual_hosts": [{"name": "ready", "domains": ["*"], "routes": routes}],
        },
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    return {
        "name": "ready",
        "address": _address(settings.bind.address, settings.ready_port),
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }


def _address(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}
