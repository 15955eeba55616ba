"""Defaults that options of commands share with settings of programs that embed fleetgate."""

from typing import Final

LOOPBACK: Final = "127.0.0.1"
"""The address of xDS, of the admin HTTP, and of gateways on this machine."""

ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 (a gateway serves everybody; `--bind` narrows it)
"""The address of gateways whose Envoys run on hosts of their own."""

XDS_PORT: Final = 18000
"""The port on which Envoys ask for their configuration."""

XDS_MAX_REQUEST: Final = 4
"""The size of the largest request of an Envoy, in MiB."""

ADMIN_PORT: Final = 18001
"""The port of fleetgate's own admin HTTP."""

ENVOY_ADMIN_PORT: Final = 9901
"""The port of Envoy's admin pages, on loopback."""

NAMESPACE: Final = "fleetgate-system"
"""The namespace of fleetgate on the hub, as `deploy/` installs it."""


START_DEADLINE: Final = 10.0
"""Seconds that a member without an answer may delay the start, or a gateway that attaches it."""

SYNC_TIMEOUT: Final = 30.0
"""Seconds that `sync` waits for Envoys."""
