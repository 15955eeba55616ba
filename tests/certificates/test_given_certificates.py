"""Given files are shown, followed when they change, and broken ones change nothing."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fleetgate.certificates.authority import Authority
from fleetgate.certificates.credential import Credential
from fleetgate.certificates.given import GivenCertificates, GivenFiles
from fleetgate.errors import OperatorError
from tests.certificates.served import (
    DAY,
    NOW,
    SERVER,
    Clock,
    ask,
    authority,
    channel,
    eventually,
    serial,
    served,
    unusable,
)

URI = "spiffe://fleetgate/gateway/mse/shop"
OWN = authority()
CLIENT = Credential(OWN.client(URI, NOW, DAY), OWN.pair.certificate)


def server(own: Authority = OWN, days: int = 1) -> Credential:
    return Credential(own.server([SERVER], NOW, days * DAY), own.pair.certificate)


def put(place: Path, credential: Credential) -> GivenFiles:
    for name, content in credential.files.items():
        (place / name).write_bytes(content)
    return GivenFiles(
        place / "tls.crt", place / "tls.key", place / "ca.crt", timedelta(milliseconds=10)
    )


def test_new_files_are_shown_to_the_next_connection(tmp_path: Path) -> None:
    async def story() -> None:
        old, new = server(), server(days=2)
        given = await GivenCertificates.open(put(tmp_path, old))
        async with served(given.shown) as xds:
            assert await xds.presented(CLIENT) == serial(old)
            put(tmp_path, new)
            await given.refresh()
            await xds.presents(serial(new), CLIENT)
            assert given.shown.expires == NOW + 2 * DAY

    asyncio.run(story())


def test_a_new_client_authority_is_trusted_instead_of_the_old_one(tmp_path: Path) -> None:
    async def story() -> None:
        given = await GivenCertificates.open(put(tmp_path, server()))
        other = authority()
        newcomer = Credential(other.client(URI, NOW, DAY), OWN.pair.certificate)
        async with served(given.shown) as xds:
            assert (await ask(xds.port, channel(CLIENT))).names
            assert not (await ask(xds.port, channel(newcomer))).names
            (tmp_path / "ca.crt").write_bytes(other.pair.certificate)
            await given.refresh()

            async def trusted() -> bool:
                return bool((await ask(xds.port, channel(newcomer))).names)

            await eventually(trusted)
            assert not (await ask(xds.port, channel(CLIENT))).names

    asyncio.run(story())


def test_files_are_looked_at_again_and_again(tmp_path: Path) -> None:
    async def story() -> None:
        given = await GivenCertificates.open(put(tmp_path, server()))
        running = asyncio.create_task(given.run())
        put(tmp_path, server(days=2))

        async def taken() -> bool:
            return given.shown.expires == NOW + 2 * DAY

        await eventually(taken)
        running.cancel()

    asyncio.run(story())


Break = Callable[[Path], object]
BROKEN = [
    pytest.param(lambda p: (p / "tls.crt").unlink(), "tls.crt cannot be read", id="file-gone"),
    pytest.param(lambda p: (p / "tls.crt").write_text("x"), "holds no certificate", id="no-pem"),
    pytest.param(
        lambda p: (p / "tls.key").write_bytes(CLIENT.pair.key),
        "the key is not that of the certificate",
        id="half-replaced",
    ),
    pytest.param(lambda p: (p / "tls.key").write_text("x"), "the key is no private key", id="key"),
    pytest.param(lambda p: (p / "ca.crt").write_text(""), "ca.crt holds no certificate", id="ca"),
    pytest.param(
        lambda p: put(p, unusable(OWN.pair.certificate)),
        "the key is neither RSA",
        id="key-of-a-kind",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN)
def test_broken_files_leave_the_last_good_and_are_logged_once(
    change: Break, sentence: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        good = server()
        given = await GivenCertificates.open(put(tmp_path, good))
        async with served(given.shown) as xds:
            change(tmp_path)
            with caplog.at_level(logging.WARNING, "fleetgate"):
                await given.refresh()
                await given.refresh()
            (record,) = caplog.records
            assert sentence in record.message
            assert "xDS goes on with the certificate that it had" in record.message
            assert await xds.presented(CLIENT) == serial(good)

            newest = server(days=2)
            put(tmp_path, newest)
            await given.refresh()
            await xds.presents(serial(newest), CLIENT)

    asyncio.run(story())


@pytest.mark.parametrize(("change", "sentence"), BROKEN)
def test_broken_files_at_the_start_are_the_operators_mistake(
    change: Break, sentence: str, tmp_path: Path
) -> None:
    files = put(tmp_path, server())
    change(tmp_path)
    with pytest.raises(OperatorError, match=sentence) as caught:
        asyncio.run(GivenCertificates.open(files))
    assert "PRIVATE KEY" not in str(caught.value)


def test_one_that_has_ended_is_shown_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        clock = Clock()
        given = await GivenCertificates.open(put(tmp_path, server()), clock)
        assert caplog.messages == []
        clock.now += DAY
        await given.refresh()
        await given.refresh()
        (message,) = caplog.messages
        assert message.startswith(f"{tmp_path}/tls.crt ended on {NOW + DAY:%Y-%m-%d %H:%M} UTC; ")

    with caplog.at_level(logging.WARNING, "fleetgate"):
        asyncio.run(story())
