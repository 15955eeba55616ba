"""Annotations that the objects of all gateways may have."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fleet.address import is_ip
from fleet.attached import REMOTE_CLUSTERS, listed
from fleet.models import AlbConfig, MseIngressConfig
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.setting import read_setting
from translators.dialects.annotations.values import duration
from translators.model.gateways import UpstreamLimits

UPSTREAM_TIMEOUT: Final = "fleetgate.dev/upstream-timeout"


CONNECT_TIMEOUT: Final = "fleetgate.dev/connect-timeout"


UPSTREAM_IDLE_TIMEOUT: Final = "fleetgate.dev/upstream-idle-timeout"


ADDRESSES: Final = "fleetgate.dev/addresses"


INSTANCE_REPLICAS: Final = "fleetgate.dev/instance-replicas"


INSTANCE_SPEC: Final = "fleetgate.dev/instance-spec"
"""What a MseIngressConfig has fields for, `spec.common.instance`, and an AlbConfig has not."""


READ_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    MseIngressConfig.__name__: (REMOTE_CLUSTERS[MseIngressConfig.__name__],),
    AlbConfig.__name__: (REMOTE_CLUSTERS[AlbConfig.__name__], INSTANCE_REPLICAS, INSTANCE_SPEC),
}
"""Annotations that `read_gateway` does not look up and that have an effect, by kind."""


_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)(?![0-9.]*$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
)


_DURATION: Final = duration(timedelta(milliseconds=10), timedelta(hours=1), "250ms or 3s")


def read_limits(
    ref: Ref, annotations: Mapping[str, str], problems: list[Problem]
) -> UpstreamLimits:
    def setting(key: str, default: timedelta) -> timedelta:
        shown = f"{default.total_seconds():g}s"
        return read_setting(ref, annotations, key, _DURATION, default, shown, problems)

    defaults = UpstreamLimits()
    return UpstreamLimits(
        setting(CONNECT_TIMEOUT, defaults.connect),
        setting(UPSTREAM_TIMEOUT, defaults.unacknowledged),
        setting(UPSTREAM_IDLE_TIMEOUT, defaults.idle),
    )


def read_addresses(
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
