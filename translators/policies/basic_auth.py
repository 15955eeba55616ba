"""Basic authentication: a route demands the name and password of a user.

The users are in a Secret. Without the Secret, or without a usable user in it, nobody gets in.
Backends do not see the password.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from translators.envoy.access import Place
from translators.envoy.md5_passwords import PASSWORDS, compare, signed_in
from translators.envoy.messages import BasicAuth as BasicAuthFilter
from translators.envoy.messages import DataSource
from translators.envoy.parts import RouteParts
from translators.model.passwords import NO_PASSWORDS, PasswordFile, Passwords
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

_NOBODY = "# nobody"
"""Users in a form that Envoy accepts, since it refuses an empty text."""


@dataclass(frozen=True, slots=True)
class BasicAuth(EnvoyPolicy):
    """The Secret with the users, and the realm. `passwords` are those of the Secret once known."""

    scope: ClassVar[Scope] = Scope.ROUTE
    file: PasswordFile
    realm: str
    passwords: Passwords = NO_PASSWORDS

    @property
    def needs(self) -> PasswordFile:
        """The Secret whose passwords it needs."""
        return self.file

    def given(self, passwords: Passwords) -> "BasicAuth":
        """Return the policy with these passwords."""
        return replace(self, passwords=passwords)

    def route(self, parts: RouteParts) -> None:
        """Demand a user of the Secret, and hide the password from backends."""
        lines = [f"{user}:{hashed}" for user, hashed in self.passwords.sha]
        parts.configure(PASSWORDS, compare(self.passwords.md5, self.realm))
        parts.access.add(
            Place.PASSWORD,
            "envoy.filters.http.basic_auth",
            BasicAuthFilter(users=DataSource(inline_string="\n".join(lines) or _NOBODY)),
            unless=signed_in(),
        )
        parts.route.add("request_headers_to_remove", "authorization")
