"""The Envoy messages that translation builds: envoy-data-plane's classes on protobuf's C runtime.

The names are Envoy's; the name of a nested message starts with that of the enclosing one. A
property test of the codec compares the bytes of each message here with envoy-data-plane's own.
"""

from typing import TYPE_CHECKING

from xds.prepared import Package
from xds.wire import twin

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.accesslog import v3 as accesslog
    from envoy_data_plane.envoy.config.cluster import v3 as cluster
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.endpoint import v3 as endpoint
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.envoy.config.rbac import v3 as rbac
    from envoy_data_plane.envoy.config.route import v3 as route
    from envoy_data_plane.envoy.extensions.access_loggers.filters.cel import v3 as cel
    from envoy_data_plane.envoy.extensions.clusters.aggregate import v3 as aggregate
    from envoy_data_plane.envoy.extensions.clusters.common.dns import v3 as cluster_dns
    from envoy_data_plane.envoy.extensions.clusters.dns import v3 as dns
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
    from envoy_data_plane.envoy.extensions.common.ratelimit import v3 as common_ratelimit
    from envoy_data_plane.envoy.extensions.compression.gzip.compressor import v3 as gzip
    from envoy_data_plane.envoy.extensions.filters.common.matcher.action import v3 as matcher_action
    from envoy_data_plane.envoy.extensions.filters.common.set_filter_state import (
        v3 as filter_state,
    )
    from envoy_data_plane.envoy.extensions.filters.http.basic_auth import v3 as basic_auth
    from envoy_data_plane.envoy.extensions.filters.http.cdn_loop import v3 as cdn_loop
    from envoy_data_plane.envoy.extensions.filters.http.composite import v3 as composite
    from envoy_data_plane.envoy.extensions.filters.http.compressor import v3 as compressor
    from envoy_data_plane.envoy.extensions.filters.http.cors import v3 as cors
    from envoy_data_plane.envoy.extensions.filters.http.custom_response import v3 as custom_response
    from envoy_data_plane.envoy.extensions.filters.http.ext_authz import v3 as ext_authz
    from envoy_data_plane.envoy.extensions.filters.http.filter_chain import v3 as http_filter_chain
    from envoy_data_plane.envoy.extensions.filters.http.header_mutation import v3 as header_mutation
    from envoy_data_plane.envoy.extensions.filters.http.local_ratelimit import v3 as local_ratelimit
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua
    from envoy_data_plane.envoy.extensions.filters.http.rbac import v3 as http_rbac
    from envoy_data_plane.envoy.extensions.filters.http.router import v3 as router
    from envoy_data_plane.envoy.extensions.filters.http.set_filter_state import (
        v3 as http_set_filter_state,
    )
    from envoy_data_plane.envoy.extensions.filters.http.stateful_session import (
        v3 as stateful_session,
    )
    from envoy_data_plane.envoy.extensions.filters.http.upstream_codec import v3 as upstream_codec
    from envoy_data_plane.envoy.extensions.filters.listener.proxy_protocol import (
        v3 as proxy_protocol,
    )
    from envoy_data_plane.envoy.extensions.filters.listener.set_filter_state import (
        v3 as set_filter_state,
    )
    from envoy_data_plane.envoy.extensions.filters.listener.tls_inspector import v3 as tls_inspector
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
    from envoy_data_plane.envoy.extensions.filters.network.rbac import v3 as network_rbac
    from envoy_data_plane.envoy.extensions.filters.network.set_filter_state import (
        v3 as network_set_filter_state,
    )
    from envoy_data_plane.envoy.extensions.filters.network.tcp_proxy import v3 as tcp_proxy
    from envoy_data_plane.envoy.extensions.http.custom_response.redirect_policy import (
        v3 as redirect_policy,
    )
    from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation import (
        v3 as early_header_mutation,
    )
    from envoy_data_plane.envoy.extensions.http.original_ip_detection.xff import v3 as xff
    from envoy_data_plane.envoy.extensions.http.stateful_session.cookie import (
        v3 as cookie_session,
    )
    from envoy_data_plane.envoy.extensions.matching.common_inputs.network import (
        v3 as network_inputs,
    )
    from envoy_data_plane.envoy.extensions.matching.input_matchers.ip import v3 as ip_matcher
    from envoy_data_plane.envoy.extensions.matching.input_matchers.metadata import (
        v3 as metadata_matcher,
    )
    from envoy_data_plane.envoy.extensions.network.dns_resolver.cares import v3 as cares
    from envoy_data_plane.envoy.extensions.rbac.principals.mtls_authenticated import (
        v3 as mtls_authenticated,
    )
    from envoy_data_plane.envoy.extensions.retry.host.previous_hosts import v3 as previous_hosts
    from envoy_data_plane.envoy.extensions.retry.priority.previous_priorities import (
        v3 as previous_priorities,
    )
    from envoy_data_plane.envoy.extensions.transport_sockets.quic import v3 as quic
    from envoy_data_plane.envoy.extensions.transport_sockets.raw_buffer import v3 as raw_buffer
    from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls
    from envoy_data_plane.envoy.extensions.transport_sockets.tls.cert_mappers.sni import v3 as sni
    from envoy_data_plane.envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret import (  # noqa: E501
        v3 as on_demand_secret,
    )
    from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstreams
    from envoy_data_plane.envoy.type import v3 as envoy_type
    from envoy_data_plane.envoy.type.http import v3 as type_http
    from envoy_data_plane.envoy.type.matcher import v3 as matcher
    from envoy_data_plane.google.api.expr import v1alpha1 as expr
    from envoy_data_plane.xds.core import v3 as xds_core
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher
else:
    accesslog = Package("envoy.config.accesslog.v3")
    cluster = Package("envoy.config.cluster.v3")
    mutation_rules = Package("envoy.config.common.mutation_rules.v3")
    core = Package("envoy.config.core.v3")
    endpoint = Package("envoy.config.endpoint.v3")
    listener = Package("envoy.config.listener.v3")
    rbac = Package("envoy.config.rbac.v3")
    route = Package("envoy.config.route.v3")
    cel = Package("envoy.extensions.access_loggers.filters.cel.v3")
    aggregate = Package("envoy.extensions.clusters.aggregate.v3")
    cluster_dns = Package("envoy.extensions.clusters.common.dns.v3")
    dns = Package("envoy.extensions.clusters.dns.v3")
    matching = Package("envoy.extensions.common.matching.v3")
    common_ratelimit = Package("envoy.extensions.common.ratelimit.v3")
    matcher_action = Package("envoy.extensions.filters.common.matcher.action.v3")
    filter_state = Package("envoy.extensions.filters.common.set_filter_state.v3")
    basic_auth = Package("envoy.extensions.filters.http.basic_auth.v3")
    cdn_loop = Package("envoy.extensions.filters.http.cdn_loop.v3")
    composite = Package("envoy.extensions.filters.http.composite.v3")
    compressor = Package("envoy.extensions.filters.http.compressor.v3")
    cors = Package("envoy.extensions.filters.http.cors.v3")
    gzip = Package("envoy.extensions.compression.gzip.compressor.v3")
    ext_authz = Package("envoy.extensions.filters.http.ext_authz.v3")
    local_ratelimit = Package("envoy.extensions.filters.http.local_ratelimit.v3")
    stateful_session = Package("envoy.extensions.filters.http.stateful_session.v3")
    custom_response = Package("envoy.extensions.filters.http.custom_response.v3")
    redirect_policy = Package("envoy.extensions.http.custom_response.redirect_policy.v3")
    http_filter_chain = Package("envoy.extensions.filters.http.filter_chain.v3")
    header_mutation = Package("envoy.extensions.filters.http.header_mutation.v3")
    lua = Package("envoy.extensions.filters.http.lua.v3")
    http_rbac = Package("envoy.extensions.filters.http.rbac.v3")
    router = Package("envoy.extensions.filters.http.router.v3")
    upstream_codec = Package("envoy.extensions.filters.http.upstream_codec.v3")
    proxy_protocol = Package("envoy.extensions.filters.listener.proxy_protocol.v3")
    set_filter_state = Package("envoy.extensions.filters.listener.set_filter_state.v3")
    http_set_filter_state = Package("envoy.extensions.filters.http.set_filter_state.v3")
    tls_inspector = Package("envoy.extensions.filters.listener.tls_inspector.v3")
    hcm = Package("envoy.extensions.filters.network.http_connection_manager.v3")
    network_rbac = Package("envoy.extensions.filters.network.rbac.v3")
    network_set_filter_state = Package("envoy.extensions.filters.network.set_filter_state.v3")
    tcp_proxy = Package("envoy.extensions.filters.network.tcp_proxy.v3")
    early_header_mutation = Package(
        "envoy.extensions.http.early_header_mutation.header_mutation.v3"
    )
    xff = Package("envoy.extensions.http.original_ip_detection.xff.v3")
    network_inputs = Package("envoy.extensions.matching.common_inputs.network.v3")
    ip_matcher = Package("envoy.extensions.matching.input_matchers.ip.v3")
    metadata_matcher = Package("envoy.extensions.matching.input_matchers.metadata.v3")
    cares = Package("envoy.extensions.network.dns_resolver.cares.v3")
    mtls_authenticated = Package("envoy.extensions.rbac.principals.mtls_authenticated.v3")
    previous_hosts = Package("envoy.extensions.retry.host.previous_hosts.v3")
    previous_priorities = Package("envoy.extensions.retry.priority.previous_priorities.v3")
    cookie_session = Package("envoy.extensions.http.stateful_session.cookie.v3")
    tls = Package("envoy.extensions.transport_sockets.tls.v3")
    sni = Package("envoy.extensions.transport_sockets.tls.cert_mappers.sni.v3")
    on_demand_secret = Package(
        "envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3"
    )
    quic = Package("envoy.extensions.transport_sockets.quic.v3")
    raw_buffer = Package("envoy.extensions.transport_sockets.raw_buffer.v3")
    upstreams = Package("envoy.extensions.upstreams.http.v3")
    envoy_type = Package("envoy.type.v3")
    type_http = Package("envoy.type.http.v3")
    matcher = Package("envoy.type.matcher.v3")
    expr = Package("google.api.expr.v1alpha1")
    xds_core = Package("xds.core.v3")
    xds_matcher = Package("xds.type.matcher.v3")

