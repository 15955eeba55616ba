"""Where Envoy asks for resources that other resources name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translators.envoy.messages import AggregatedConfigSource, ApiVersion, ConfigSource

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core


def over_ads() -> core.ConfigSource:
    """Return the stream on which Envoy asks for everything else."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)
