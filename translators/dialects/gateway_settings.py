"""Settings that gateways of every dialect have, read from annotations of their objects."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from fleet.address import is_ip
from fleet.kinds import listed
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.references import DEFAULT_CERTIFICATE
from translators.dialects.annotations.setting import read_setting
from translators.dialects.annotations.values import duration
from translators.dialects.boundaries import read_boundaries
from translators.dialects.edge_settings import HTTP3, read_edge
from translators.dialects.hosts import LABEL
from translators.dialects.hsts import HSTS
from translators.dialects.named_secrets import named_secret
from translators.dialects.nearness import read_nearness
from translators.model.gateways import GatewaySettings, UpstreamLimits

UPSTREAM_TIMEOUT: Final = "fleetgate.dev/upstream-timeout"
CONNECT_TIMEOUT: Final = "fleetgate.dev/connect-timeout"
UPSTREAM_IDLE_TIMEOUT: Final = "fleetgate.dev/upstream-idle-timeout"
ADDRESSES: Final = "fleetgate.dev/addresses"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}$)(?![0-9.]*$){LABEL}(?:\.{LABEL})*")
_DURATION: Final = duration(timedelta(milliseconds=10), timedelta(hours=1), "250ms or 3s")


def read_settings(ref: Ref, gateway: str, annotations: Mapping[str, str]) -> GatewaySettings:
    """Read the settings of the gateway of this name. Defaults stand in for unusable values."""
    problems: list[Problem] = []
    edge = read_edge(ref, annotations, problems)
    limits = _limits(ref, annotations, problems)
    boundaries = read_boundaries(ref, gateway, annotations, problems)
    addresses = _addresses(ref, annotations, problems)
    secret = read_setting(
        ref,
        annotations,
        DEFAULT_CERTIFICATE,
        named_secret,
        None,
        "no default certificate",
        problems,
    )
    nearness = read_nearness(ref, annotations, problems)
    return GatewaySettings(
        limits, edge, boundaries, addresses, secret, tuple(problems), nearness=nearness
    )


def without_tls(
    ref: Ref, annotations: Mapping[str, str], settings: GatewaySettings
) -> Iterator[Problem]:
    """Report the settings of TLS at a gateway that has no listener for it."""
    for key, value in (
        (DEFAULT_CERTIFICATE, settings.default_certificate),
        (HSTS, settings.edge.hsts),
        (HTTP3, settings.edge.http3),
    ):
        if value:
            expected = "a gateway with a listener for TLS"
            yield Problem(ref, "NoTls", key, annotations[key].strip(), expected, "no effect")


def _limits(ref: Ref, annotations: Mapping[str, str], problems: list[Problem]) -> UpstreamLimits:
    def setting(key: str, default: timedelta) -> timedelta:
        shown = f"{default.total_seconds():g}s"
        return read_setting(ref, annotations, key, _DURATION, default, shown, problems)

    defaults = UpstreamLimits()
    return UpstreamLimits(
        setting(CONNECT_TIMEOUT, defaults.connect),
        setting(UPSTREAM_TIMEOUT, defaults.unacknowledged),
        setting(UPSTREAM_IDLE_TIMEOUT, defaults.idle),
    )


def _addresses(
    ref: Ref, annotations: Mapping[str, str], problems: list[Problem]
) -> tuple[str, ...]:
    usable = []
    for address in listed(annotations.get(ADDRESSES, "")):
        if is_ip(address) or _HOSTNAME.fullmatch(address):
            usable.append(address)
        else:
            expected = "IP addresses or host names, with commas between them"
            effect = "it is not shown"
            problems.append(Problem(ref, "InvalidAnnotation", ADDRESSES, address, expected, effect))
    return tuple(usable)