# values that many messages share
Address = twin(core.Address)
AggregatedConfigSource = twin(core.AggregatedConfigSource)
ConfigSource = twin(core.ConfigSource)
Compressor = twin(compressor.Compressor)
CompressorCommonConfig = twin(compressor.CompressorCommonDirectionConfig)
CompressorResponseConfig = twin(compressor.CompressorResponseDirectionConfig)
Cors = twin(cors.Cors)
Gzip = twin(gzip.Gzip)
CustomResponse = twin(custom_response.CustomResponse)
DataSource = twin(core.DataSource)
HeaderValue = twin(core.HeaderValue)
HeaderValueOption = twin(core.HeaderValueOption)
LocalRateLimit = twin(local_ratelimit.LocalRateLimit)
Locality = twin(core.Locality)
Metadata = twin(core.Metadata)
Percent = twin(envoy_type.Percent)
RegexMatchAndSubstitute = twin(matcher.RegexMatchAndSubstitute)
RegexMatcher = twin(matcher.RegexMatcher)
SocketAddress = twin(core.SocketAddress)
StatefulSession = twin(stateful_session.StatefulSession)
StringMatcher = twin(matcher.StringMatcher)

# Cluster
AggregateClusterConfig = twin(aggregate.ClusterConfig)
BindConfig = twin(core.BindConfig)
CaresDnsResolverConfig = twin(cares.CaresDnsResolverConfig)
CircuitBreakers = twin(cluster.CircuitBreakers)
CircuitBreakersRetryBudget = twin(cluster.CircuitBreakersThresholdsRetryBudget)
CircuitBreakersThresholds = twin(cluster.CircuitBreakersThresholds)
Cluster = twin(cluster.Cluster)
ClusterCommonLbConfig = twin(cluster.ClusterCommonLbConfig)
ClusterLocalityWeightedLbConfig = twin(cluster.ClusterCommonLbConfigLocalityWeightedLbConfig)
HealthStatusSet = twin(core.HealthStatusSet)
ClusterCustomClusterType = twin(cluster.ClusterCustomClusterType)
ClusterEdsClusterConfig = twin(cluster.ClusterEdsClusterConfig)
DnsCluster = twin(dns.DnsCluster)
DnsRefreshRate = twin(dns.DnsClusterRefreshRate)
LeastRequestLbConfig = twin(cluster.ClusterLeastRequestLbConfig)
RoundRobinLbConfig = twin(cluster.ClusterRoundRobinLbConfig)
SlowStartConfig = twin(cluster.ClusterSlowStartConfig)
CommonTlsContext = twin(tls.CommonTlsContext)
OutlierDetection = twin(cluster.OutlierDetection)
SocketOption = twin(core.SocketOption)
TcpKeepalive = twin(core.TcpKeepalive)
TlsParameters = twin(tls.TlsParameters)
TransportSocket = twin(core.TransportSocket)
UpstreamCodec = twin(upstream_codec.UpstreamCodec)
UpstreamConnectionOptions = twin(cluster.UpstreamConnectionOptions)
UpstreamHttpConfig = twin(upstreams.HttpProtocolOptionsExplicitHttpConfig)
UpstreamHttpProtocolOptions = twin(upstreams.HttpProtocolOptions)
UpstreamTlsContext = twin(tls.UpstreamTlsContext)

