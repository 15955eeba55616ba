"""Time goes by: what depends on it changes without an event."""

import asyncio
from datetime import timedelta

from fleet.events import Listed, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane, ControlSettings, News
from tests.control.rig import AT_ONCE, GATEWAY, Said, starting
from tests.support.builders import ingress, mse_gateway, secret
from tests.support.certificates import NOW, certificate, tls_data

SHOP = ingress("shop", host="shop.test").path("/", to="web:80").of_class("mse")


def test_a_certificate_that_ends_is_told_without_any_event() -> None:
    now = NOW.replace(minute=59, second=59, microsecond=900_000)  # 0.1 s before the next step

    async def scenario(control: ControlPlane, source: Said) -> None:
        nonlocal now
        made = secret("shop", tls_data(certificate("shop.test")))
        shop = SHOP.tls("shop", "shop.test")
        await source.say(
            Upserted(GATEWAY, mse_gateway("gw").model()),
            Upserted(Ref(HUB, "Secret", "default", "shop"), made.model()),
            Upserted(shop.ref(), shop.model()),
            Listed(HUB),
        )
        await control.started.wait()
        assert not _ended(control)
        told = asyncio.Event()

        def hear(_: News) -> None:
            if _ended(control):
                told.set()

        control.on_news(hear)
        now += timedelta(days=61)
        await told.wait()

    starting(AT_ONCE, scenario, ControlSettings(now=lambda: now))


def _ended(control: ControlPlane) -> bool:
    return any(problem.reason == "CertificateExpired" for problem in control.problems)
