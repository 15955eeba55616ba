"""Bounds on what users may write, and what happens to an object that exceeds one.

Some work grows with the product of two lists that users write, in fleetgate or in Envoy. The bounds
keep such work small, so that no user's objects slow down those of another. Every legal object is
read; a part that exceeds a bound is a problem of that object.
"""

from dataclasses import dataclass
from typing import Final

MAX_DESTINATIONS: Final = 64
MAX_LABELS: Final = 32
MAX_WEIGHTS: Final = 256
MAX_LISTENERS: Final = 64
MAX_ALIASES: Final = 64
MAX_CONDITIONS: Final = 16
MAX_RULES_OF_PATH: Final = 256
MAX_BLOCKS: Final = 10
MAX_VALUES: Final = 64
MAX_ALTERNATIVES: Final = 64
MAX_CONDITION_TEXT: Final = 4096
"""The regex for the value of a query parameter has up to ten characters for each byte."""

MAX_BLOCK_TEXT: Final = 65536
MAX_GROUPS: Final = 10
MAX_BODY: Final = 4096
MAX_HEADER_LINES: Final = 64
MAX_HEADER_TEXT: Final = 4096
MAX_CANARIES: Final = 64
MAX_ORIGINS: Final = 64
MAX_RANGES: Final = 1024
MAX_CLIENTS: Final = 20_000
MAX_USERS: Final = 1000
MAX_NAMES: Final = 32
MAX_CERTIFICATE_NAMES: Final = 100

MAX_ROUTES_OF_INGRESS: Final = 10_000
MAX_ROUTES_OF_HOST: Final = 20_000
CONDITION_TEXT_OF_RULE: Final = 64
"""A rule with longer values counts as several rules, because each of its routes repeats them."""

MAX_INSTRUCTIONS: Final = 200
"""Where RE2 cannot build its automaton, a match costs about 10 ns for each instruction and byte.
With MAX_MATCHED bytes, the worst pattern costs 1 ms a request."""

MAX_CHAINS: Final = 100
MAX_BELOW: Final = 1000
"""A listener is sent as a whole, with all chains and with all names that choose one."""

MAX_NAMED: Final = 100
"""Envoy reads all certificates that a listener names at once: 100 in 0.3 s, 400 in 4 s."""

MAX_NODES: Final = 16
"""Envoy keeps an endpoint for each node and backend."""

MAX_COUNTED_PODS: Final = 100_000
"""Envoy adds the weights of a backend in 32 bits."""

MAX_PROBLEMS: Final = 50

MAX_MATCHED: Final = 512
MAX_PATTERNS: Final = 16
MAX_INSTRUCTIONS_OF_HOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Bound:
    """A row of the documentation: what is counted, the bound, and what happens beyond it."""

    counted: str
    most: int
    beyond: str


