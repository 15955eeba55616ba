"""A small gateway for a real Envoy: one listener, a route table per scope, Clusters by EDS."""

from datetime import timedelta

from envoy_data_plane.envoy.config.cluster import v3 as cluster_v3
from envoy_data_plane.envoy.config.core import v3 as core_v3
from envoy_data_plane.envoy.config.endpoint import v3 as endpoint_v3
from envoy_data_plane.envoy.config.listener import v3 as listener_v3
from envoy_data_plane.envoy.config.route import v3 as route_v3
from envoy_data_plane.envoy.extensions.filters.http.router import v3 as router_v3
from envoy_data_plane.envoy.extensions.filters.listener.tls_inspector import v3 as tls_inspector_v3
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm_v3
from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls_v3
from envoy_data_plane.envoy.extensions.transport_sockets.tls.cert_mappers.sni import v3 as sni_v3
from envoy_data_plane.envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret import (  # noqa: E501 (one name)
    v3 as on_demand_v3,
)
from envoy_data_plane.envoy.type.matcher import v3 as matcher_v3

from xds.resource import Resource
from xds.wire import encode, pack, twin

SCOPE_HEADER = "x-scope"

Address = twin(core_v3.Address)
SocketAddress = twin(core_v3.SocketAddress)
ConfigSource = twin(core_v3.ConfigSource)
Ads = twin(core_v3.AggregatedConfigSource)
Cluster = twin(cluster_v3.Cluster)
EdsClusterConfig = twin(cluster_v3.ClusterEdsClusterConfig)
LoadAssignment = twin(endpoint_v3.ClusterLoadAssignment)
Localities = twin(endpoint_v3.LocalityLbEndpoints)
LbEndpoint = twin(endpoint_v3.LbEndpoint)
Endpoint = twin(endpoint_v3.Endpoint)
Listener = twin(listener_v3.Listener)
FilterChain = twin(listener_v3.FilterChain)
Filter = twin(listener_v3.Filter)
Hcm = twin(hcm_v3.HttpConnectionManager)
HttpFilter = twin(hcm_v3.HttpFilter)
Router = twin(router_v3.Router)
ScopedRoutes = twin(hcm_v3.ScopedRoutes)
ScopedRds = twin(hcm_v3.ScopedRds)
KeyBuilder = twin(hcm_v3.ScopedRoutesScopeKeyBuilder)
KeyFragment = twin(hcm_v3.ScopedRoutesScopeKeyBuilderFragmentBuilder)
HeaderExtractor = twin(hcm_v3.ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor)
Scope = twin(route_v3.ScopedRouteConfiguration)
ScopeKey = twin(route_v3.ScopedRouteConfigurationKey)
ScopeKeyFragment = twin(route_v3.ScopedRouteConfigurationKeyFragment)
RouteConfiguration = twin(route_v3.RouteConfiguration)
VirtualHost = twin(route_v3.VirtualHost)
Route = twin(route_v3.Route)
RouteMatch = twin(route_v3.RouteMatch)
RouteAction = twin(route_v3.RouteAction)
DirectResponse = twin(route_v3.DirectResponseAction)
DataSource = twin(core_v3.DataSource)
Regex = twin(matcher_v3.RegexMatcher)
ListenerFilter = twin(listener_v3.ListenerFilter)
TlsInspector = twin(tls_inspector_v3.TlsInspector)
TransportSocket = twin(core_v3.TransportSocket)
Extension = twin(core_v3.TypedExtensionConfig)
DownstreamTls = twin(tls_v3.DownstreamTlsContext)
TlsContext = twin(tls_v3.CommonTlsContext)
SecretOnDemand = twin(on_demand_v3.Config)
ServerNameMapper = twin(sni_v3.Sni)
Secret = twin(tls_v3.Secret)
TlsCertificate = twin(tls_v3.TlsCertificate)


