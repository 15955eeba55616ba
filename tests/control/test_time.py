"""Time goes by: what depends on it changes without an event."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from fleet.events import Event, Listed, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane, ControlSettings, News
from tests.control.rig import AT_ONCE, GATEWAY, Said, starting
from tests.support.authority import Pair
from tests.support.builders import ingress, mse_gateway, secret
from tests.support.certificates import NOW, certificate, tls_data

SHOP = ingress("shop", host="shop.test").path("/", to="web:80").of_class("mse")


def test_a_certificate_that_was_issued_a_moment_ago_is_valid() -> None:
    now = NOW.replace(minute=30)

    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*_declared(certificate("shop.test", begin=now - timedelta(minutes=1))))
        await control.started.wait()
        assert not _told(control)

    starting(AT_ONCE, scenario, ControlSettings(now=lambda: now))


def test_a_certificate_that_ends_is_told_without_any_event() -> None:
    now = NOW.replace(minute=59, second=59, microsecond=900_000)  # 0.1 s before the next step

    async def scenario(control: ControlPlane, source: Said) -> None:
        nonlocal now
        await source.say(*_declared(certificate("shop.test")))
        await control.started.wait()
        assert not _told(control)
        told = asyncio.Event()

        def hear(_: News) -> None:
            if _told(control) == {"CertificateExpired"}:
                told.set()

        control.on_news(hear)
        now += timedelta(days=61)
        await told.wait()

    starting(AT_ONCE, scenario, ControlSettings(now=lambda: now))


def _declared(pair: Pair) -> Iterator[Event]:
    """Yield the events of a hub with a gateway, a Secret, and an Ingress for it."""
    shop = SHOP.tls("shop", "shop.test")
    yield Upserted(GATEWAY, mse_gateway("gw").model())
    yield Upserted(Ref(HUB, "Secret", "default", "shop"), secret("shop", tls_data(pair)).model())
    yield Upserted(shop.ref(), shop.model())
    yield Listed(HUB)


def _told(control: ControlPlane) -> set[str]:
    """Return the reasons of problems of certificates."""
    reasons = {problem.reason for problem in control.problems}
    return {reason for reason in reasons if reason.startswith("Certificate")}
