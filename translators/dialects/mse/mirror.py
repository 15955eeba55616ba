"""The annotations of mirrors: a Service of the fleet gets copies of requests."""

import re
from typing import Final

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Reader, Unusable, own, shared
from translators.dialects.annotations.values import integer, on_or_off, service_name
from translators.model.backends import Backend, BackendProtocol, ServicePort
from translators.model.policy import Policy
from translators.policies.mirror import Mirror

SERVICE: Final = own(
    "mirror-target-service",
    "`[NAMESPACE/]SERVICE[:PORT]` that gets a copy of each request; its answers are dropped",
    example="api:80",
)

PERCENTAGE: Final = own(
    "mirror-percentage",
    "share of requests that are copied, 0 to 100",
    default="100",
    example="50",
)

TARGET: Final = shared(
    "mirror-target",
    "the same as the URL of a Service of the fleet, "
    "`http://SERVICE.NAMESPACE.svc.cluster.local:PORT`, alone or with `$request_uri` behind it; no "
    "other URL can be used",
    differs="only the URL of a Service of the fleet",
    example="http://api.default.svc.cluster.local",
)

HOST: Final = shared(
    "mirror-host",
    "the Host of the copies; that of the request",
    default="the Host of the request",
    example="copy.test",
)

BODY: Final = shared(
    "mirror-request-body",
    "`on`; copies always have the body of the request",
    default="`on`",
    differs="`off` is not there",
    example="on",
)

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<service>[a-z0-9-]{1,63})\.(?P<namespace>[a-z0-9-]{1,63})\.svc"
    r"(?:\.cluster\.local)?(?::(?P<port>[0-9]{1,5}))?/?(?:\$request_uri)?"
)

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")


def parse(reader: Reader) -> Found[Policy] | None:
    """Read the annotations; None if no request is to be copied."""
    named = reader.find(SERVICE, service_name(reader.namespace, with_port=True))
    service = Found(named.spelling, named.text, Backend(*named.value)) if named else None
    target = reader.find(TARGET, _of_url)
    percent = reader.read(PERCENTAGE, integer(0, 100), "all requests are copied")
    host = reader.read(HOST, _host, "copies have the Host of the request")
    body = reader.find(BODY, on_or_off)
    found = service or target
    if found is None:
        return None
    if body and not body.value:
        reader.note(body, "NotSupported", "on", "copies have the body of the request")
    policy = Mirror(found.value, 100 if percent is None else percent, host or "")
    return Found(found.spelling, found.text, policy)


def _of_url(text: str) -> Backend:
    expected = "the URL of a Service of the fleet: http://SERVICE.NAMESPACE.svc.cluster.local:PORT"
    if not (found := _URL.fullmatch(text)):
        raise Unusable(expected)
    is_tls = found["scheme"] == "https"
    port = int(found["port"] or (443 if is_tls else 80))
    if not 1 <= port <= 65535:
        raise Unusable(expected)
    protocol = BackendProtocol.HTTPS if is_tls else None
    return Backend(found["namespace"], found["service"], ServicePort(port), protocol=protocol)


def _host(text: str) -> str:
    if _HOST.fullmatch(text):
        return text
    raise Unusable("a host such as test.example.com")


FEATURE: Final = policy_feature("Mirror", (SERVICE, PERCENTAGE, TARGET, HOST, BODY), parse)
