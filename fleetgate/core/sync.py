"""Waiting until all that is declared has reached all Envoys."""

import asyncio
from typing import Any, Final

from fleetgate.core.control import ControlPlane
from fleetgate.core.own_envoys import NoEnvoys, OwnEnvoys
from fleetgate.core.problems import unread
from fleetgate.core.view import SHORT_NAMES
from xds.quoted import MESSAGE, cut, printable, quoted

MOST_MISSING: Final = 1000
"""Resources that an answer names."""


async def sync(
    control: ControlPlane,
    timeout: float,  # noqa: ASYNC109 (a deadline that reports what is missing instead of raising)
    envoys: OwnEnvoys | None = None,
) -> list[dict[str, Any]]:
    """Wait until everything declared now is acknowledged by every Envoy.

    Returns what is missing after `timeout` seconds: node, type, resource and why, or why the hub or
    an attached member cannot be read; nothing if all is well. One that cannot be read is waited for
    like an Envoy: what it declares is not known.

    Every Envoy is each one that is connected, and those of `envoys`, which run here and will be.
    Where none is expected and none is connected, published is enough.
    """
    own = envoys or NoEnvoys()
    changed = asyncio.Event()
    stops = (
        control.cache.on_change(changed.set),
        control.on_turn(lambda _: changed.set()),  # an origin that is back may publish nothing
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
            cut(each.reason, MESSAGE),
            quoted(each.node_id),
            SHORT_NAMES[each.type_url],
            printable(each.name),
        )
        for each in control.cache.unacknowledged(most=MOST_MISSING)
    ]
    if opening:
        missing.append(missing_for("not every listener accepts connections yet"))
    return missing


def missing_for(reason: str, node: str = "", short: str = "", name: str = "") -> dict[str, Any]:
    """What is missing: of a node, a type and a resource, as far as these are known; and why."""
    return {"node": node, "type": short, "name": name, "reason": reason}