def _ads() -> core_v3.ConfigSource:
    return ConfigSource(ads=Ads(), resource_api_version=core_v3.ApiVersion.V3)


def _address(port: int) -> core_v3.Address:
    return Address(socket_address=SocketAddress(address="127.0.0.1", port_value=port))


def cluster(name: str, *, connect_timeout: int = 1) -> Resource:
    """A Cluster whose endpoints come by EDS."""
    message = Cluster(
        name=name,
        type=cluster_v3.ClusterDiscoveryType.EDS,
        eds_cluster_config=EdsClusterConfig(eds_config=_ads()),
        connect_timeout=timedelta(seconds=connect_timeout),
    )
    return Resource.of(name, encode(message), requires=(name,))


def endpoints(name: str, port: int) -> Resource:
    """One endpoint on this machine."""
    endpoint = LbEndpoint(endpoint=Endpoint(address=_address(port)))
    message = LoadAssignment(cluster_name=name, endpoints=[Localities(lb_endpoints=[endpoint])])
    return Resource.of(name, encode(message))


def listener(name: str, *, tls: bool = False) -> Resource:
    """A listener on a free port, which takes the route table that a header names.

    With `tls` it takes the Secret whose name is the server name of a handshake.
    """
    extractor = HeaderExtractor(name=SCOPE_HEADER, element_separator="", index=0)
    connections = Hcm(
        stat_prefix=name,
        scoped_routes=ScopedRoutes(
            name=name,
            scope_key_builder=KeyBuilder(fragments=[KeyFragment(header_value_extractor=extractor)]),
            rds_config_source=_ads(),
            scoped_rds=ScopedRds(scoped_rds_config_source=_ads()),
        ),
        http_filters=[HttpFilter(name="router", typed_config=pack(Router()))],
    )
    message = Listener(
        name=name,
        address=_address(0),
        listener_filters=[_tls_inspector()] if tls else [],
        filter_chains=[
            FilterChain(
                filters=[Filter(name="http", typed_config=pack(connections))],
                transport_socket=_certificates_on_demand() if tls else None,
            )
        ],
    )
    return Resource.of(name, encode(message))


def _tls_inspector() -> listener_v3.ListenerFilter:
    return ListenerFilter(name="sni", typed_config=pack(TlsInspector()))


def _certificates_on_demand() -> core_v3.TransportSocket:
    mapper = Extension(name="sni", typed_config=pack(ServerNameMapper(default_value="default")))
    selector = Extension(
        name="on demand",
        typed_config=pack(SecretOnDemand(config_source=_ads(), certificate_mapper=mapper)),
    )
    context = DownstreamTls(
        common_tls_context=TlsContext(custom_tls_certificate_selector=selector),
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return TransportSocket(name="tls", typed_config=pack(context))


def secret(name: str, chain: bytes, key: bytes) -> Resource:
    """A Secret with a certificate and its key, both in PEM."""
    certificate = TlsCertificate(
        certificate_chain=DataSource(inline_bytes=chain), private_key=DataSource(inline_bytes=key)
    )
    return Resource.of(name, encode(Secret(name=name, tls_certificate=certificate)))


def scope(name: str, *, answer: str = "", to: str = "", regex: str = "") -> Resource:
    """A route table that answers by itself or leads `to` a Cluster. Envoy rejects a bad `regex`."""
    match = RouteMatch(safe_regex=Regex(regex=regex)) if regex else RouteMatch(prefix="/")
    if to:
        route = Route(match=match, route=RouteAction(cluster=to))
    else:
        body = DataSource(inline_string=answer)
        route = Route(match=match, direct_response=DirectResponse(status=200, body=body))
    table = RouteConfiguration(
        name=name,
        validate_clusters=False,
        virtual_hosts=[VirtualHost(name=name, domains=["*"], routes=[route])],
    )
    key = ScopeKey(fragments=[ScopeKeyFragment(string_key=name)])
    return Resource.of(name, encode(Scope(name=name, key=key, route_configuration=table)))
