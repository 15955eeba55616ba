"""The entries of an Ingress's `spec.tls` are read: which Secret is for which of its hosts.

An entry gives its Secret to those of its hosts that a rule of the Ingress names. A wildcard among
them covers hosts of one more label. An entry without hosts is for the hosts that no other entry
names, and for hosts without a certificate at all. An entry without a Secret stands for the default
certificate. A further name that an annotation gives to a host is a host too; without an entry it
has that of its host.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from fleet.models import IngressTls
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.model.certificates import TlsEntry
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules

HOSTS_SHOWN = 3
"""The most hosts that one problem names."""


def read_tls(ref: Ref, declared: Sequence[IngressTls], rules: IngressRules) -> tuple[TlsEntry, ...]:
    """Read the entries. `rules` are those of the Ingress."""
    own = {host: host for _, host in sorted(rules.hosts) if host}
    named = {host.lower() for entry in declared for host in entry.hosts}
    for alias in rules.aliases:
        is_named = _is_in(alias.host, named)
        own.setdefault(alias.host, alias.host if is_named else alias.of)
    unnamed = [host for host, by in own.items() if not _is_in(by, named)]
    return tuple(
        _entry(ref, f"spec.tls[{i}]", entry, own, unnamed) for i, entry in enumerate(declared)
    )


def unused_tls(ref: Ref, entries: Sequence[TlsEntry]) -> Iterator[Problem]:
    """Report hosts that `spec.tls` names without a rule for them."""
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


def listed(hosts: Sequence[str]) -> str:
    """Name some hosts, and the number of the others."""
    more = len(hosts) - HOSTS_SHOWN
    return ", ".join(hosts[:HOSTS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _entry(
    ref: Ref, at: str, entry: IngressTls, own: Mapping[str, str], unnamed: Sequence[str]
) -> TlsEntry:
    """Read an entry. `own` has the name by which each host of the Ingress is looked up."""
    secret = Ref(HUB, "Secret", ref.namespace, entry.secret_name) if entry.secret_name else None
    if not entry.hosts:
        return TlsEntry(at, secret, tuple(unnamed), is_default=True)
    named = dict.fromkeys(host.lower() for host in entry.hosts)
    hosts = tuple(host for host, by in own.items() if _is_in(by, named))
    used = {*hosts, *map(wildcard_over, hosts)}
    return TlsEntry(at, secret, hosts, idle=tuple(host for host in named if host not in used))


def _is_in(host: str, named: Collection[str]) -> bool:
    return host in named or wildcard_over(host) in named
