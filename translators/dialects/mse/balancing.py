"""The annotations that choose the Pod of a request: by a cookie, by a hash, or by an algorithm.

`affinity` counts before `upstream-hash-by`, and that before `load-balance`. The algorithm holds for
the whole Service, as its Pods are balanced once. The cookie or the hashed part of a request belongs
to the rules of the Ingress.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted, declared
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.dialects.annotations.values import YEAR, boolean, cookie_name, seconds
from translators.model.balancing import Balancing
from translators.policies.affinity import Cookie, HashBy, HashCookie, HashOf, PodCookie
from translators.policies.balancing import LoadBalancing

ALGORITHM: Final = shared(
    "load-balance",
    "how the Pods of the Service are balanced: `round_robin`, `least_conn` or `random`",
    default="`round_robin`",
    differs="`ewma` is not there, `least_conn` and `random` are",
    example="least_conn",
)

HASH: Final = shared(
    "upstream-hash-by",
    "requests that are equal in it go to the same Pod: `$request_uri`, `$host`, `$remote_addr`, "
    "`$http_NAME` (a header, `_` stands for `-`) or `$arg_NAME`",
    differs="one of five variables, without text and without combinations",
    example="$http_x_user",
)

AFFINITY: Final = shared(
    "affinity",
    "`cookie`: a client keeps its Pod by a cookie; the name or the path of the cookie switches it "
    "on too",
    example="cookie",
)

MODE: Final = shared(
    "affinity-mode",
    "`balanced`: some clients move when the Pods change; `persistent`: the cookie names "
    "the Pod, and the client keeps it while it is usable; not where another Service stands behind "
    "the first one, as for requests to a canary",
    default="`balanced`",
    differs="`persistent` not where another Service stands behind the first one, as for a canary",
    example="persistent",
)

BRANCHES: Final = shared(
    "affinity-canary-behavior",
    "`sticky`: the cookie of `balanced` also keeps a client with the canary or the main "
    "from its second request on, while their weights stay; `legacy`: each request is divided "
    "between them anew, as with `persistent` in any case",
    default="`sticky`",
    differs="`sticky` only with the mode `balanced`",
    example="legacy",
)

NAME: Final = shared(
    "session-cookie-name",
    "name of the cookie",
    default="`INGRESSCOOKIE`",
    example="route",
)

PATH: Final = shared("session-cookie-path", "path of the cookie", default="`/`", example="/shop")

MAX_AGE: Final = shared(
    "session-cookie-max-age",
    "life of the cookie in seconds; without it the browser's session",
    default="the browser's session",
    example="3600",
)

EXPIRES: Final = shared(
    "session-cookie-expires",
    "the same, where `session-cookie-max-age` is absent",
    differs="only where `session-cookie-max-age` is absent",
    example="3600",
)

SAME_SITE: Final = shared(
    "session-cookie-samesite", "`SameSite` of the cookie: `None`, `Lax` or `Strict`", example="Lax"
)

SECURE: Final = shared(
    "session-cookie-secure",
    "`true`: the cookie is sent by https alone",
    default="`false`",
    example="true",
)

DOMAIN: Final = shared("session-cookie-domain", "`Domain` of the cookie", example="shop.test")

PARTITIONED: Final = shared(
    "session-cookie-partitioned",
    "`true`: browsers keep the cookie apart for each embedding site",
    default="`false`",
    example="true",
)

ON_FAILURE: Final = shared(
    "session-cookie-change-on-failure",
    "whether a client stays with the Pod that took over from a failed one: `true` with the mode "
    "`persistent`, and `false` with `balanced`, where the client returns to its Pod; the other "
    "value is reported",
    differs="only the value that belongs to the mode",
    example="true",
)

_DEFAULT_NAME: Final = "INGRESSCOOKIE"

_ALGORITHMS: Final[Mapping[str, Balancing]] = {
    "round_robin": Balancing.ROUND_ROBIN,
    "least_conn": Balancing.LEAST_REQUEST,
    "random": Balancing.RANDOM,
}

_HASHES: Final[Mapping[str, HashBy]] = {
    "request_uri": HashBy(HashOf.HEADER, ":path"),
    "host": HashBy(HashOf.HEADER, ":authority"),
    "remote_addr": HashBy(HashOf.ADDRESS),
    "binary_remote_addr": HashBy(HashOf.ADDRESS),
}

_VARIABLE: Final = re.compile(r"\$(?:\{([a-zA-Z0-9_]{1,128})\}|([a-zA-Z0-9_]{1,128}))")

_PATH: Final = re.compile(r"/[!#$&-+\--:=?-~]{0,1023}")
"""A path without characters that would end it in a Set-Cookie header: blanks, `;` and `,`."""

_DOMAIN: Final = re.compile(r"\.?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


_AFTER_A_FAILURE: Final[Mapping[bool, tuple[str, str]]] = {
    True: ("true with affinity-mode persistent", "clients stay with the Pod that took over"),
    False: ("false with affinity-mode balanced", "clients return to their Pod once it is usable"),
}
"""The value of `ON_FAILURE` that holds, and its consequence, by whether the mode is persistent."""


def read(reader: Reader, wanted: Wanted) -> None:
    """Declare the policies that the annotations ask for."""
    algorithm = reader.find(ALGORITHM, _algorithm, "round_robin holds")
    hashed = reader.find(HASH, _hash)
    sticky = reader.find(AFFINITY, _by_cookie, "no client keeps its Pod for it")
    mode = reader.find(MODE, _is_persistent, "balanced holds")
    branches = reader.find(BRANCHES, _is_legacy, "sticky holds")
    name, path = reader.find(NAME, cookie_name), reader.find(PATH, _path)
    cookie = _cookie(reader, name, path)
    by = sticky or name or path
    persistent = mode is not None and mode.value
    changes = reader.find(ON_FAILURE, boolean)
    if by:
        if changes and changes.value is not persistent:
            reader.note(changes, "NotSupported", *_AFTER_A_FAILURE[persistent])
        if persistent:
            if branches and not branches.value:
                expected = "legacy with affinity-mode persistent"
                reader.note(branches, "NotSupported", expected, "each request is divided anew")
            wanted.policies.append(declared(by, PodCookie(cookie)))
            if algorithm:  # the cookie holds with any, so it claims none
                wanted.policies.append(declared(algorithm, LoadBalancing(algorithm.value)))
        else:
            anew = branches is not None and branches.value
            wanted.policies.append(declared(by, HashCookie(cookie, of_branches=not anew)))
            wanted.policies.append(declared(by, LoadBalancing(Balancing.HASH)))
    elif hashed:
        wanted.policies.append(declared(hashed, hashed.value))
        wanted.policies.append(declared(hashed, LoadBalancing(Balancing.HASH)))
    elif algorithm:
        wanted.policies.append(declared(algorithm, LoadBalancing(algorithm.value)))


def _cookie(reader: Reader, name: Found[str] | None, path: Found[str] | None) -> Cookie:
    lives = [reader.read(key, seconds(0, YEAR)) for key in (MAX_AGE, EXPIRES)]
    domain = reader.read(DOMAIN, _domain)
    same_site = reader.read(SAME_SITE, _same_site)
    attributes = [
        *([("Domain", domain)] if domain else []),
        *([("SameSite", same_site)] if same_site else []),
        *([("Secure", "")] if reader.read(SECURE, boolean) else []),
        *([("Partitioned", "")] if reader.read(PARTITIONED, boolean) else []),
    ]
    life = next((life for life in lives if life is not None), timedelta(0))
    return Cookie(
        name.value if name else _DEFAULT_NAME,
        path.value if path else "/",
        life,
        tuple(attributes),
    )


def _algorithm(text: str) -> Balancing:
    try:
        return _ALGORITHMS[text.lower()]
    except KeyError:
        raise Unusable("round_robin, least_conn or random") from None


def _hash(text: str) -> HashBy:
    found = _VARIABLE.fullmatch(text)
    variable = (found[1] or found[2]).lower() if found else ""
    if variable in _HASHES:
        return _HASHES[variable]
    kind, _, name = variable.partition("_")
    if kind == "http" and name:
        return HashBy(HashOf.HEADER, name.replace("_", "-"))
    if kind == "arg" and name and found:
        return HashBy(HashOf.QUERY, (found[1] or found[2]).partition("_")[2])
    raise Unusable("one of $request_uri, $host, $remote_addr, $http_NAME and $arg_NAME")


def _by_cookie(text: str) -> bool:
    if text.lower() == "cookie":
        return True
    raise Unusable("cookie")


def _is_persistent(text: str) -> bool:
    if text.lower() in {"balanced", "persistent"}:
        return text.lower() == "persistent"
    raise Unusable("balanced or persistent")


def _is_legacy(text: str) -> bool:
    if text.lower() in {"sticky", "legacy"}:
        return text.lower() == "legacy"
    raise Unusable("sticky or legacy")


def _path(text: str) -> str:
    if _PATH.fullmatch(text):
        return text
    raise Unusable("a path such as /shop, without blanks, commas and semicolons")


def _domain(text: str) -> str:
    if _DOMAIN.fullmatch(text):
        return text
    raise Unusable("a domain such as example.com")


def _same_site(text: str) -> str:
    if text.capitalize() in {"None", "Lax", "Strict"}:
        return text.capitalize()
    raise Unusable("None, Lax or Strict")


FEATURE: Final = Feature(
    "Choice of a Pod",
    (
        *(ALGORITHM, HASH, AFFINITY, MODE, BRANCHES, NAME, PATH),
        *(MAX_AGE, EXPIRES, SAME_SITE, SECURE, DOMAIN, PARTITIONED, ON_FAILURE),
    ),
    read,
)