# ClusterLoadAssignment
ClusterLoadAssignment = twin(endpoint.ClusterLoadAssignment)
ClusterLoadAssignmentPolicy = twin(endpoint.ClusterLoadAssignmentPolicy)
Endpoint = twin(endpoint.Endpoint)
LbEndpoint = twin(endpoint.LbEndpoint)
LocalityLbEndpoints = twin(endpoint.LocalityLbEndpoints)

# ScopedRouteConfiguration
AuthorizationRequest = twin(ext_authz.AuthorizationRequest)
AuthorizationResponse = twin(ext_authz.AuthorizationResponse)
AddressMatcher = twin(matcher.AddressMatcher)
CidrRange = twin(core.CidrRange)
CompositePerRoute = twin(composite.CompositePerRoute)
BasicAuth = twin(basic_auth.BasicAuth)
CookieMatcher = twin(route.CookieMatcher)
CorsPolicy = twin(cors.CorsPolicy)
DirectResponseAction = twin(route.DirectResponseAction)
DynamicMetadataInput = twin(network_inputs.DynamicMetadataInput)
DynamicMetadataPath = twin(network_inputs.DynamicMetadataInputPathSegment)
ExtAuthz = twin(ext_authz.ExtAuthz)
ExtAuthzHttpService = twin(ext_authz.HttpService)
FilterConfig = twin(route.FilterConfig)
FractionalPercent = twin(envoy_type.FractionalPercent)
HeaderMatcher = twin(route.HeaderMatcher)
HttpUri = twin(core.HttpUri)
HttpStatus = twin(envoy_type.HttpStatus)
HttpFilterChain = twin(http_filter_chain.FilterChain)
HttpFilterChainConfig = twin(http_filter_chain.FilterChainConfig)
HttpRbac = twin(http_rbac.Rbac)
IpMatcher = twin(ip_matcher.Ip)
ListStringMatcher = twin(matcher.ListStringMatcher)
LocalRateLimitDescriptor = twin(common_ratelimit.LocalRateLimitDescriptor)
LuaPerRoute = twin(lua.LuaPerRoute)
MetadataMatcher = twin(metadata_matcher.Metadata)
PreviousHostsPredicate = twin(previous_hosts.PreviousHostsPredicate)
PreviousPrioritiesConfig = twin(previous_priorities.PreviousPrioritiesConfig)
QueryParameterMatcher = twin(route.QueryParameterMatcher)
RateLimit = twin(route.RateLimit)
RateLimitAction = twin(route.RateLimitAction)
RateLimitDescriptorEntry = twin(common_ratelimit.RateLimitDescriptorEntry)
RateLimitGenericKey = twin(route.RateLimitActionGenericKey)
RateLimitRemoteAddress = twin(route.RateLimitActionRemoteAddress)
RateLimitRemoteAddressMatch = twin(route.RateLimitActionRemoteAddressMatch)
RbacMatcherAction = twin(rbac.Action)
RbacPerRoute = twin(http_rbac.RbacPerRoute)
RedirectAction = twin(route.RedirectAction)
RequestRetryPolicy = twin(core.RetryPolicy)
RequestRetryHostPredicate = twin(core.RetryPolicyRetryHostPredicate)
RequestRetryPriority = twin(core.RetryPolicyRetryPriority)
RequestBackOff = twin(core.BackoffStrategy)
RetryBackOff = twin(route.RetryPolicyRetryBackOff)
RetryHostPredicate = twin(route.RetryPolicyRetryHostPredicate)
RetryPolicy = twin(route.RetryPolicy)
RetryPriority = twin(route.RetryPolicyRetryPriority)
Route = twin(route.Route)
RouteAction = twin(route.RouteAction)
RouteConfiguration = twin(route.RouteConfiguration)
RouteList = twin(route.RouteList)
RouteMatch = twin(route.RouteMatch)
RuntimeFractionalPercent = twin(core.RuntimeFractionalPercent)
ScopedRouteConfiguration = twin(route.ScopedRouteConfiguration)
ScopedRouteConfigurationKey = twin(route.ScopedRouteConfigurationKey)
ScopedRouteConfigurationKeyFragment = twin(route.ScopedRouteConfigurationKeyFragment)
SourceIpInput = twin(network_inputs.SourceIpInput)
TokenBucket = twin(envoy_type.TokenBucket)
ValueMatcher = twin(matcher.ValueMatcher)
VirtualHost = twin(route.VirtualHost)
WeightedCluster = twin(route.WeightedCluster)
WeightedClusterClusterWeight = twin(route.WeightedClusterClusterWeight)

