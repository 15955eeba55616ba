"""Certificates from files that somebody else makes and renews, such as cert-manager."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fleetgate.certificates.complaints import Complaints
from fleetgate.certificates.credential import Credential
from fleetgate.certificates.pair import (
    BadPem,
    Pair,
    check_kind,
    parse_certificates,
    parse_pair,
    utc_now,
)
from fleetgate.certificates.shown import Shown
from fleetgate.errors import OperatorError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """The files of the server's certificate, its key, and the authorities of its clients.

    They are read again at the interval `every`. Not every file system reports changes, and kubelet
    needs a minute to update files anyhow.
    """

    certificate: Path
    key: Path
    client_ca: Path
    every: timedelta = timedelta(seconds=10)


class GivenCertificates:
    """Follows the files, and has the server show their content.

    While new files cannot be used, the server shows the last good content.
    """

    def __init__(
        self, files: GivenFiles, credential: Credential, clock: Callable[[], datetime]
    ) -> None:
        self._files = files
        self.shown = Shown(credential)
        self._clock = clock
        self._complaints = Complaints(log)
        self._check_end()

    @classmethod
    async def open(
        cls, files: GivenFiles, clock: Callable[[], datetime] = utc_now
    ) -> "GivenCertificates":
        """Read the files. Raises OperatorError where they cannot be used."""
        try:
            return cls(files, await asyncio.to_thread(_read, files), clock)
        except _UnusableError as e:
            raise OperatorError(str(e)) from e

    async def run(self) -> None:
        """Read the files again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._files.every.total_seconds())
            await self.refresh()

    async def refresh(self) -> None:
        """Read the files once. Log it once where they cannot be used."""
        try:
            credential = await asyncio.to_thread(_read, self._files)
        except _UnusableError as e:
            self._complaints.say(f"{e}; xDS goes on with the certificate that it had")
            return
        if self.shown.replace(credential):
            log.info("took new xDS certificates expires=%s", credential.expires.isoformat())
        self._check_end()

    def _check_end(self) -> None:
        """Log it once where the certificate has expired. The server goes on showing it.

        Envoys that are connected stay connected, and no other certificate is at hand.
        """
        over = self.shown.expires <= self._clock()
        text = f"{self._files.certificate} ended on {self.shown.expires:%Y-%m-%d %H:%M} UTC"
        self._complaints.say(f"{text}; no Envoy can connect before it is renewed" if over else "")


class _UnusableError(Exception):
    """The files cannot be used. The message names the file, and never quotes its content."""


def _read(files: GivenFiles) -> Credential:
    pair = Pair(_content(files.certificate), _content(files.key))
    trust = _content(files.client_ca)
    try:
        check_kind(parse_pair(pair))
    except BadPem as e:
        raise _UnusableError(f"{files.certificate} with {files.key}: {e}") from e
    try:
        parse_certificates(trust)
    except BadPem as e:
        raise _UnusableError(f"{files.client_ca} {e}") from e
    return Credential(pair, trust)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise _UnusableError(f"{path} cannot be read: {e.strerror}") from e
