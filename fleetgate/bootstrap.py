"""What a stock Envoy 1.40 needs to join a gateway, as `fleetgate bootstrap` prints it.

Everything else comes by ADS. What is here cannot: who the node is, where xDS is, Envoy's own
limits, and which statistics exist.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from fleet.address import is_ip
from fleetgate.certificates.sds_files import XdsTls, transport_socket
from fleetgate.defaults import ENVOY_ADMIN_PORT, XDS_PORT

XDS_CLUSTER: Final = "fleetgate_xds"

STATISTICS: Final = (
    # A Cluster has two once it is asked: 5000 would have 991,501 lines with Envoy's defaults.
    ("safe_regex", {"regex": r"cluster\.[^.]+\.upstream_rq_(total|5xx)"}),
    # What clients see, by listener: requests, answers by class, resets, connections, bytes.
    ("prefix", "http.http-"),
    ("prefix", "listener.http-"),
    # What came by xDS, and what was refused.
    ("prefix", "cluster_manager.cds."),
    ("prefix", "listener_manager.lds."),
    ("exact", "cluster_manager.active_clusters"),
    ("exact", "cluster_manager.warming_clusters"),
    ("prefix", "control_plane."),
    # Envoy itself.
    ("prefix", "server."),
    ("prefix", "overload."),
)
"""The statistics that exist unless all of them are asked for, as StringMatchers."""

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
"""Envoy's admin pages that answer: those that show something. The others end Envoy, have it fail
its health checks, or change how it works, for whoever reaches its machine's loopback."""

_RELEASED_AT_ONCE: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """How an Envoy is set up. `node_id` "" takes the host's name; sizes are bytes.

    An `admin_port` of 0 takes a free port, told by `--admin-address-path`. Without `tls`, xDS is
    spoken in clear.
    """

    xds_address: str = "127.0.0.1"
    xds_port: int = XDS_PORT
    node_id: str = ""
    protocol: str = "delta"
    admin_port: int = ENVOY_ADMIN_PORT
    max_heap: int = 1024 * 1024 * 1024
    max_connections: int = 50_000
    full_statistics: bool = False
    tls: XdsTls | None = None


def bootstrap(gateway: str, settings: BootstrapSettings) -> str:
    """The bootstrap of a gateway's Envoy, as YAML; `gateway` as in mse/ackone-gateway."""
    return as_yaml(bootstrap_document(gateway, settings))


def as_yaml(document: dict[str, Any]) -> str:  # JSON
    """A document for Envoy, in the order in which it was made. Some 10 ms for a bootstrap."""
    return yaml.safe_dump(document, sort_keys=False, width=120)


def bootstrap_document(gateway: str, settings: BootstrapSettings) -> dict[str, Any]:  # JSON
    """The same before it is written down, for whoever has to add to it."""
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
                    # Envoy refuses regexes of more than 100 instructions unless told otherwise.
                    "static_layer": {"re2.max_program_size.error_level": 32768},
                }
            ]
        },
        "overload_manager": _overload_manager(settings),
        # What one large response took while it was read goes back to the system: 5000 hosts leave
        # 20 MiB of it, which Envoy would keep.
        "memory_allocator_manager": {
            "bytes_to_release": _RELEASED_AT_ONCE,
            "memory_release_interval": "1s",
        },
        **({} if settings.full_statistics else _few_statistics()),
    }


def admin(port: int, more: Iterable[str] = ()) -> dict[str, Any]:  # JSON
    """The admin pages on loopback; `more` of them answer than those that show something."""
    pages = "|".join(re.escape(page) for page in (*ADMIN_PAGES, *more))
    # The text that is matched has the query too.
    allowed = [{"safe_regex": {"regex": rf"({pages})(\?.*)?"}}]
    return {"address": _address("127.0.0.1", port), "allow_paths": allowed}


def _grpc() -> dict[str, Any]:  # JSON
    """An Envoy that finds no control plane looks again soon; by default, after up to 30 s."""
    back_off = {"base_interval": "0.25s", "max_interval": "3s"}
    return {"cluster_name": XDS_CLUSTER, "retry_policy": {"retry_back_off": back_off}}


def _ads() -> dict[str, Any]:  # JSON
    """Made anew for each use: YAML shows an object that is used twice as an anchor."""
    return {"ads": {}, "resource_api_version": "V3"}


def _xds_cluster(settings: BootstrapSettings) -> dict[str, Any]:  # JSON
    """Keepalives notice a control plane that is gone without a word."""
    http2 = {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": http2},
    }
    endpoint = {"endpoint": {"address": _address(settings.xds_address, settings.xds_port)}}
    return {
        "name": XDS_CLUSTER,
        # fleetgate may listen on IPv4 alone where its Service has both.
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
    """Shed load before memory or connections run out."""
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
    """A Cluster's counters begin with its first request: 3.4 KiB less for each that has had none.

    Envoy remembers of each Cluster the names of all counters that it is told not to keep.
    """
    patterns = [{kind: value} for kind, value in STATISTICS]
    return {
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": patterns}}},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }


def _address(address: str, port: int) -> dict[str, Any]:  # JSON
    return {"socket_address": {"address": address, "port_value": port}}
