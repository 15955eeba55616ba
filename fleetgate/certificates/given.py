"""Certificates that somebody else makes and renews: files, such as cert-manager's mounts."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

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
    """Where the server's certificate and key are, and the authorities of its clients.

    They are looked at again `every` so often: kubelet needs a minute to bring new ones, and not
    every file system tells of changes.
    """

    certificate: Path
    key: Path
    client_ca: Path
    every: timedelta = timedelta(seconds=10)


class GivenCertificates:
    """Has what the files hold `shown`. New ones that are broken leave the last good in place."""

    def __init__(
        self, files: GivenFiles, credential: Credential, clock: Callable[[], datetime]
    ) -> None:
        self._files = files
        self.shown = Shown(credential)
        self._clock = clock
        self._complaint = ""
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
        """Look once. What cannot be used is logged once."""
        try:
            found = await asyncio.to_thread(_read, self._files)
        except _UnusableError as e:
            self._complain(f"{e}; xDS goes on with the certificate that it had")
            return
        if self.shown.replace(found):
            log.info("took new xDS certificates expires=%s", found.expires.isoformat())
        self._check_end()

    def _check_end(self) -> None:
        """It is shown all the same: who is connected stays, and nothing better is there."""
        over = self.shown.expires <= self._clock()
        text = f"{self._files.certificate} ended on {self.shown.expires:%Y-%m-%d %H:%M} UTC"
        self._complain(f"{text}; no Envoy can connect before it is renewed" if over else "")

    def _complain(self, sentence: str) -> None:
        if sentence and sentence != self._complaint:
            log.warning("%s", sentence)
        self._complaint = sentence


class _UnusableError(Exception):
    """Files that cannot serve; the message says which, and never what is in them."""


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
