"""Credentials from a program that a kubeconfig names (`exec`, client-go's credential plugins).

kubernetes.aio runs such programs too, but one that never answers it leaves running, and of one that
fails it tells nobody why.
"""

import base64
import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from fleet.kubernetes.told import told

PATIENCE: Final = 30.0
"""Seconds in which a plugin gives credentials; then it is ended."""

MOST: Final = 1024 * 1024
"""Bytes that a plugin may say; credentials take some kilobytes."""

_EARLY: Final = timedelta(minutes=1)
"""So long before they expire, credentials are asked for anew."""


class PluginFailed(Exception):
    """A plugin gave no credentials; the text says why, and holds none."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a plugin gave, as the `user` of a kubeconfig would have it."""

    user: Mapping[str, str] = field(repr=False)
    expires: datetime | None = None

    @property
    def worn(self) -> bool:
        """Whether it is time to ask the plugin again."""
        return self.expires is not None and self.expires <= datetime.now(UTC) + _EARLY


def ask(run: object, base: Path) -> Credentials:
    """Run a plugin and read what it says; `base` is the place of its kubeconfig.

    `run` is the `exec` of a user, in whatever shape. Blocks for PATIENCE at most. Raises
    PluginFailed.
    """
    if not isinstance(run, Mapping) or not isinstance(run.get("command"), str):
        raise PluginFailed("its exec plugin has no command")
    command = run["command"]
    name = f"its exec plugin {command}"
    asking = {"apiVersion": run.get("apiVersion"), "kind": "ExecCredential"}
    asking["spec"] = {"interactive": False}
    try:
        added = {each["name"]: each.get("value", "") for each in run.get("env") or ()}
        status, output, errors = _run(
            # As client-go: a path with a slash is relative to its kubeconfig.
            [base / command if "/" in command else command, *(run.get("args") or ())],
            {**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(asking)},
        )
    except subprocess.TimeoutExpired as e:
        raise PluginFailed(f"{name} has not answered within {PATIENCE:g} s") from e
    except _Talkative as e:
        raise PluginFailed(f"{name} says more than {MOST // 1024} KiB") from e
    except OSError as e:
        raise PluginFailed(f"{name} cannot be run: {e.strerror or e}") from e
    except (KeyError, AttributeError, TypeError, ValueError) as e:
        raise PluginFailed(f"{name} cannot be run: its args and env are not lists of texts") from e
    if status:
        said = told(errors.decode(errors="replace")[-200:])
        why = f": {said}" if said else ""
        raise PluginFailed(f"{name} ended with status {status}{why}")
    return _read(output, asking["apiVersion"], name)


class _Talkative(Exception):
    """A plugin says more than credentials take."""


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Status, output and errors of a program, which is gone when this returns.

    Raises TimeoutExpired and _Talkative, and what Popen raises.
    """
    until = time.monotonic() + PATIENCE
    with subprocess.Popen(  # noqa: S603 (running it is what a kubeconfig asks for)
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, errors = _said(process, until)
            return process.wait(max(0.0, until - time.monotonic())), output, errors
        except BaseException:
            process.kill()
            raise


def _said(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    """What a program says until it closes both of its pipes."""
    said = [bytearray(), bytearray()]
    with selectors.DefaultSelector() as pipes:
        for pipe, into in zip((process.stdout, process.stderr), said, strict=True):
            if pipe is not None:
                pipes.register(pipe, selectors.EVENT_READ, into)
        while pipes.get_map():
            left = until - time.monotonic()
            ready = pipes.select(max(0.0, left))
            if left <= 0 or not ready:
                raise subprocess.TimeoutExpired(process.args, PATIENCE)
            for key, _ in ready:
                if data := os.read(key.fd, 65536):
                    key.data.extend(data)
                else:
                    pipes.unregister(key.fileobj)
                if len(key.data) > MOST:
                    raise _Talkative
    return bytes(said[0]), bytes(said[1])


def _read(output: bytes, version: object, name: str) -> Credentials:
    try:
        said = json.loads(output)
        status = said["status"]
        if said["apiVersion"] != version:
            raise PluginFailed(f"{name} speaks {said['apiVersion']}, and {version} is asked for")
        user = {}
        if token := status.get("token"):
            user["token"] = str(token)
        if certificate := status.get("clientCertificateData"):
            user["client-certificate-data"] = _encoded(certificate)
            user["client-key-data"] = _encoded(status["clientKeyData"])
        until = status.get("expirationTimestamp")
        expires = datetime.fromisoformat(until) if until else None
        if expires is not None and expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise PluginFailed(f"{name} gave no ExecCredential") from e
    if not user:
        raise PluginFailed(f"{name} gave neither a token nor a certificate")
    return Credentials(user, expires)


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
