"""Secrets for annotations that name one: good ones, and others that cannot be used."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from fleet.models import Secret
from tests.support.authority import Authority
from tests.support.builders import Builder, secret

PASSWORD: Final = "{SHA}6a/8BjIwMt8kMKzYSBbe3FOKDts="  # noqa: S105 (of a test)
"""The password of the user `a`, as htpasswd writes it."""


def secrets(authority: Authority | None = None) -> tuple[Builder[Secret], ...]:
    """Return the Secrets `good`, `users`, `broken` and `empty`.

    `good` has all that annotations look for. Its certificate is of the authority, and for all hosts
    of one label below `test`. `users` has one key for each user.
    """
    signs = authority or Authority.make("tests")
    pair = signs.issue("tests", addresses=[], names=["*.test"])
    good = {
        "tls.crt": pair.certificate,
        "tls.key": pair.key,
        "ca.crt": signs.certificate,
        "auth": f"a:{PASSWORD}".encode(),
    }
    return (
        of_bytes("good", good),
        of_bytes("users", {"a": PASSWORD.encode()}),
        of_bytes("broken", dict.fromkeys(good, b"no PEM")),
        secret("empty"),
    )


def of_bytes(name: str, data: Mapping[str, bytes]) -> Builder[Secret]:
    """Make a Secret with this data."""
    return secret(name, {key: b64encode(value).decode() for key, value in data.items()})
