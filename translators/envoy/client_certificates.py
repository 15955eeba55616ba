"""Client certificates: which requests a host takes, by the connection that brought them.

    connection                              a host that asks        all other hosts
    the host's own chain, good certificate  taken                   421
    the same, none or a bad certificate     400, or an error page   421
    another chain, or in clear text         421                     taken

A chain knows its host: a network filter stores the name in the state of each connection, where no
client can write. The HTTP filter `CLIENTS` compares it with the host of the request. In a chain of
such a host this filter refuses every request by default, and lets through those of its host. So a
request cannot use the certificate that was checked for another host.

A handshake fails for no certificate. Each request is checked instead, so that the client gets an
answer that says what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    AccessLogFilter,
    CelExpression,
    CelIdent,
    CelSelect,
    DataSource,
    ExpressionFilter,
    ExtensionFilter,
    Filter,
    FilterStateMatcher,
    FilterStateValue,
    HeaderMatcher,
    HeaderValue,
    HeaderValueOption,
    HttpRbac,
    MtlsAuthenticated,
    NetworkSetFilterState,
    Permission,
    PermissionSet,
    Policy,
    Principal,
    PrincipalSet,
    Rbac,
    RbacAction,
    RbacPerRoute,
    RegexMatcher,
    ResponseMapper,
    StringMatcher,
    SubstitutionFormatString,
    TypedExtensionConfig,
)
from translators.model.bounds import MAX_MATCHED
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.accesslog import v3 as accesslog
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.envoy.config.rbac import v3 as rbac
    from envoy_data_plane.envoy.extensions.filters.http.rbac import v3 as http_rbac
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
    from envoy_data_plane.envoy.type.matcher import v3 as matcher
    from envoy_data_plane.google.api.expr import v1alpha1 as cel

SUBJECT: Final = "ssl-client-subject-dn"
ISSUER: Final = "ssl-client-issuer-dn"
VERIFIED: Final = "ssl-client-verify"
CERTIFICATE: Final = "ssl-client-cert"

_HOST: Final = "fleetgate.host"
"""The state of a connection that stores the host whose chain it came over."""

# Envoy evaluates policies in the order of their names.
_ELSEWHERE: Final = "1-elsewhere"
_UNVERIFIED: Final = "2-unverified"
_UNNAMED: Final = "3-unnamed"

_ANY: Final = ".*"

_RESULT: Final = (
    "%CEL(metadata.filter_metadata['envoy.filters.http.rbac']['shadow_engine_result'] == 'allowed'"
    " ? 'SUCCESS' : (connection.mtls ? 'FAILED' : 'NONE'))%"
)
"""The result of the check, as NGINX names it. A shadow rule of the filter leaves it behind."""


def idle() -> http_rbac.Rbac:
    """Configure the filter for chains that ask for no certificate: it does nothing."""
    return HttpRbac()


def refuse_others() -> http_rbac.Rbac:
    """Configure the filter for the chain of a host: requests of other hosts are refused."""
    return HttpRbac(rules=_deny({_ELSEWHERE: _policy(Principal(any=True))}))


def verified_alone() -> http_rbac.Rbac:
    """Configure the filter for a listener that takes no request without a good certificate."""
    return HttpRbac(rules=_deny({_UNVERIFIED: _policy(Principal(not_id=_good()))}))


def unchecked() -> http_rbac.RbacPerRoute:
    """Configure the filter for a route that needs no certificate."""
    return RbacPerRoute()


def check(host: str, *, required: bool, verified: bool, subject: str) -> http_rbac.RbacPerRoute:
    """Configure the filter for a host.

    A certificate can be `required`, or else its holder may send none. With `verified` a certificate
    must be of the host's authorities. `subject` is a pattern for its subject; "" allows all.
    """
    own = Principal(filter_state=_state(StringMatcher(exact=host)))
    good = _good()
    policies = {}
    if required or subject:
        policies[_ELSEWHERE] = _policy(Principal(not_id=own))
    else:
        other = Principal(filter_state=_state(_matching(_ANY)))
        both = PrincipalSet(ids=[other, Principal(not_id=own)])
        policies[_ELSEWHERE] = _policy(Principal(and_ids=both))
    if required:
        policies[_UNVERIFIED] = _policy(Principal(not_id=good))
    elif verified:
        policies[_UNVERIFIED] = _policy(Principal(not_id=good), condition=_is_mutual())
    if subject:
        # Envoy checks in this order, so a subject that is too long never reaches the pattern.
        patterns = (f".{{0,{MAX_MATCHED}}}", subject)
        named = [
            Permission(header=HeaderMatcher(name=SUBJECT, string_match=_matching(each)))
            for each in patterns
        ]
        unnamed = Permission(not_rule=Permission(and_rules=PermissionSet(rules=named)))
        policies[_UNNAMED] = _policy(Principal(any=True), unnamed)
    shadow = Rbac(action=RbacAction.ALLOW, policies={"verified": _policy(good)})
    return RbacPerRoute(rbac=HttpRbac(rules=_deny(policies), shadow_rules=shadow))


def told(*, certificate: bool) -> list[tuple[str, str]]:
    """Return the headers by which a backend learns about the certificate, with their values."""
    headers = [
        (VERIFIED, _RESULT),
        (SUBJECT, "%DOWNSTREAM_PEER_SUBJECT%"),
        (ISSUER, "%DOWNSTREAM_PEER_ISSUER%"),
    ]
    return [*headers, (CERTIFICATE, "%DOWNSTREAM_PEER_CERT%")] if certificate else headers


def name_host(host: str) -> listener.Filter:
    """Return the network filter that stores the host of a chain in the state of a connection."""
    name = SubstitutionFormatString(text_format_source=DataSource(inline_string=host))
    value = FilterStateValue(object_key=_HOST, factory_key="envoy.string", format_string=name)
    config = NetworkSetFilterState(on_new_connection=[value])
    return Filter(name="envoy.filters.network.set_filter_state", typed_config=pack(config))


def refusals() -> list[hcm.ResponseMapper]:
    """Return what makes the answers of refused requests: a filter alone could say only 403."""
    elsewhere = "client certificates count for one host: connect to it by https under its name\n"
    return [
        _answer(_ELSEWHERE, 421, elsewhere),
        _answer(_UNVERIFIED, 400, "this host asks for a client certificate of its authorities\n"),
        _answer(_UNNAMED, 403, "the client certificate has no subject that this host takes\n"),
    ]


def error_page(url: str) -> hcm.ResponseMapper:
    """Return what sends clients without a good certificate to another page."""
    location = HeaderValueOption(header=HeaderValue(key="location", value=url.replace("%", "%%")))
    return ResponseMapper(
        filter=_refused_by(_UNVERIFIED),
        status_code=302,
        body=DataSource(inline_string=""),
        headers_to_add=[location],
    )


def _answer(policy: str, status: int, body: str) -> hcm.ResponseMapper:
    return ResponseMapper(
        filter=_refused_by(policy), status_code=status, body=DataSource(inline_string=body)
    )


def _refused_by(policy: str) -> accesslog.AccessLogFilter:
    refused = f"response.code_details == 'rbac_access_denied_matched_policy[{policy}]'"
    expression = ExtensionFilter(
        name="cel", typed_config=pack(ExpressionFilter(expression=refused))
    )
    return AccessLogFilter(extension_filter=expression)


def _deny(policies: dict[str, rbac.Policy]) -> rbac.Rbac:
    return Rbac(action=RbacAction.DENY, policies=policies)


def _policy(
    who: rbac.Principal,
    what: rbac.Permission | None = None,
    condition: cel.Expr | None = None,
) -> rbac.Policy:
    permissions = [what or Permission(any=True)]
    return Policy(permissions=permissions, principals=[who], condition=condition)


def _good() -> rbac.Principal:
    """Match a client with a certificate that the connection's authorities verify."""
    mutual = pack(MtlsAuthenticated(any_validated_client_certificate=True))
    return Principal(custom=TypedExtensionConfig(name="mtls", typed_config=mutual))


def _state(value: matcher.StringMatcher) -> matcher.FilterStateMatcher:
    return FilterStateMatcher(key=_HOST, string_match=value)


def _matching(pattern: str) -> matcher.StringMatcher:
    return StringMatcher(safe_regex=RegexMatcher(regex=pattern))


def _is_mutual() -> cel.Expr:
    """Return the tree of the expression `connection.mtls`: the client has shown a certificate."""
    connection = CelExpression(id=1, ident_expr=CelIdent(name="connection"))
    return CelExpression(id=2, select_expr=CelSelect(operand=connection, field="mtls"))
