"""The cache of a process, with the rule for certificates that Envoys ask for by any name."""

from translators.envoy.certificates import OTHERS, renamed, stand_in
from xds.cache import SnapshotCache
from xds.on_demand import StandIns
from xds.resource import TypeUrl


def snapshot_cache() -> SnapshotCache:
    """Make an empty cache that serves certificates on demand."""
    return SnapshotCache({TypeUrl.SECRET: StandIns(stand_in, renamed, OTHERS)})
