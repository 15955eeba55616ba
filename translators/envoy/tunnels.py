"""Tunnels: connections go on to a backend as they come, with the TLS that they may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import Filter, TcpProxy, TcpProxyWeight, TcpProxyWeightedCluster
from translators.envoy.names import cluster_name
from translators.envoy.parts import Keywords
from translators.envoy.retries import RETRIES
from translators.model.actions import Forward
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.listener import v3 as listener

NAME: Final = "passthrough"
"""The name of all tunnels in statistics."""


def tunnel(forward: Forward) -> listener.Filter:
    """Build the network filter that sends a connection to a backend.

    A connection that a Pod refuses is tried on others, since nothing was sent yet.
    """
    own: Keywords = {"stat_prefix": NAME, "max_connect_attempts": RETRIES + 1}
    if len(forward.shares) == 1:
        own["cluster"] = cluster_name(forward.shares[0].target)
    else:
        clusters = [
            TcpProxyWeight(name=cluster_name(share.target), weight=share.weight)
            for share in forward.shares
        ]
        own["weighted_clusters"] = TcpProxyWeightedCluster(clusters=clusters)
    return Filter(name="envoy.filters.network.tcp_proxy", typed_config=pack(TcpProxy(**own)))
