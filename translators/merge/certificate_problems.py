"""The problems of an Ingress's certificates: of their Secrets, their periods and their names.

A problem concerns the hosts of one entry of `spec.tls` only. Their HTTP is served in any case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.tls import listed
from translators.model.certificates import ENDING, Certificate, Reading, TlsEntry, Validity

_SECRET: Final = "a Secret of type kubernetes.io/tls"  # noqa: S105 (no password)
_NONE: Final = "no host has a certificate by it; HTTP is served"
_LAST: Final = "the last certificate that could be used stays"
_SERVED: Final = "it is served, and clients reject it"


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of the Secret of an entry.

    `reading` is None for a Secret that does not exist, or that `is_awaited`. With `keeps_last` an
    older certificate of the Secret is served.
    """

    reading: Reading | None
    validity: Validity | None
    keeps_last: bool
    is_awaited: bool = False


def of_secret(at: Ref, key: str, secret: Ref, held: Held) -> Iterator[Problem]:
    """Report a Secret that is missing or broken, and a certificate outside of its period."""
    named = secret.name if at.namespace else f"{secret.namespace}/{secret.name}"
    certificate = held.reading.certificate if held.reading else None
    if certificate and held.validity:
        yield from _of_period(at, key, named, certificate, held)
        return
    if held.is_awaited:
        return
    effect = _LAST if held.keeps_last else _NONE
    if held.reading is None:
        expected = f"{_SECRET} of this name in namespace {secret.namespace}"
        yield Problem(at, "MissingSecret", key, named, expected, effect)
    else:
        expected = f"{_SECRET} with a certificate and its key: {held.reading.fault}"
        yield Problem(at, "InvalidCertificate", key, named, expected, effect)


def of_names(at: Ref, entry: TlsEntry, secret: Ref, certificate: Certificate) -> Iterator[Problem]:
    """Report a certificate that is not for all hosts that it is served for."""
    uncovered = [host for host in entry.hosts if not certificate.covers(host)]
    if uncovered:
        key = f"{entry.at}.secretName"
        names = listed(certificate.names) or "no DNS name"
        expected = f"a certificate for {listed(uncovered)}; this one is for {names}"
        yield Problem(at, "CertificateNameMismatch", key, secret.name, expected, _SERVED)


def overruled(
    at: Ref, entry: TlsEntry, secret: Ref, others: dict[tuple[Ref, Ref], list[str]]
) -> Iterator[Problem]:
    """Report hosts whose certificate another entry decides about.

    `others` holds these hosts by the Ingress that decides and the Secret that it names.
    """
    for (by, chosen), hosts in sorted(others.items()):
        who = "an entry before it" if by == at else f"the older {by}"
        shown = listed([host or "hosts without a certificate" for host in hosts])
        expected = f"what {who} asks for of {shown}: {chosen.namespace}/{chosen.name}"
        yield Problem(
            at, "Overruled", f"{entry.at}.secretName", secret.name, expected, "no effect there"
        )


def without_default(at: Ref, entry: TlsEntry, setting: str) -> Problem:
    """Report an entry without a Secret at a gateway without a default certificate."""
    expected = f"the name of a Secret, or a gateway with a default certificate, by {setting}"
    return Problem(at, "NoCertificate", f"{entry.at}.secretName", "", expected, _NONE)


def _of_period(
    at: Ref, key: str, named: str, certificate: Certificate, held: Held
) -> Iterator[Problem]:
    begin, end = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (certificate.begin, certificate.end))
    if held.validity is Validity.EARLY:
        expected = f"a certificate that is valid; this one begins on {begin}"
        yield Problem(at, "CertificateNotYetValid", key, named, expected, _SERVED)
    elif held.validity is Validity.ENDED:
        expected = f"a certificate that is valid; this one ended on {end}"
        effect = _LAST if held.keeps_last else _SERVED
        yield Problem(at, "CertificateExpired", key, named, expected, effect)
    elif held.validity is Validity.ENDING:
        expected = f"a certificate that lasts more than {ENDING.days} days; it ends on {end}"
        effect = "clients reject it from then on"
        yield Problem(at, "CertificateExpiresSoon", key, named, expected, effect)
