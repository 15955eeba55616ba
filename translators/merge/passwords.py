"""Secrets with passwords are read, and what they lack is reported.

Envoy refuses all users for a single bad line, so each entry is checked here. No text shows more of
an entry than its user.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha1
from typing import Final

from fleet.models import Secret
from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.bounds import MAX_USERS
from translators.model.passwords import Entry, PasswordForm, Passwords, Unusable

_KEY: Final = "auth"

_USER: Final = re.compile(r"[^\x00-\x1f\x7f:]{1,255}")

_SHA: Final = re.compile(r"\{SHA\}[A-Za-z0-9+/]{27}=")

_MD5: Final = re.compile(r"\$(?:apr1|1)\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}")

_PLAIN: Final = "{PLAIN}"

_HASHES: Final = "a password in the notation {SHA}, $apr1$ or $1$"


def read_passwords(secret: Secret | None, form: PasswordForm) -> Passwords:
    """Read the users of a Secret; None stands for a Secret that does not exist."""
    if secret is None:
        return Passwords(lack="there is no such Secret")
    entries = list(_of_map(secret) if form is PasswordForm.MAP else _of_file(secret))
    users: dict[str, str] = {}
    unusable = []
    for place, user, hashed in entries:
        if not _USER.fullmatch(user):
            unusable.append(Unusable(place, "a user, a colon and a password"))
        elif user in users:
            unusable.append(Unusable(user, "one password; the first one counts"))
        elif len(users) == MAX_USERS:
            unusable.append(Unusable(user, f"at most {MAX_USERS} users"))
        else:
            users[user] = _hashed(hashed)
    known = [Entry(user, hashed) for user, hashed in users.items() if hashed]
    unusable += [Unusable(user, _HASHES) for user, hashed in users.items() if not hashed]
    return Passwords(
        tuple(entry for entry in known if entry.hashed.startswith("{SHA}")),
        tuple(entry for entry in known if not entry.hashed.startswith("{SHA}")),
        tuple(unusable),
        "" if entries else f"it has no users{'' if form is PasswordForm.MAP else ' under auth'}",
    )


def lacks_of(passwords: Passwords, at: Ref, key: str, value: str) -> Iterator[Problem]:
    """Report what the Secret lacks that an Ingress names by an annotation."""
    if passwords.lack:
        expected = f"a Secret with users in the Ingress's namespace: {passwords.lack}"
        yield Problem(at, "NoPasswords", key, value, expected, "nobody can sign in: 401")
    for who, expected in passwords.unusable:
        meant = f"{expected}, for {who!r} in the Secret"
        yield Problem(at, "UnusablePassword", key, value, meant, "it lets nobody in")


def _of_file(secret: Secret) -> Iterator[tuple[str, str, str]]:
    """Yield the place, user and password of each line. A second colon begins a comment."""
    for number, line in enumerate(_text(secret.data.get(_KEY, "")).split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            user, _, rest = line.partition(":")
            yield f"line {number}", user if rest else "", rest.partition(":")[0].strip()


def _of_map(secret: Secret) -> Iterator[tuple[str, str, str]]:
    for user, value in sorted(secret.data.items()):
        yield user, user, _text(value).strip()


def _text(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""


def _hashed(password: str) -> str:
    """Return a hash that can be compared in Envoy; "" if there is none."""
    if password.startswith(_PLAIN):
        digest = sha1(password.removeprefix(_PLAIN).encode(), usedforsecurity=False).digest()
        return f"{{SHA}}{b64encode(digest).decode()}"
    return password if _SHA.fullmatch(password) or _MD5.fullmatch(password) else ""
