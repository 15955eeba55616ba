"""The annotations `auth-tls-*`: clients show a certificate of the host's authorities."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from translators.dialects.annotations.closed import closed
from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader, Unusable, shared
from translators.dialects.annotations.values import boolean, integer, pattern
from translators.dialects.named_secrets import own_secret
from translators.model.policy import Declared
from translators.model.rules import Rule
from translators.policies.client_certificates import ClientCertificates, Verify

SECRET: Final = shared(
    "auth-tls-secret",
    "a Secret of the Ingress's namespace, as NAMESPACE/NAME or NAME: its `ca.crt` has the "
    "authorities of client certificates, its `ca.crl` their revocation lists",
    differs="only a Secret of the Ingress's own namespace",
    example="good",
    restricts=True,
)
VERIFY: Final = shared(
    "auth-tls-verify-client",
    "`on`: a client needs a good certificate, or gets 400; `optional`: a client without "
    "one is served too; `optional_no_ca`: every client is; `off`: none is asked for a certificate",
    default="`on`",
    example="optional",
    restricts=True,
)
DEPTH: Final = shared(
    "auth-tls-verify-depth",
    "how many certificates may stand between that of a client and an authority",
    default="1",
    example="2",
)
SUBJECT: Final = shared(
    "auth-tls-match-cn",
    "RE2 pattern `CN=...` for the subject of client certificates; other clients get 403",
    example="CN=.*-client",
    restricts=True,
)
PAGE: Final = shared(
    "auth-tls-error-page",
    "URL to which a client without a good certificate is sent",
    example="https://web.test/how-to",
)
PASS: Final = shared(
    "auth-tls-pass-certificate-to-upstream",
    "`true`: backends get the certificate, in `ssl-client-cert` and `X-Forwarded-Client-Cert`",
    default="`false`",
    example="true",
)

OFF: Final = "off"

MAX_DEPTH: Final = 10

_CLOSED: Final = "no certificate is good: requests of its hosts are refused"

_URL: Final = re.compile(r"https?://[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{1,2000}")

_OF_SUBJECT: Final = r"(?:|.*[^\\],)(?:{})(?:.*)"
"""The form of a pattern: it begins at a part of the subject, and ends anywhere.

A comma within a part has a backslash before it, so that no part can contain a forged one."""


def _read(reader: Reader, wanted: Wanted) -> None:
    if wanted.split is not None:
        return  # a canary takes the access rules of its main
    verify = reader.read(VERIFY, _verify, "on holds")
    if verify == OFF:
        return
    if not reader.has(SECRET):
        _without_secret(reader, wanted)
        return
    secret = reader.find(SECRET, own_secret(reader.namespace), _CLOSED)
    subject = reader.find(SUBJECT, _subject, _CLOSED)
    closed = secret is None or (subject is None and reader.has(SUBJECT))
    policy = ClientCertificates(
        None if closed or secret is None else secret.value,
        Verify.ON if closed else Verify(verify or Verify.ON),
        _or(reader.read(DEPTH, integer(0, MAX_DEPTH), "1 holds"), 1),
        subject.value if subject else "",
        reader.read(PAGE, _page, "such clients get 400") or "",
        reader.read(PASS, boolean, "backends do not get it") or False,
    )
    key, text = (secret.spelling, secret.text) if secret else reader.written(SECRET)
    wanted.policies.append(Declared(policy, key, text))
    wanted.changes.append(_restricted)


def _without_secret(reader: Reader, wanted: Wanted) -> None:
    """Report annotations that say nothing without a Secret. Those that keep clients out close."""
    for key in (VERIFY, SUBJECT, DEPTH, PAGE, PASS):
        if reader.has(key):
            closing = key in {VERIFY, SUBJECT}
            effect = "its paths are answered with 503" if closing else "the annotation is ignored"
            spelling, text = reader.written(key)
            expected = f"{SECRET.name} beside it, with the authorities of client certificates"
            reader.report("NoAuthorities", spelling, text, expected, effect)
            if closing:
                wanted.changes.append(closed)


def _verify(text: str) -> str:
    if text in {OFF, *Verify}:
        return text
    raise Unusable(f"{', '.join(Verify)} or {OFF}")


def _subject(text: str) -> str:
    if not text.startswith("CN="):
        raise Unusable("a pattern that begins with CN=")
    return pattern(text, _OF_SUBJECT).regex


def _page(text: str) -> str:
    try:
        if _URL.fullmatch(text) and urlsplit(text).hostname:
            return text
    except ValueError:
        pass
    raise Unusable("an http or https URL")


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _restricted(rule: Rule) -> Rule:
    """Mark a rule as restricted. One without a host is closed: only a host has a chain."""
    if not rule.host:
        return closed(rule)
    return replace(rule, restricted=True)


KEYS: Final[tuple[Key, ...]] = (SECRET, VERIFY, DEPTH, SUBJECT, PAGE, PASS)

FEATURE: Final = Feature("Client certificates", KEYS, _read)
