"""Runs a credential plugin of client-go: a program that a kubeconfig names under `exec`.

kubernetes.aio can run such programs too. It never ends a program that does not answer, and it does
not report why a program failed.
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

from fleet.kubernetes.redaction import redacted

PATIENCE: Final = 30.0
"""Seconds after which a plugin that has not answered is killed."""

MOST: Final = 1024 * 1024
"""Bytes that a plugin may write. Credentials have some kilobytes."""

_EARLY: Final = timedelta(minutes=1)
"""The time before they expire at which credentials are fetched again."""


class PluginFailed(Exception):
    """A plugin gave no credentials. The text says why, and has no credentials in it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a plugin, in the form of a kubeconfig's `user`."""

    user: Mapping[str, str] = field(repr=False)
    expires: datetime | None = None

    @property
    def worn(self) -> bool:
        """Whether they expire so soon that the plugin has to run again."""
        return self.expires is not None and self.expires <= datetime.now(UTC) + _EARLY


def ask(run: object, base: Path) -> Credentials:
    """Run a plugin, and read the credentials that it writes.

    `run` is the value of a user's `exec`, which may be malformed. `base` is the directory of the
    kubeconfig. Blocks for PATIENCE at most. Raises PluginFailed.
    """
    if not isinstance(run, Mapping) or not isinstance(run.get("command"), str):
        raise PluginFailed("its exec plugin has no command")
    command = run["command"]
    name = f"its exec plugin {command}"
    asking = {"apiVersion": run.get("apiVersion"), "kind": "ExecCredential"}
    asking["spec"] = {"interactive": False}
    try:
        added = {entry["name"]: entry.get("value", "") for entry in run.get("env") or ()}
        status, output, errors = _run(
            # As in client-go, a command with a slash is relative to the kubeconfig's directory.
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
        reason = redacted(errors.decode(errors="replace")[-200:])
        why = f": {reason}" if reason else ""
        raise PluginFailed(f"{name} ended with status {status}{why}")
    return _read(output, asking["apiVersion"], name)


class _Talkative(Exception):
    """A plugin writes more than MOST bytes."""


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run a program to its end, and give its exit status, its output and its errors.

    A program that is not done in time is killed. Raises TimeoutExpired, _Talkative, and what Popen
    raises.
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
            output, errors = _read_pipes(process, until)
            return process.wait(max(0.0, until - time.monotonic())), output, errors
        except BaseException:
            process.kill()
            raise


def _read_pipes(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    """The output and the errors that a program writes until it closes both pipes."""
    contents = [bytearray(), bytearray()]
    with selectors.DefaultSelector() as pipes:
        for pipe, into in zip((process.stdout, process.stderr), contents, strict=True):
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
    return bytes(contents[0]), bytes(contents[1])


def _read(output: bytes, version: object, name: str) -> Credentials:
    try:
        answer = json.loads(output)
        status = answer["status"]
        if answer["apiVersion"] != version:
            raise PluginFailed(f"{name} speaks {answer['apiVersion']}, and {version} is asked for")
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
