"""Passwords of users, as Secrets in the notation of htpasswd have them."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from fleet.ref import Ref


class PasswordForm(Enum):
    """The form of a Secret with passwords."""

    FILE = "auth-file"
    """The key `auth` has lines of a user, a colon and a password."""
    MAP = "auth-map"
    """Each key is a user."""


class PasswordFile(NamedTuple):
    """A Secret with passwords, and how it is read."""

    secret: Ref
    form: PasswordForm


class Entry(NamedTuple):
    """A user and a hash of the password, in the notation of htpasswd."""

    user: str
    hashed: str

    def __repr__(self) -> str:
        return f"Entry({self.user!r})"


class Unusable(NamedTuple):
    """An entry that lets nobody in: a user, or a place if the user's name cannot be told."""

    who: str
    expected: str


@dataclass(frozen=True, slots=True)
class Passwords:
    """The users of a Secret. `repr` shows no hash.

    `sha` are hashes that Envoy compares by itself, `md5` those that it compares by a script.
    `lack` says why there is no user; "" if there is one.
    """

    sha: tuple[Entry, ...] = ()
    md5: tuple[Entry, ...] = ()
    unusable: tuple[Unusable, ...] = field(default=())
    lack: str = ""


NO_PASSWORDS: Final = Passwords()
