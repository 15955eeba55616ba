"""An AlbConfig is read into a gateway."""

from fleet.ref import Ref
from translators.dialects.alb.listeners import read_entries, read_id
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.dialect import GatewaySpec
from translators.dialects.edge_settings import STREAM_IDLE_TIMEOUT


def read_alb_gateway(ref: Ref, config: AlbConfig) -> GatewaySpec:
    """Read the listeners and the ID. An AlbConfig selects no Ingresses: their class names it."""
    entries, problems = read_entries(
        ref,
        config.spec.listeners,
        silence_is_set=STREAM_IDLE_TIMEOUT in config.metadata.annotations,
    )
    shown, more = read_id(ref, config.spec.config)
    return GatewaySpec(
        tuple(entries.values()), tuple(entries), id=shown, problems=(*problems, *more)
    )
