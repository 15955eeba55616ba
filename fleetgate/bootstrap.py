"""The bootstrap with which a stock Envoy 1.40 joins a gateway.

The bootstrap holds only the settings that ADS cannot carry: the identity of the node, the address
of xDS, Envoy's own limits, and the list of its statistics.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from fleet.address import is_ip
from fleetgate.certificates.sds_files import XdsTls, transport_socket
from fleetgate.defaults import ENVOY_ADMIN_PORT, LOOPBACK, XDS_PORT

XDS_CLUSTER: Final = "fleetgate_xds"

STATISTICS: Final = (
    # Two counters for each Cluster. With Envoy's defaults, 5000 Clusters have 991,501 lines.
    ("safe_regex", {"regex": r"cluster\.[^.]+\.upstream_rq_(total|5xx)"}),
    # Requests, answers by class, resets, connections and bytes of each listener.
    ("prefix", "http.http-"),
    ("prefix", "listener.http-"),
    # Resources that came by xDS, and resources that Envoy rejected.
    ("prefix", "cluster_manager.cds."),
    ("prefix", "listener_manager.lds."),
    ("exact", "cluster_manager.active_clusters"),
    ("exact", "cluster_manager.warming_clusters"),
    ("prefix", "control_plane."),
    # The process of Envoy.
    ("prefix", "server."),
    ("prefix", "overload."),
)
"""The statistics that Envoy keeps by default, as StringMatchers."""

ADMIN_PAGES: Final = (
    "/",
    "/certs",
    "/clusters",
    "/config_dump",
    "/help",
    "/init_dump",
    "/listeners",
    "/memory",
    "/ready",
    "/runtime",
    "/server_info",
    "/stats",
    "/stats/prometheus",
)
"""The admin pages that answer: pages that only show something.

Envoy's other pages stop it, fail its health checks, or change how it works. Every user of the
machine could ask for them, since loopback has no passwords.
"""

_RELEASED_AT_ONCE: Final = 32 * 1024 * 1024
"""Bytes of free memory that Envoy returns to the system each second."""


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """The settings of one Envoy.

    `node_id` is the name of the host where it is empty. `max_heap` is in bytes. With an
    `admin_port` of 0 Envoy takes a free port, and writes it to the file that its option
    `--admin-address-path` names. Without `tls`, Envoy speaks xDS in clear.
    """

    xds_address: str = LOOPBACK
    xds_port: int = XDS_PORT
    node_id: str = ""
    protocol: str = "delta"
    admin_port: int = ENVOY_ADMIN_PORT
    max_heap: int = 1024 * 1024 * 1024
    max_connections: int = 50_000
    full_statistics: bool = False
    tls: XdsTls | None = None


def bootstrap(gateway: str, settings: BootstrapSettings) -> str:
    """Return the bootstrap of an Envoy of a gateway such as mse/ackone-gateway, as YAML."""
    return as_yaml(bootstrap_document(gateway, settings))


def as_yaml(document: dict[str, Any]) -> str:  # JSON
    """Return a document as YAML, its keys in their own order. A bootstrap takes about 10 ms."""
    return yaml.safe_dump(document, sort_keys=False, width=120)


def bootstrap_document(gateway: str, settings: BootstrapSettings) -> dict[str, Any]:  # JSON
    """Return the bootstrap as a document, to which the caller may add."""
    return {
        "node": {"id": settings.node_id or socket.gethostname(), "cluster": gateway},
        "admin": admin(settings.admin_port),
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC" if settings.protocol == "delta" else "GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": _grpc()}],
            },
            "cds_config": _ads(),
            "lds_config": _ads(),
        },
        "static_resources": {"clusters": [_xds_cluster(settings)]},
        "layered_runtime": {
            "layers": [
                {
                    "name": "fleetgate",
                    # By default Envoy refuses regexes of more than 100 instructions.
                    "static_layer": {"re2.max_program_size.error_level": 32768},
                }
            ]
        },
        "overload_manager": _overload_manager(settings),
        # Envoy frees memory once it has read a large response, and would keep it for itself: 20 MiB
        # with 5000 hosts.
        "memory_allocator_manager": {
            "bytes_to_release": _RELEASED_AT_ONCE,
            "memory_release_interval": "1s",
        },
        **({} if settings.full_statistics else _few_statistics()),
    }


def admin(port: int, more: Iterable[str] = ()) -> dict[str, Any]:  # JSON
    """Return Envoy's admin settings: on loopback, with ADMIN_PAGES and `more` pages."""
    pages = "|".join(re.escape(page) for page in (*ADMIN_PAGES, *more))
    # Envoy matches the path together with its query.
    allowed = [{"safe_regex": {"regex": rf"({pages})(\?.*)?"}}]
    return {"address": _address(LOOPBACK, port), "allow_paths": allowed}


def _grpc() -> dict[str, Any]:  # JSON
    """Return the gRPC service of xDS. An Envoy that cannot reach it tries again within 3 s.

    By default the pauses between its attempts grow to 30 s.
    """
    back_off = {"base_interval": "0.25s", "max_interval": "3s"}
    return {"cluster_name": XDS_CLUSTER, "retry_policy": {"retry_back_off": back_off}}


def _ads() -> dict[str, Any]:  # JSON
    """Return a new object for each use, since YAML writes a shared object as an anchor."""
    return {"ads": {}, "resource_api_version": "V3"}


def _xds_cluster(settings: BootstrapSettings) -> dict[str, Any]:  # JSON
    """Return the Cluster of fleetgate. Its keepalives detect a silent loss of the connection."""
    http2 = {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": http2},
    }
    endpoint = {"endpoint": {"address": _address(settings.xds_address, settings.xds_port)}}
    return {
        "name": XDS_CLUSTER,
        # fleetgate may listen on IPv4 only, though its DNS name has addresses of both families.
        **(
            {"type": "STATIC"}
            if is_ip(settings.xds_address)
            else {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED"}
        ),
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
        **({"transport_socket": transport_socket(settings.tls)} if settings.tls else {}),
        "load_assignment": {
            "cluster_name": XDS_CLUSTER,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _overload_manager(settings: BootstrapSettings) -> dict[str, Any]:  # JSON
    """Return settings by which Envoy sheds load before memory or connections run out."""
    monitors = "type.googleapis.com/envoy.extensions.resource_monitors"
    heap = "envoy.resource_monitors.fixed_heap"
    connections = "envoy.resource_monitors.global_downstream_max_connections"

    def action(name: str, threshold: float) -> dict[str, Any]:  # JSON
        trigger = {"name": heap, "threshold": {"value": threshold}}
        return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}

    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": heap,
                "typed_config": {
                    "@type": f"{monitors}.fixed_heap.v3.FixedHeapConfig",
                    "max_heap_size_bytes": settings.max_heap,
                },
            },
            {
                "name": connections,
                "typed_config": {
                    "@type": f"{monitors}.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": settings.max_connections,
                },
            },
        ],
        "actions": [action("shrink_heap", 0.95), action("stop_accepting_requests", 0.98)],
    }


def _few_statistics() -> dict[str, Any]:  # JSON
    """Return settings by which Envoy keeps STATISTICS only, from the first request of a Cluster.

    A Cluster without requests then takes 3.4 KiB less: Envoy remembers for each Cluster the names
    of the counters that it does not keep.
    """
    patterns = [{kind: value} for kind, value in STATISTICS]
    return {
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": patterns}}},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }


def _address(address: str, port: int) -> dict[str, Any]:  # JSON
    return {"socket_address": {"address": address, "port_value": port}}