# policies of routes and Services
CertificateValidationContext = twin(tls.CertificateValidationContext)
SdsSecretConfig = twin(tls.SdsSecretConfig)
SubjectAltNameMatcher = twin(tls.SubjectAltNameMatcher)
UpstreamOptions = twin(core.UpstreamHttpProtocolOptions)
CookieAttribute = twin(type_http.CookieAttribute)
CookieSessionState = twin(cookie_session.CookieBasedSessionState)
HashPolicy = twin(route.RouteActionHashPolicy)
HashPolicyConnection = twin(route.RouteActionHashPolicyConnectionProperties)
HashPolicyCookie = twin(route.RouteActionHashPolicyCookie)
HashPolicyCookieAttribute = twin(route.RouteActionHashPolicyCookieAttribute)
HashPolicyHeader = twin(route.RouteActionHashPolicyHeader)
HashPolicyQueryParameter = twin(route.RouteActionHashPolicyQueryParameter)
CustomResponseRedirect = twin(redirect_policy.RedirectPolicy)
HttpResponseStatusCodeMatchInput = twin(matcher.HttpResponseStatusCodeMatchInput)
RequestMirrorPolicy = twin(route.RouteActionRequestMirrorPolicy)
SessionCookie = twin(type_http.Cookie)
StatefulSessionPerRoute = twin(stateful_session.StatefulSessionPerRoute)

