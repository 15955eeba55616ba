"""Members whose own ingress stands for their Pods: TLS towards it, and addresses by DNS.

A Cluster has one transport socket for all of its Pods. The endpoint of a member's ingress names its
member in metadata, by which Envoy chooses the transport socket of that member instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fleet.member_settings import GatewayTls
from translators.envoy.messages import (
    CaresDnsResolverConfig,
    CertificateValidationContext,
    ClusterCustomClusterType,
    ClusterTransportSocketMatch,
    DataSource,
    DnsCluster,
    DnsLookupFamily,
    DnsRefreshRate,
    StringMatcher,
    SubjectAltNameMatcher,
    SubjectAltNameType,
    TypedExtensionConfig,
)
from translators.envoy.parts import ClusterParts, Keywords
from translators.envoy.upstream_tls import by_tls, in_clear
from translators.model.gateways import MemberGateways
from xds.wire import pack, struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.cluster import v3 as schema
    from envoy_data_plane.envoy.config.core import v3 as core

    from fleet.member_settings import MemberGateway

ROOTS: Final = "/etc/ssl/certs/ca-certificates.crt"
"""The file with the authorities that an Envoy's machine trusts.

Debian, Ubuntu, Alpine and Envoy's images have it. Envoy 1.40 does not carry out
`system_root_certs`."""

BY_MEMBER: Final = "envoy.transport_socket_match"
"""The metadata of an endpoint by which Envoy chooses a transport socket."""

MEMBER: Final = "gateway"
"""The key of the member's ID in that metadata."""

_REFRESH: Final = timedelta(seconds=5)
"""The age at which a name is asked for again, unless its lifetime is longer.

Every backend asks for its names on its own."""

_REFRESH_AFTER_FAILURE: Final = timedelta(seconds=1)
_SLOWEST_REFRESH_AFTER_FAILURE: Final = timedelta(seconds=10)

_QUERY_SECONDS: Final = 1
_QUERY_TRIES: Final = 1
"""How long and how often each DNS server is asked, for an IPv4 address and then for an IPv6 one.

Envoy acknowledges no Clusters while a new one waits for all of its names. So this bounds the time
for which a DNS server that does not answer delays changes of the gateway."""


def transport_sockets(
    gateways: MemberGateways, *, http2: bool, tls: bool
) -> Iterator[schema.ClusterTransportSocketMatch]:
    """Yield the transport sockets of members' ingresses that differ from that of Pods.

    `http2` and `tls` say how requests are sent to Pods.
    """
    for member, gateway in gateways:
        if gateway.tls is not GatewayTls.OFF:
            socket = by_tls(_tls_of(gateway), http2=http2)
        elif tls:
            socket = in_clear()
        else:
            continue
        yield ClusterTransportSocketMatch(
            name=f"{MEMBER} {member}", match=struct({MEMBER: member}), transport_socket=socket
        )


def resolver() -> core.TypedExtensionConfig:
    """Return a resolver that a silent DNS server keeps waiting for two seconds at most.

    Envoy's own default would wait longer, and take no other new Cluster meanwhile.
    """
    config = CaresDnsResolverConfig(query_timeout_seconds=_QUERY_SECONDS, query_tries=_QUERY_TRIES)
    return TypedExtensionConfig(name="envoy.network.dns_resolver.cares", typed_config=pack(config))


def by_names() -> Keywords:
    """Return the fields of a Cluster that has its endpoints inline, some of them by DNS names."""
    dns = DnsCluster(
        dns_refresh_rate=_REFRESH,
        dns_failure_refresh_rate=DnsRefreshRate(
            base_interval=_REFRESH_AFTER_FAILURE, max_interval=_SLOWEST_REFRESH_AFTER_FAILURE
        ),
        respect_dns_ttl=True,
        dns_min_refresh_rate=_REFRESH,
        typed_dns_resolver_config=resolver(),
        dns_lookup_family=DnsLookupFamily.V4_PREFERRED,
    )
    return {
        "type": None,
        "eds_cluster_config": None,
        "cluster_type": ClusterCustomClusterType(name="envoy.cluster.dns", typed_config=pack(dns)),
    }


def _tls_of(gateway: MemberGateway) -> ClusterParts:
    parts = ClusterParts()
    if gateway.sni:
        parts.tls.put("sni", gateway.sni)
    if gateway.tls is GatewayTls.VERIFIED:
        expected = SubjectAltNameMatcher(
            san_type=SubjectAltNameType.DNS, matcher=StringMatcher(exact=gateway.sni)
        )
        check = CertificateValidationContext(
            trusted_ca=DataSource(filename=ROOTS), match_typed_subject_alt_names=[expected]
        )
        parts.tls_common.put("validation_context", check)
    return parts
