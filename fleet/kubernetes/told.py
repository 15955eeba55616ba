"""Texts of API servers and about them, made fit to be shown.

What a server, a library or a kubeconfig says may hold credentials, line feeds and the escapes of a
terminal. It goes to logs, statuses and events, so all of it comes through here.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from kubernetes.aio.client import Configuration

PLAIN_URL: Final = "a URL such as https://10.0.0.7:6443, without user, query and fragment"
"""How the URL of an API server is to be: it is shown wherever that server is named."""

LONGEST: Final = 500
"""Characters of a text that are shown."""

_HIDDEN: Final = "***"
_SHORTEST_SECRET: Final = 4
"""Characters: a shorter one would be found in any text."""

_URL: Final = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s'\"]*@)?([^\s?#'\"]*)([?#][^\s'\"]*)?"
)
_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)


def told(text: str, secrets: Iterable[str] = ()) -> str:
    """One line without credentials: of URLs only scheme, host and path, and none of `secrets`."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    text = _URL.sub(lambda found: f"{found[1]}{found[2]}", text)
    text = _CREDENTIALS.sub(lambda found: f"{found[1]} {_HIDDEN}", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def secrets_of(configuration: Configuration) -> list[str]:
    """The credentials that a client uses, as a server might repeat them."""
    found: list[str] = []
    for value in (configuration.api_key or {}).values():
        kind, _, token = str(value).rpartition(" ")
        found.append(token)
        if kind.lower() == "basic":
            found.append(_password(b64decode(token).decode(errors="replace")))
    try:
        userinfo = urlsplit(str(configuration.proxy or "")).netloc.rpartition("@")[0]
    except ValueError:  # no URL, and no request is made by it
        userinfo = ""
    found += [userinfo, _password(userinfo), unquote(_password(userinfo))]
    return [secret for secret in dict.fromkeys(found) if len(secret) >= _SHORTEST_SECRET]


def _password(userinfo: str) -> str:
    return userinfo.partition(":")[2]