# Listener
AccessLogFilter = twin(accesslog.AccessLogFilter)
CdnLoopConfig = twin(cdn_loop.CdnLoopConfig)
CelCall = twin(expr.ExprCall)
CelConstant = twin(expr.Constant)
CelExpression = twin(expr.Expr)
CelExpressionConfig = twin(core.CelExpressionConfig)
CelIdent = twin(expr.ExprIdent)
CelSelect = twin(expr.ExprSelect)
Composite = twin(composite.Composite)
DirectSourceIpInput = twin(network_inputs.DirectSourceIpInput)
DownstreamTlsContext = twin(tls.DownstreamTlsContext)
EarlyHeaderMutation = twin(early_header_mutation.HeaderMutation)
ExecuteFilterAction = twin(composite.ExecuteFilterAction)
ExtensionWithMatcher = twin(matching.ExtensionWithMatcher)
ExpressionFilter = twin(cel.ExpressionFilter)
ExtensionFilter = twin(accesslog.ExtensionFilter)
Filter = twin(listener.Filter)
FilterChain = twin(listener.FilterChain)
FilterChainConfiguration = twin(composite.FilterChainConfiguration)
FilterStateMatcher = twin(matcher.FilterStateMatcher)
FilterStateValue = twin(filter_state.FilterStateValue)
HeaderMutation = twin(header_mutation.HeaderMutation)
HeaderMutationMutations = twin(header_mutation.Mutations)
HeaderMutationRemoveOnMatch = twin(mutation_rules.HeaderMutationRemoveOnMatch)
HeaderMutationRule = twin(mutation_rules.HeaderMutation)
Http1ProtocolOptions = twin(core.Http1ProtocolOptions)
Http2ProtocolOptions = twin(core.Http2ProtocolOptions)
HttpConnectionManager = twin(hcm.HttpConnectionManager)
HttpConnectionManagerUpgradeConfig = twin(hcm.HttpConnectionManagerUpgradeConfig)
HttpFilter = twin(hcm.HttpFilter)
HttpProtocolOptions = twin(core.HttpProtocolOptions)
ClusterTransportSocketMatch = twin(cluster.ClusterTransportSocketMatch)
EndpointHealthCheckConfig = twin(endpoint.EndpointHealthCheckConfig)
EnvoyHealthCheck = twin(core.HealthCheck)
GrpcHealthCheck = twin(core.HealthCheckGrpcHealthCheck)
HttpHealthCheck = twin(core.HealthCheckHttpHealthCheck)
TcpHealthCheck = twin(core.HealthCheckTcpHealthCheck)
Int64Range = twin(envoy_type.Int64Range)
RawBuffer = twin(raw_buffer.RawBuffer)
HttpSetFilterState = twin(http_set_filter_state.Config)
HttpRequestHeaderMatchInput = twin(matcher.HttpRequestHeaderMatchInput)
Listener = twin(listener.Listener)
ListenerFilter = twin(listener.ListenerFilter)
LocalReplyConfig = twin(hcm.LocalReplyConfig)
Lua = twin(lua.Lua)
MtlsAuthenticated = twin(mtls_authenticated.Config)
NetworkRbac = twin(network_rbac.Rbac)
OnDemandSecrets = twin(on_demand_secret.Config)
NetworkSetFilterState = twin(network_set_filter_state.Config)
OnMatch = twin(xds_matcher.MatcherOnMatch)
Permission = twin(rbac.Permission)
PermissionSet = twin(rbac.PermissionSet)
Policy = twin(rbac.Policy)
Principal = twin(rbac.Principal)
PrincipalSet = twin(rbac.PrincipalSet)
ProxyProtocol = twin(proxy_protocol.ProxyProtocol)
QuicListenerOptions = twin(listener.QuicProtocolOptions)
QuicTransport = twin(quic.QuicDownstreamTransport)
Rbac = twin(rbac.Rbac)
ResponseMapper = twin(hcm.ResponseMapper)
Router = twin(router.Router)
ScopedRds = twin(hcm.ScopedRds)
ScopedRoutes = twin(hcm.ScopedRoutes)
ScopeKeyBuilder = twin(hcm.ScopedRoutesScopeKeyBuilder)
ScopeKeyFragment = twin(hcm.ScopedRoutesScopeKeyBuilderFragmentBuilder)
ScopeKeyHeaderExtractor = twin(hcm.ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor)
ServerNameInput = twin(network_inputs.ServerNameInput)
SetCurrentClientCertDetails = twin(hcm.HttpConnectionManagerSetCurrentClientCertDetails)
SetFilterState = twin(set_filter_state.Config)
SkipFilter = twin(matcher_action.SkipFilter)
SniMapper = twin(sni.Sni)
SubstitutionFormatString = twin(core.SubstitutionFormatString)
TcpProxy = twin(tcp_proxy.TcpProxy)
TcpProxyWeight = twin(tcp_proxy.TcpProxyWeightedClusterClusterWeight)
TcpProxyWeightedCluster = twin(tcp_proxy.TcpProxyWeightedCluster)
TlsInspector = twin(tls_inspector.TlsInspector)
TlsCertificate = twin(tls.TlsCertificate)
TlsSecret = twin(tls.Secret)
TypedExtensionConfig = twin(core.TypedExtensionConfig)
UdpListenerConfig = twin(listener.UdpListenerConfig)
UdpSocketConfig = twin(core.UdpSocketConfig)
XffConfig = twin(xff.XffConfig)
XffTrustedCidrs = twin(xff.XffTrustedCidrs)
XdsCidrRange = twin(xds_core.CidrRange)
XdsMatcher = twin(xds_matcher.Matcher)
XdsMatcherFieldMatcher = twin(xds_matcher.MatcherMatcherListFieldMatcher)
XdsMatcherList = twin(xds_matcher.MatcherMatcherList)
XdsMatcherPredicate = twin(xds_matcher.MatcherMatcherListPredicate)
XdsMatcherPredicateList = twin(xds_matcher.MatcherMatcherListPredicatePredicateList)
XdsMatcherSinglePredicate = twin(xds_matcher.MatcherMatcherListPredicateSinglePredicate)
XdsMatcherTree = twin(xds_matcher.MatcherMatcherTree)
XdsMatchMap = twin(xds_matcher.MatcherMatcherTreeMatchMap)
XdsRegexMatcher = twin(xds_matcher.RegexMatcher)
XdsRegexMatcherGoogleRe2 = twin(xds_matcher.RegexMatcherGoogleRe2)
XdsStringMatcher = twin(xds_matcher.StringMatcher)
XdsTypedExtensionConfig = twin(xds_core.TypedExtensionConfig)

