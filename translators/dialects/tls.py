"""The entries of an Ingress's `spec.tls` are read: which Secret is for which of its hosts.

An entry gives its Secret to those of its hosts that a rule or an alias of the Ingress names. A
wildcard among them covers hosts of one more label. An alias that no entry names has the Secret of
its host, if the certificate covers it. An entry without hosts is for the hosts that no other entry
names, and for hosts without a certificate at all. An entry without a Secret stands for the default
certificate.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from fleet.models import Ingress, IngressTls
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.model.certificates import TlsEntry
from translators.model.hosts import wildcard_over
from translators.model.ingresses import Alias, IngressRules

SHOWN: Final = 3
"""The most hosts, or names of another kind, that one problem names."""


def with_tls(ref: Ref, ingress: Ingress, rules: IngressRules) -> IngressRules:
    """Add the certificates of the hosts of an Ingress, and the problems of these."""
    if not ingress.spec.tls:
        return rules
    if rules.canaries:
        return replace(rules, problems=(*rules.problems, canary_tls(ref)))
    tls = read_tls(ref, ingress.spec.tls, rules)
    return replace(rules, tls=tls, problems=(*rules.problems, *unused_tls(ref, tls)))


def read_tls(ref: Ref, declared: Sequence[IngressTls], rules: IngressRules) -> tuple[TlsEntry, ...]:
    """Read the entries. `rules` are those of the Ingress."""
    own = {host: None for _, host in sorted(rules.hosts) if host}
    own |= {alias.host: None for alias in rules.aliases}
    named = {host.lower() for entry in declared for host in entry.hosts}
    further = [alias for alias in rules.aliases if not _is_in(alias.host, named)]
    without = {alias.host for alias in further}
    rest = [host for host in own if host not in without and not _is_in(host, named)]
    entries = (_entry(ref, f"spec.tls[{i}]", each, own, rest) for i, each in enumerate(declared))
    return tuple(_with_further(entry, further) for entry in entries)


def unused_tls(ref: Ref, entries: Sequence[TlsEntry]) -> Iterator[Problem]:
    """Report hosts that `spec.tls` names without a rule or an alias for them."""
    for entry in entries:
        if entry.idle:
            expected = "hosts of this Ingress's rules"
            effect = "they get no certificate by this entry"
            key = f"{entry.at}.hosts"
            yield Problem(ref, "TlsHostWithoutRule", key, listed(entry.idle), expected, effect)


def canary_tls(ref: Ref) -> Problem:
    """Report `spec.tls` of a canary."""
    expected = "an Ingress without canary: a canary's requests come over its main Ingress's hosts"
    return Problem(ref, "CanaryTls", "spec.tls", "", expected, "no effect")


def listed(names: Sequence[str]) -> str:
    """Give the first names, and the number of the others."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _entry(
    ref: Ref, at: str, entry: IngressTls, own: Collection[str], unnamed: Sequence[str]
) -> TlsEntry:
    secret = Ref(HUB, "Secret", ref.namespace, entry.secret_name) if entry.secret_name else None
    if not entry.hosts:
        return TlsEntry(at, secret, tuple(unnamed), is_default=True)
    named = dict.fromkeys(host.lower() for host in entry.hosts)
    hosts = tuple(host for host in own if _is_in(host, named))
    used = {*hosts, *map(wildcard_over, hosts)}
    return TlsEntry(at, secret, hosts, idle=tuple(host for host in named if host not in used))


def _with_further(entry: TlsEntry, aliases: Sequence[Alias]) -> TlsEntry:
    further = dict.fromkeys(alias.host for alias in aliases if alias.of in entry.hosts)
    return replace(entry, further=tuple(further)) if further else entry


def _is_in(host: str, named: Collection[str]) -> bool:
    return host in named or wildcard_over(host) in named
