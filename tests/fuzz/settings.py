"""Random settings of the gateway. They differ from batch to batch."""

from random import Random
from typing import Final

from fleet.references import DEFAULT_CERTIFICATE
from translators.dialects.edge_settings import (
    HTTP3,
    PATH_NORMALIZATION,
    STREAM_IDLE_TIMEOUT,
    TRUSTED_PROXIES,
)
from translators.dialects.gateway_settings import (
    CONNECT_TIMEOUT,
    UPSTREAM_IDLE_TIMEOUT,
    UPSTREAM_TIMEOUT,
)
from translators.dialects.hsts import HSTS

_VALUES: Final = {
    HSTS: (
        "max-age=1; preload; includeSubDomains",
        "max-age=0",
        "max-age=9999999999",
        "max-age",
        "",
    ),
    PATH_NORMALIZATION: ("base", "strict", "none"),
    TRUSTED_PROXIES: ("127.0.0.0/8", "10.0.0.0/8, ::1", "0.0.0.0/0,::/0", "x", ""),
    DEFAULT_CERTIFICATE: (
        *("default/good", "default/rsa", "default/broken", "default/nowhere", "other/good", "x"),
        "",
    ),
    STREAM_IDLE_TIMEOUT: ("600s", "86400s", "0s", ""),
    CONNECT_TIMEOUT: ("1s", "3s", "1h", "0s", ""),
    UPSTREAM_TIMEOUT: ("3s", "10s", "1h", "x", ""),
    UPSTREAM_IDLE_TIMEOUT: ("10ms", "60s", "1h", "-1s", ""),
}


def settings(seed: int, batch: int) -> dict[str, str]:
    """Choose the annotations of the gateway's object. Every second batch has HTTP/3."""
    random = Random(f"{seed}/settings/{batch}")  # noqa: S311 (to be repeatable is the point)
    chosen = {key: random.choice(values) for key, values in _VALUES.items()}
    return {**chosen, HTTP3: "false" if batch % 2 else "true"}
