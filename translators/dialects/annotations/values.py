"""Parsers of annotation values: booleans, numbers, times, names, regexes. All raise `Unusable`."""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Network, ip_network
from typing import Final, NamedTuple

import re2

from translators.dialects.annotations.reader import Unusable
from translators.dialects.hosts import LABEL
from translators.model.backends import ServicePort
from translators.model.bounds import MAX_INSTRUCTIONS
from translators.model.edge import Network

_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_DURATION: Final = re.compile(r"([0-9]{1,8})(ms|s)")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_PARAMETER: Final = re.compile(r"[\x21\x22\x24\x25\x27-\x3c\x3e-\x7e]{1,4096}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]{1,4096}")
NGINX_VARIABLE: Final = re.compile(r"\$[A-Za-z_{]")
"""The begin of a variable, which ingress-nginx would expand; `$1` and the like are groups."""

_LABEL: Final = re.compile(LABEL)
_REFUSALS: Final = frozenset(
    {*range(400, 418), *range(421, 425), 426, 428, 429, 431, *range(500, 509), 510, 511}
)
"""The codes that Envoy knows. It would reject another one."""

_MAX_QUERY_VALUE: Final = 4096
YEAR: Final = 31_536_000
"""In seconds: the most that annotations may say of a time."""

_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def boolean(text: str) -> bool:
    """Read a boolean in one of the spellings that Go's `strconv.ParseBool` accepts."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Unusable("true or false")


def one_of(*words: str) -> Callable[[str], str]:
    """Make a parser that accepts these words only."""

    def parse(text: str) -> str:
        if text in words:
            return text
        raise Unusable(" or ".join(words))

    return parse


def on_or_off(text: str) -> bool:
    """A switch as NGINX writes it. Raises Unusable."""
    if text in {"on", "off"}:
        return text == "on"
    raise Unusable("on or off")


def integer(low: int, high: int) -> Callable[[str], int]:
    """Make a parser of decimal integers between the bounds, which are included."""

    def parse(text: str) -> int:
        if _INTEGER.fullmatch(text) and low <= (number := int(text)) <= high:
            return number
        raise Unusable(f"an integer from {low} to {high}")

    return parse


def refusal(text: str) -> int:
    """Read the status of a refused request."""
    code = integer(400, 599)(text)
    if code not in _REFUSALS:
        raise Unusable("a standard status from 400 to 511, such as 429")
    return code


def seconds(low: int, high: int) -> Callable[[str], timedelta]:
    """Make a parser of whole seconds without a unit, between the bounds, which are included."""

    def parse(text: str) -> timedelta:
        if _INTEGER.fullmatch(text) and low <= (number := int(text)) <= high:
            return timedelta(seconds=number)
        raise Unusable(f"whole seconds from {low} to {high}, without a unit")

    return parse


def duration(low: timedelta, high: timedelta, examples: str) -> Callable[[str], timedelta]:
    """Make a parser of whole numbers with a unit, ms or s, between the bounds (included)."""

    def parse(text: str) -> timedelta:
        if found := _DURATION.fullmatch(text):
            value = timedelta(milliseconds=int(found[1]) * (1 if found[2] == "ms" else 1000))
            if low <= value <= high:
                return value
        raise Unusable(f"a time from {_span(low)} to {_span(high)}, such as {examples}")

    return parse


def field_name(text: str) -> str:
    """Read the name of a header that is written or removed; returned in lower case."""
    if _TOKEN.fullmatch(text):
        return text.lower()
    raise Unusable("a header name (letters, digits, - and the like)")


def header_name(text: str) -> str:
    """Read a header name, a token of RFC 9110 section 5.6.2; returned in lower case, as in Envoy.

    A name with an underscore is unusable, because listeners drop such headers.
    """
    name = field_name(text)
    if "_" in name:
        raise Unusable(
            "a header name without _",
            "requests lose such headers at the gateway, so nothing would match it",
        )
    return name


def token(text: str) -> str:
    """Read a token of RFC 9110 section 5.6.2, such as a method or the name of a header."""
    if _TOKEN.fullmatch(text):
        return text
    raise Unusable("words of letters, digits, - and the like, with commas between them")


def cookie_name(text: str) -> str:
    """Read a cookie name, a token whose case counts."""
    if _TOKEN.fullmatch(text):
        return text
    raise Unusable("a cookie name (letters, digits, - and the like)")


def query_name(text: str) -> str:
    """Read the name of a query parameter, in the spelling of requests."""
    if _PARAMETER.fullmatch(text):
        return text
    raise Unusable("a parameter's name as requests spell it, percent-encoded (such as a%20b)")


def query_value(text: str) -> str:
    """Read the value of a query parameter, bounded in bytes.

    `translators.envoy.routes` makes a regex of it, with two spellings for each byte.
    """
    if len(printable(text).encode()) > _MAX_QUERY_VALUE:
        raise Unusable(f"one line of at most {_MAX_QUERY_VALUE} bytes")
    return text


def printable(text: str) -> str:
    """Read one line without control characters, of at most 4096 characters."""
    if _PRINTABLE.fullmatch(text):
        return text
    raise Unusable("one line of at most 4096 characters")


class Pattern(NamedTuple):
    """A user's pattern as Envoy gets it, and the number of instructions that RE2 makes of it."""

    regex: str
    instructions: int


