"""Secrets for annotations that name one: a good one, and others that cannot be used."""

from base64 import b64encode
from typing import Final

from fleet.models import Secret
from tests.support.authority import Authority
from tests.support.builders import Builder, secret

USER: Final = "a:{SHA}6a/8BjIwMt8kMKzYSBbe3FOKDts="
"""A line of htpasswd."""


def secrets() -> tuple[Builder[Secret], ...]:
    """Return the Secrets `good`, which has all that annotations look for, `broken` and `empty`."""
    authority = Authority.make("tests")
    pair = authority.issue("tests", addresses=[], names=["*.test"])
    good = {
        "tls.crt": pair.certificate,
        "tls.key": pair.key,
        "ca.crt": authority.certificate,
        "auth": USER.encode(),
    }
    return (
        secret("good", {name: b64encode(value).decode() for name, value in good.items()}),
        secret("broken", {name: b64encode(b"no PEM").decode() for name in good}),
        secret("empty"),
    )
