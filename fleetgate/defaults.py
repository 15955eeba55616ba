"""What holds where nothing else is said, for options and for programs that embed fleetgate."""

from typing import Final

XDS_PORT: Final = 18000
"""Where Envoys ask for their configuration."""

ADMIN_PORT: Final = 18001
"""Where fleetgate's own admin HTTP listens."""

ENVOY_ADMIN_PORT: Final = 9901
"""Where the admin pages of an Envoy are, on loopback."""
