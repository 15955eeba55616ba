"""Credentials from a program that a kubeconfig names (`exec`, client-go's credential plugins).

kubernetes.aio runs such programs too, but one that never answers it leaves running, and of one that
fails it tells nobody why.
"""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

PATIENCE: Final = 30.0
"""Seconds in which a plugin gives credentials; then it is ended."""

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
        ended = subprocess.run(  # noqa: S603 (running it is what a kubeconfig asks for)
            # As client-go: a path with a slash is relative to its kubeconfig.
            [base / command if "/" in command else command, *(run.get("args") or ())],
            env={**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(asking)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise PluginFailed(f"{name} has not answered within {PATIENCE:g} s") from e
    except OSError as e:
        raise PluginFailed(f"{name} cannot be run: {e.strerror or e}") from e
    except (KeyError, AttributeError, TypeError, ValueError) as e:
        raise PluginFailed(f"{name} cannot be run: its args and env are not lists of texts") from e
    if ended.returncode:
        said = " ".join(ended.stderr.decode(errors="replace").split())[-200:]
        why = f": {said}" if said else ""
        raise PluginFailed(f"{name} ended with status {ended.returncode}{why}")
    return _read(ended.stdout, asking["apiVersion"], name)


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
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise PluginFailed(f"{name} gave no ExecCredential") from e
    if not user:
        raise PluginFailed(f"{name} gave neither a token nor a certificate")
    return Credentials(user, expires)


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