BOUNDS: Final = (
    Bound("lines of `destination`", MAX_DESTINATIONS, "the annotation is ignored"),
    Bound("lines of `subset-labels`", MAX_LABELS, "the annotation is ignored"),
    Bound("annotations `cluster-weight.NAME`", MAX_WEIGHTS, "all of them are ignored"),
    Bound("names in `server-alias`", MAX_ALIASES, "the annotation is ignored"),
    Bound(
        "rules of a host, times its aliases",
        MAX_ROUTES_OF_HOST,
        "the last aliases by name are not served",
    ),
    Bound("conditions of an Ingress, as `exact-match-header-...`", MAX_CONDITIONS, "it is closed"),
    Bound(
        "bytes of the values of all these conditions, patterns included",
        MAX_CONDITION_TEXT,
        "it is closed",
    ),
    Bound(
        "rules of a path that differ in their conditions",
        MAX_RULES_OF_PATH,
        "the youngest are not served",
    ),
    Bound("blocks in `conditions.NAME` or `actions.NAME`", MAX_BLOCKS, "its paths are not served"),
    Bound("values in such a block, or of such a type", MAX_VALUES, "its paths are not served"),
    Bound(
        "combinations of query parameters and cookies in `conditions.NAME`",
        MAX_ALTERNATIVES,
        "its paths are not served",
    ),
    Bound(
        "bytes of the values of headers, query parameters and cookies in `conditions.NAME`; one "
        "with wildcards counts as the regex that is made of it",
        MAX_CONDITION_TEXT,
        "its paths are not served",
    ),
    Bound(
        "bytes of the values of all ResponseHeader blocks in `conditions.NAME`",
        MAX_CONDITION_TEXT,
        "its paths are not served",
    ),
    Bound(
        "characters of `conditions.NAME` or `actions.NAME`",
        MAX_BLOCK_TEXT,
        "its paths are not served",
    ),
    Bound("groups of a ForwardGroup in `actions.NAME`", MAX_GROUPS, "its paths are not served"),
    Bound("bytes of a FixedResponse in `actions.NAME`", MAX_BODY, "its paths are not served"),
    Bound(
        "characters of header values in `actions.NAME`", MAX_HEADER_TEXT, "its paths are not served"
    ),
    Bound("lines or names of a `...-header-control-...`", MAX_HEADER_LINES, "it is ignored"),
    Bound("characters of a `...-header-control-...`", MAX_HEADER_TEXT, "it is ignored"),
    Bound("origins in `cors-allow-origin`", MAX_ORIGINS, "the origins behind are not allowed"),
    Bound(
        "items in a list of client addresses",
        MAX_RANGES,
        "the items behind are not allowed; a longer list of denied ones closes the paths",
    ),
    Bound(
        "client addresses that a path with `limit-rps` or `limit-rpm` counts at a time",
        MAX_CLIENTS,
        "the count of the address that has been silent for longest begins anew",
    ),
    Bound("users of a Secret of `auth-secret`", MAX_USERS, "the others cannot sign in"),
    Bound("headers in `auth-response-headers`", MAX_NAMES, "the paths are closed"),
    Bound("listeners in `listen-ports`", MAX_LISTENERS, "the Ingress is not served"),
    Bound(
        "bytes of the values of a rule's conditions, those of its canary included",
        CONDITION_TEXT_OF_RULE,
        f"it counts as one rule more for each {CONDITION_TEXT_OF_RULE} bytes beyond, or a part of "
        "them",
    ),
    Bound(
        "rules of an Ingress; one counts once for each of its backends, on each of its listeners",
        MAX_ROUTES_OF_INGRESS,
        "the rules behind are not served",
    ),
    Bound(
        "rules of a host, those of canaries included; one counts once for each backend that it "
        "may ask",
        MAX_ROUTES_OF_HOST,
        "the youngest are not served, canaries first",
    ),
    Bound(
        "hosts of a gateway with TLS of their own, by `ssl-passthrough`, `auth-tls-secret`, "
        "`ssl-cipher` or `tls-min-protocol-version`",
        MAX_CHAINS,
        "the youngest have none",
    ),
    Bound(
        "hosts below wildcards with TLS of their own",
        MAX_BELOW,
        "the youngest of these wildcards have none",
    ),
    Bound(
        "certificates of a gateway with HTTP/3",
        MAX_NAMED,
        "hosts of the youngest have no HTTP/3",
    ),
    Bound(
        "names in a certificate of an AlbConfig's listener",
        MAX_CERTIFICATE_NAMES,
        "the certificate is not shown for the names behind, unless it is the default one",
    ),
    Bound(
        "nodes of a member that take requests for a Service, without "
        "`externalTrafficPolicy: Local`",
        MAX_NODES,
        "other Services use the other nodes",
    ),
    Bound(
        "Pods that a member has behind nodes or its own gateway, for a Service",
        MAX_COUNTED_PODS,
        "more give the member no larger share",
    ),
    Bound("canaries of a path", MAX_CANARIES, "the youngest take no request there"),
    Bound(
        "problems of one reason that an Ingress is told", MAX_PROBLEMS, "it is told how many more"
    ),
    Bound("instructions of a pattern, as RE2 counts them", MAX_INSTRUCTIONS, "it never matches"),
    Bound("bytes that a pattern is compared with", MAX_MATCHED, "a longer value does not match"),
    Bound("patterns of canaries of a path", MAX_PATTERNS, "the youngest never match there"),
    Bound(
        "instructions of all patterns on a host, each counted on every path that it is asked for",
        MAX_INSTRUCTIONS_OF_HOST,
        "the youngest never match",
    ),
)
