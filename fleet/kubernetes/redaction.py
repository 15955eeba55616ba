"""Removes credentials and unprintable characters from texts of API servers and about them.

A text of a server, a library or a kubeconfig may have credentials, line feeds and escapes of a
terminal in it. Such texts are shown in logs, statuses and events, so each is redacted first.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from kubernetes.aio.client import Configuration

PLAIN_URL: Final = "a URL such as https://10.0.0.7:6443, without user, query and fragment"
"""The form that the URL of an API server must have, since messages show it; for messages."""

LONGEST: Final = 500
"""Characters of a text that are shown."""

_HIDDEN: Final = "***"
_SHORTEST_SECRET: Final = 4
"""The least number of characters of a secret that is hidden: a shorter one occurs in any text."""

_URL: Final = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s'\"]*@)?([^\s?#'\"]*)([?#][^\s'\"]*)?"
)
_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text as one printable line of at most LONGEST characters, without credentials.

    Of each URL, only scheme, host and path stay. `secrets` and bearer and basic credentials are
    replaced.
    """
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    text = _URL.sub(lambda match: f"{match[1]}{match[2]}", text)
    text = _CREDENTIALS.sub(lambda match: f"{match[1]} {_HIDDEN}", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def secrets_of(configuration: Configuration) -> list[str]:
    """The credentials of a client, in each form in which a server might repeat them."""
    secrets: list[str] = []
    for value in (configuration.api_key or {}).values():
        kind, _, token = str(value).rpartition(" ")
        secrets.append(token)
        if kind.lower() == "basic":
            secrets.append(_password(b64decode(token).decode(errors="replace")))
    try:
        userinfo = urlsplit(str(configuration.proxy or "")).netloc.rpartition("@")[0]
    except ValueError:  # the proxy is no URL, so no request is sent by it
        userinfo = ""
    secrets += [userinfo, _password(userinfo), unquote(_password(userinfo))]
    return [secret for secret in dict.fromkeys(secrets) if len(secret) >= _SHORTEST_SECRET]


def _password(userinfo: str) -> str:
    return userinfo.partition(":")[2]
