"""The annotations `auth-url`, `auth-signin` and the like: authorization by a service.

A service is named by its URL. One of the fleet has a name of Kubernetes, such as
`http://auth.tools.svc.cluster.local:8080/check`.
"""

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl

from fleet.kinds import listed
from fleet.pod_addresses import kind_of
from fleet.problem import Problem
from translators.dialects.annotations.closed import closed
from translators.dialects.annotations.feature import Feature, Wanted, restricted
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.values import boolean, header_name, one_of
from translators.dialects.hosts import LABEL
from translators.envoy.sign_in import VARIABLES
from translators.model.backends import Backend, BackendProtocol, Outside, ServicePort, Target
from translators.model.bounds import MAX_NAMES
from translators.model.policy import Declared
from translators.model.rules import Rule
from translators.policies.external_auth import PATH, ExternalAuth

URL: Final = shared(
    "auth-url",
    "each request is allowed by the service at this URL first: 2xx lets it pass, 401 and 403 are "
    "the answer to the client, anything else is 500; "
    "`http://NAME.NAMESPACE.svc.cluster.local:PORT/PATH` is a Service of the fleet; `$host` can "
    "stand for the host of a rule",
    differs="of the variables only `$host` and `$http_host`; 10 seconds at most; any answer but "
    "2xx, 401 and 403 is 500",
    example="http://api.default.svc.cluster.local/check",
    restricts=True,
)

METHOD: Final = shared(
    "auth-method",
    "the method by which `auth-url` is asked; hosts outside of the fleet are "
    "asked by `GET` and `HEAD` only",
    default="`GET`",
    differs="hosts outside of the fleet are asked by `GET` and `HEAD` only",
    example="HEAD",
    restricts=True,
)

NAMES: Final = shared(
    "auth-response-headers",
    "headers by comma that the backend gets from the answer of `auth-url`, and never from a client",
    example="X-User",
    restricts=True,
)

SIGN_IN: Final = shared(
    "auth-signin",
    "the URL of a page to which a client is sent instead of a 401 of `auth-url`; it can contain "
    + ", ".join(f"`${name}`" for name in VARIABLES),
    differs="only these variables",
    example="https://login.test/start?rd=$escaped_request_uri",
)

PARAMETER: Final = shared(
    "auth-signin-redirect-param",
    "the parameter by which that page learns the URL of the request; it is not "
    "added if `auth-signin` has it",
    default="`rd`",
    example="back",
)

COOKIES: Final = shared(
    "auth-always-set-cookie",
    "whether cookies of `auth-url` are set by its refusals too",
    default="`false`",
    example="true",
)

BACK: Final = shared(
    "auth-request-redirect",
    "the header X-Auth-Request-Redirect of the question to `auth-url`, such as a URL; "
    "it can contain `$scheme`, `$http_host` and `$request_uri`",
    default="the path of the request",
    differs="only these variables",
    example="$scheme://$http_host$request_uri",
)

_CLOSED: Final = Without.CLOSED.value

_URL: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>\$(?:http_)?host|{LABEL}(?:\.{LABEL})*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:[/?][A-Za-z0-9._~:/?\[\]@!&'()*+,;=%-]*)?)",
)

_LONGEST: Final = 2048

_SERVICE: Final = re.compile(
    rf"(?P<name>{LABEL})\.(?P<namespace>{LABEL})\.svc(?:\.cluster\.local)?"
)

