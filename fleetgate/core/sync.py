"""The wait until every Envoy has acknowledged all that is declared."""

import asyncio
from typing import Any, Final

from fleetgate.core.control import ControlPlane
from fleetgate.core.own_envoys import NoEnvoys, OwnEnvoys
from fleetgate.core.problems import unread
from fleetgate.core.view import SHORT_NAMES
from xds.quoted import MESSAGE, cut, printable, quoted

MOST_MISSING: Final = 1000
"""The most resources that an answer names."""


async def sync(
    control: ControlPlane,
    timeout: float,  # noqa: ASYNC109 (a deadline that reports what is missing instead of raising)
    envoys: OwnEnvoys | None = None,
) -> list[dict[str, Any]]:
    """Wait until every Envoy has acknowledged everything that is declared at the time of the call.

    Return an empty list, or what is missing after `timeout` seconds: the node, type and name of a
    resource with the reason, or the reason why the hub or an attached member cannot be read. An
    origin that cannot be read is waited for, since its declarations are unknown.

    This waits for all connected Envoys, and for `envoys`, which run here and may not be connected
    yet. Without any Envoy it returns once everything is published.
    """
    own = envoys or NoEnvoys()
    changed = asyncio.Event()
    stops = (
        control.cache.on_change(changed.set),
        # An origin that can be read again may change no resource, so the cache would not tell.
        control.on_turn(lambda _: changed.set()),
    )
    settled = opening = False
    try:
        async with asyncio.timeout(timeout):
            await control.settle()
            settled = True
            while (
                unread(control.state, control.dialects)
                or own.absent(control)
                or control.cache.unacknowledged(most=1)
            ):
                await changed.wait()
                changed.clear()
            opening = True
            await own.accepting(control)
    except TimeoutError:
        pass
    else:
        return []
    finally:
        for stop in stops:
            stop()
    missing = [missing_for(reason) for reason in unread(control.state, control.dialects)]
    if not settled:
        doing = "read again" if control.started.is_set() else "read"
        return missing or [missing_for(f"what is declared has not been {doing} yet")]
    missing += [missing_for(reason, node) for node, reason in own.absent(control).items()]
    missing += [
        missing_for(
            cut(resource.reason, MESSAGE),
            quoted(resource.node_id),
            SHORT_NAMES[resource.type_url],
            printable(resource.name),
        )
        for resource in control.cache.unacknowledged(most=MOST_MISSING)
    ]
    if opening:
        missing.append(missing_for("not every listener accepts connections yet"))
    return missing


def missing_for(reason: str, node: str = "", short: str = "", name: str = "") -> dict[str, Any]:
    """Return one missing item as JSON. Parts that are not known are empty."""
    return {"node": node, "type": short, "name": name, "reason": reason}