# enums
AppendAction = core.HeaderValueOptionHeaderAppendAction
ApiVersion = core.ApiVersion
CodecClientType = envoy_type.CodecClientType
RequestMethod = core.RequestMethod
ClusterDiscoveryType = cluster.ClusterDiscoveryType
DnsLookupFamily = cluster_dns.DnsLookupFamily
ClusterDnsLookupFamily = cluster.ClusterDnsLookupFamily
ClusterLbPolicy = cluster.ClusterLbPolicy
ForwardClientCertDetails = hcm.HttpConnectionManagerForwardClientCertDetails
HealthStatus = core.HealthStatus
HeadersWithUnderscoresAction = core.HttpProtocolOptionsHeadersWithUnderscoresAction
HttpCodec = hcm.HttpConnectionManagerCodecType
PathWithEscapedSlashesAction = hcm.HttpConnectionManagerPathWithEscapedSlashesAction
RbacAction = rbac.RbacAction
StatusCode = envoy_type.StatusCode
RedirectCode = route.RedirectActionRedirectResponseCode
SocketProtocol = core.SocketAddressProtocol
SocketOptionSocketState = core.SocketOptionSocketState
SubjectAltNameType = tls.SubjectAltNameMatcherSanType
TlsProtocol = tls.TlsParametersTlsProtocol
TrustChainVerification = tls.CertificateValidationContextTrustChainVerification