_PAGE: Final = re.compile(
    r"https?://[A-Za-z0-9._~$:\[\]-]+(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)

_VARIABLE: Final = re.compile(r"\$([A-Za-z0-9_{]*)")

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_SAFE: Final = ("GET", "HEAD")
"""The methods by which a host outside of the fleet is asked.

Its name can lead to any address, and so to the admin pages of Envoy itself, which act on POST."""

_PARAMETER: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")

_BACK: Final = {
    "scheme": "%REQ(X-FORWARDED-PROTO)%",
    "http_host": "%REQ(:AUTHORITY)%",
    "request_uri": PATH,
}

_NAME: Final = re.compile(r"[a-z0-9-]{1,128}")

_HANDS_OFF: Final = re.compile(
    r"host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|expect"
    r"|x-envoy-.*|x-fg-.*|cdn-loop"
)
"""Headers that the gateway itself needs."""


@dataclass(frozen=True, slots=True)
class Question:
    """A URL that is asked. A `host` of "" stands for the host of the rule."""

    tls: bool
    host: str
    port: int
    path: str

    def at(self, host: str) -> "Question":
        """Return the same URL on this host."""
        return replace(self, host=host)

    @property
    def service(self) -> Target | Outside | None:
        """The Service of the fleet or the host that is asked; None for the host of the rule."""
        if not self.host:
            return None
        if not (named := _SERVICE.fullmatch(self.host)):
            return Outside(self.host.strip("[]"), self.port, self.tls)
        protocol = BackendProtocol.AUTH_TLS if self.tls else BackendProtocol.AUTH
        port = ServicePort(self.port)
        return Target((Backend(named["namespace"], named["name"], port, protocol=protocol),))


def read(reader: Reader, wanted: Wanted) -> None:
    """Read which service is asked. What cannot be read closes the paths."""
    keys = (URL, METHOD, NAMES, SIGN_IN)
    if not any(map(reader.has, keys)):
        return
    url = reader.find(URL, _question, _CLOSED)
    is_ours = url is not None and isinstance(url.value.service, Target)
    methods = _METHODS if is_ours or url is None else _SAFE
    method = reader.read(METHOD, one_of(*methods), _CLOSED)
    names = reader.read(NAMES, _names, _CLOSED)
    if not reader.has(URL):
        key = next(filter(reader.has, keys))
        reader.note(reader.as_written(key, ""), "NoAuthURL", "auth-url beside it", _CLOSED)
    unread = (method is None and reader.has(METHOD)) or (names is None and reader.has(NAMES))
    if url is None or unread:
        wanted.unusable.add(Without.CLOSED)
        return
    policy = ExternalAuth(
        url.value.service,
        url.value.host,
        url.value.path,
        method or "GET",
        names or (),
        _sign_in(reader),
        bool(reader.read(COOKIES, boolean, "they are not")),
        reader.read(BACK, _back, "it is the path of the request") or PATH,
    )
    wanted.policies.append(Declared(policy, url.spelling, url.text))
    wanted.changes.append(restricted)
    if policy.service is None:
        wanted.changes.append(lambda rule: _at_host_of(rule, url.value, policy))
        wanted.checks.append(lambda rule: _without_host(rule, url))


def _question(text: str) -> Question:
    if len(text) > _LONGEST or not (url := _URL.fullmatch(text)):
        raise Unusable(
            f"a URL of at most {_LONGEST} characters, such as "
            "http://auth.tools.svc.cluster.local:8080/check, with no variable but $host as the host"
        )
    tls, host = url["scheme"] == "https", url["host"]
    port = int(url["port"] or (443 if tls else 80))
    if not 1 <= port <= 65535:
        raise Unusable("a port from 1 to 65535")
    if special := _special(host):
        raise Unusable(f"a host that is not {special}")
    path = url["path"] if url["path"].startswith("/") else f"/{url['path']}"
    return Question(tls, "" if host.startswith("$") else host, port, path)


def _special(host: str) -> str:
    """Return the special purpose of an address that no service can have; "" for others."""
    try:
        return kind_of(ip_address(host.strip("[]")))
    except ValueError:
        if host.startswith("[") or host.replace(".", "").isdigit():
            return "a malformed address"
        return "a name of more than 253 characters" if len(host) > 253 else ""


def _names(text: str) -> tuple[str, ...]:
    """Read names of headers. Each must be usable: a client could send the one that is not."""
    try:
        names = tuple(dict.fromkeys(map(header_name, listed(text))))
    except Unusable as e:
        raise Unusable(e.expected) from e
    if any(not _NAME.fullmatch(name) for name in names):
        # Envoy's formats, in which the names stand, give a meaning to other characters.
        raise Unusable("names of headers of letters, digits and -")
    if not names or len(names) > MAX_NAMES:
        raise Unusable(f"1 to {MAX_NAMES} names of headers")
    if unfit := next(filter(_HANDS_OFF.fullmatch, names), ""):
        raise Unusable(f"names of headers without {unfit}, which the gateway itself needs")
    return names


def _sign_in(reader: Reader) -> str:
    """Read the URL of the sign-in page; "" if there is none."""
    page = reader.read(SIGN_IN, _page, "the client gets the 401")
    parameter = reader.read(PARAMETER, _parameter, "it is rd") or "rd"
    if page is None:
        return ""
    query = page.partition("?")[2]
    if any(name == parameter for name, _ in parse_qsl(query)):
        return page
    back = f"{parameter}=$pass_access_scheme://$http_host$escaped_request_uri"
    return f"{page}{'&' if query else '?'}{back}"


def _page(text: str) -> str:
    unknown = [name for name in _VARIABLE.findall(text) if name not in VARIABLES]
    if len(text) > _LONGEST or not _PAGE.fullmatch(text) or unknown:
        raise Unusable(
            f"a URL of at most {_LONGEST} characters, such as https://login.example.com/start, with"
            f" no other variables than {', '.join(f'${name}' for name in VARIABLES)}"
        )
    return text


def _parameter(text: str) -> str:
    if _PARAMETER.fullmatch(text):
        return text
    raise Unusable("the name of a parameter: letters, digits, - and _")


def _back(text: str) -> str:
    """Read a text with variables, and return it as Envoy formats it."""
    plain = re.fullmatch(r"[\x21-\x7e]{1,2048}", text)
    if not plain or any(name not in _BACK for name in _VARIABLE.findall(text)):
        raise Unusable("a URL with no other variables than $scheme, $http_host and $request_uri")
    return _VARIABLE.sub(lambda found: _BACK[found[1]], text.replace("%", "%%"))


def _is_named(host: str) -> bool:
    return bool(host) and not host.startswith("*")


def _at_host_of(rule: Rule, url: Question, policy: ExternalAuth) -> Rule:
    """Ask at the host of the rule, or close a rule without a host of its own."""
    if not _is_named(rule.host):
        others = tuple(each for each in rule.policies if each != policy)
        return replace(closed(rule), policies=others)
    at = url.at(rule.host)
    there = replace(policy, service=at.service, authority=at.host)
    policies = tuple(there if each == policy else each for each in rule.policies)
    return replace(rule, policies=policies)


def _without_host(rule: Rule, url: Found[Question]) -> Problem | None:
    if _is_named(rule.host):
        return None
    expected = f"the name of a host, since {rule.host or 'a rule without host'} has many"
    effect = f"its paths on {rule.host or 'hosts without rules'} are answered with 503"
    return Problem(rule.origin, "NoAuthHost", url.spelling, url.text, expected, effect)


FEATURE: Final = Feature(
    "External authorization", (URL, METHOD, NAMES, SIGN_IN, PARAMETER, COOKIES, BACK), read
)
