"""Edge settings of a gateway, read from the annotations of its object."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from fleet.kinds import listed
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.setting import read_setting
from translators.dialects.annotations.values import boolean, duration, network
from translators.dialects.hsts import HSTS, parse_hsts
from translators.model.edge import EdgeSettings, Network, PathNormalization

PATH_NORMALIZATION: Final = "fleetgate.dev/path-normalization"

TRUSTED_PROXIES: Final = "fleetgate.dev/trusted-proxies"

PROXY_PROTOCOL: Final = "fleetgate.dev/proxy-protocol"

HTTP3: Final = "fleetgate.dev/http3"

STREAM_IDLE_TIMEOUT: Final = "fleetgate.dev/stream-idle-timeout"

MOST_TRUSTED: Final = 512
"""The bound on trusted networks: Envoy compares each hop of an X-Forwarded-For with all of them."""

_SILENCE: Final = duration(timedelta(seconds=1), timedelta(days=1), "60s or 3600s")


def read_edge(ref: Ref, annotations: Mapping[str, str], problems: list[Problem]) -> EdgeSettings:
    """Read the settings. Defaults stand in for those that are absent or unusable."""
    default = EdgeSettings()
    trusted = tuple(_networks(ref, annotations.get(TRUSTED_PROXIES, ""), problems))
    silence = default.stream_idle
    settings = EdgeSettings(
        read_setting(
            ref, annotations, PATH_NORMALIZATION, _paths, default.paths, default.paths, problems
        ),
        trusted,
        read_setting(ref, annotations, PROXY_PROTOCOL, boolean, False, "false", problems),  # noqa: FBT003
        read_setting(
            ref,
            annotations,
            STREAM_IDLE_TIMEOUT,
            _SILENCE,
            silence,
            f"{silence.total_seconds():g}s",
            problems,
        ),
        read_setting(ref, annotations, HSTS, parse_hsts, default.hsts, "none", problems),
        read_setting(ref, annotations, HTTP3, boolean, False, "false", problems),  # noqa: FBT003
    )
    if settings.proxy_protocol and not trusted:
        problems.append(_nobody_trusted(ref, annotations[PROXY_PROTOCOL].strip()))
    return settings


def _paths(text: str) -> PathNormalization:
    try:
        return PathNormalization(text)
    except ValueError:
        raise Unusable(" or ".join(PathNormalization)) from None


def _networks(ref: Ref, text: str, problems: list[Problem]) -> Iterator[Network]:
    """Yield the usable networks of a list. Address bits beyond a prefix length are ignored."""
    items = listed(text)
    for item in items[:MOST_TRUSTED]:
        try:
            yield network(item)
        except Unusable as e:
            effect = "nothing is trusted by it"
            problems.append(
                Problem(ref, "InvalidAnnotation", TRUSTED_PROXIES, item, e.expected, effect)
            )
    if len(items) > MOST_TRUSTED:
        value, expected = f"{len(items)} items", f"at most {MOST_TRUSTED} items"
        effect = "nothing is trusted by the items behind these"
        problems.append(Problem(ref, "InvalidAnnotation", TRUSTED_PROXIES, value, expected, effect))


def _nobody_trusted(ref: Ref, value: str) -> Problem:
    expected = f"{TRUSTED_PROXIES} beside it, with the addresses of those who send PROXY headers"
    effect = "a connection that begins with such a header is closed"
    return Problem(ref, "NoTrustedProxies", PROXY_PROTOCOL, value, expected, effect)