def pattern(text: str, form: str = "(?:{})") -> Pattern:
    """Read a pattern that RE2, Envoy's engine, accepts, and put it into `form`.

    Every regex that users write passes through here. The cost of a match in Envoy grows with the
    number of instructions, so that number is bounded. Costs two compilations.
    """
    printable(text)
    regex = form.format(text)
    # The text must compile alone too: ")(" would close the group of `form`, and open another one.
    _program_size(text)
    size = _program_size(regex)
    if size > MAX_INSTRUCTIONS:
        raise Unusable(
            f"a pattern of at most {MAX_INSTRUCTIONS} instructions, as RE2 counts them, not {size}"
        )
    return Pattern(regex, size)


def network(text: str) -> Network:
    """Read an IP address or a CIDR. Address bits beyond the prefix length are ignored."""
    try:
        if "%" not in text:  # a zone such as fe80::1%eth0
            return _unmapped(ip_network(text, strict=False))
    except ValueError:
        pass
    raise Unusable("IP addresses and CIDRs such as 10.0.0.0/8, with commas between them")


def _unmapped(read: Network) -> Network:
    """Return the IPv4 network of one in the notation of IPv6, as Envoy knows such clients."""
    if not isinstance(read, IPv6Network) or not read.subnet_of(_MAPPED):
        return read
    embedded = read.network_address.ipv4_mapped
    return ip_network(f"{embedded}/{read.prefixlen - _MAPPED.prefixlen}")


class ServiceName(NamedTuple):
    """A Service as an annotation names it."""

    namespace: str
    name: str
    port: ServicePort


def service_name(namespace: str, *, with_port: bool = False) -> Callable[[str], ServiceName]:
    """Make a parser of `[NAMESPACE/]SERVICE`, `with_port` also of `[NAMESPACE/]SERVICE:PORT`.

    `namespace` holds where none is written, and the first port of the Service where no port is.
    """

    def parse(text: str) -> ServiceName:
        of, slash, rest = text.rpartition("/")
        name, colon, port = rest.partition(":")
        given = _port(port) if colon and with_port else ServicePort()
        names = [of] * bool(slash) + [name]
        if given is None or (colon and not with_port) or not all(map(_LABEL.fullmatch, names)):
            raise Unusable("[NAMESPACE/]SERVICE" + ("[:PORT]" if with_port else ""))
        return ServiceName(of or namespace, name, given)

    return parse


def _port(text: str) -> ServicePort | None:
    """Read a port by number or by name; None if it is neither."""
    if re.fullmatch("[0-9]{1,5}", text):
        return ServicePort(int(text)) if 1 <= int(text) <= 65535 else None
    return ServicePort(name=text) if _LABEL.fullmatch(text) else None


def lines(text: str, most: int) -> tuple[str, ...]:
    """Return the lines that are not blank, without surrounding blanks."""
    trimmed = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(trimmed) > most:
        raise Unusable(f"at most {most} lines, not {len(trimmed)}")
    return trimmed


def _program_size(regex: str) -> int:
    """Count the instructions that RE2 makes of a regex.

    Envoy matches bytes, so the regex is compiled for Latin-1: a character beyond ASCII becomes two
    to four bytes, and `\\x{100}` is an error.
    """
    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return int(re2.compile(regex.encode(), options).programsize)
    except re2.error as e:
        reason = e.args[0].decode(errors="replace") if e.args else "not accepted"
        raise Unusable(f"a regular expression of RE2's syntax: {reason}") from e


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
