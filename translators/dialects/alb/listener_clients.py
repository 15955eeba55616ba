"""Who may use a listener of an AlbConfig: an access list, and authorities of client certificates.

What restricts access fails closed. Of a white list, an entry that cannot be used lets nobody in. Of
a black list, such an entry would let somebody in, so the listener is not served.
"""

from collections.abc import Iterator
from typing import Final

from fleet.models import by_position
from translators.dialects.alb.fields import NOT_SERVED, ListenerFields
from translators.dialects.alb.objects import AlbAcl, AlbCertificate, AlbListener
from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.values import boolean, network
from translators.dialects.named_secrets import named_secret
from translators.model.bounds import MAX_RANGES
from translators.model.edge import Network
from translators.model.listeners import SecretAt
from translators.model.policy import Policy
from translators.policies.sources import ListenerSources, Sources

_WHITE: Final = "white"
_BLACK: Final = "black"


class NotServedError(Exception):
    """Raised if a listener cannot keep out whom it should. A problem says why."""


def read_access(fields: ListenerFields, acl: AlbAcl) -> tuple[Policy, ...]:
    """Read the access list of a listener. An empty list lets everybody in."""
    one = () if acl.acl_id is None else (acl.acl_id,)
    for name, named in (
        ("aclIds", acl.acl_ids),
        ("aclId", one),
        ("aclRelations", acl.acl_relations),
    ):
        if named:
            listed = ", ".join(map(str, named))
            expected = "aclEntries: lists of the cloud cannot be read"
            fields.report("NotSupported", f"aclConfig.{name}", listed, expected, NOT_SERVED)
            raise NotServedError
    if not acl.acl_entries:
        return ()
    kind = _WHITE if acl.acl_type is None else str(acl.acl_type).strip().lower()
    if kind not in {_WHITE, _BLACK}:
        fields.report(
            "InvalidField", "aclConfig.aclType", acl.acl_type, "White or Black", NOT_SERVED
        )
        raise NotServedError
    if len(acl.acl_entries) > MAX_RANGES:
        value, expected = f"{len(acl.acl_entries)} entries", f"at most {MAX_RANGES} entries"
        fields.report("InvalidField", "aclConfig.aclEntries", value, expected, NOT_SERVED)
        raise NotServedError
    networks = tuple(dict.fromkeys(_networks(fields, acl, closed=kind == _BLACK)))
    sources = Sources(allowed=networks) if kind == _WHITE else Sources(denied=networks)
    return (ListenerSources(sources),)


def asks_clients(listener: AlbListener) -> bool:
    """Return whether clients have to show certificates, or may have to if the field is wrong."""
    try:
        return _is_asking(listener)
    except Unusable:
        return True


def _is_asking(listener: AlbListener) -> bool:
    text = _shown(listener)
    return boolean(text) if text else False


def _shown(listener: AlbListener) -> str:
    return "" if listener.ca_enabled is None else str(listener.ca_enabled).strip()


def read_authorities(fields: ListenerFields, listener: AlbListener) -> tuple[SecretAt, ...]:
    """Read the Secrets with the authorities of client certificates; () if none is asked for."""
    try:
        enabled = _is_asking(listener)
    except Unusable as e:
        fields.report("InvalidField", "caEnabled", _shown(listener), e.expected, NOT_SERVED)
        raise NotServedError from None
    if not enabled:
        return ()
    found = tuple(_secrets(fields, "caCertificates", listener.ca_certificates))
    if not found:
        expected = "the Secret of an authority, as CertificateId: NAMESPACE/NAME"
        fields.report("InvalidField", "caCertificates", "", expected, NOT_SERVED)
        raise NotServedError
    return found


def read_certificates(fields: ListenerFields, listener: AlbListener) -> tuple[SecretAt, ...]:
    """Read the Secrets with the certificates of a listener, the default one first."""
    found = list(_secrets(fields, "certificates", listener.certificates))
    defaults = {
        f"{fields.where}.certificates[{i}].CertificateId"
        for i, each in by_position(listener.certificates)
        if fields.read(
            f"certificates[{i}].IsDefault", each.is_default, boolean, default=False, shown="false"
        )
    }
    found.sort(key=lambda each: each.at not in defaults)
    return tuple(found)


def _secrets(
    fields: ListenerFields, name: str, certificates: tuple[AlbCertificate, ...]
) -> Iterator[SecretAt]:
    for i, certificate in by_position(certificates):
        place = f"{name}[{i}].CertificateId"
        text = "" if certificate.certificate_id is None else str(certificate.certificate_id)
        try:
            yield SecretAt(f"{fields.where}.{place}", named_secret(text))
        except Unusable as e:
            fields.report("InvalidField", place, text, e.expected, "it is not used")


def _networks(fields: ListenerFields, acl: AlbAcl, *, closed: bool) -> Iterator[Network]:
    for i, entry in enumerate(acl.acl_entries):
        try:
            yield network(str(entry).strip())
        except Unusable:
            expected = "an IP address or a CIDR such as 10.0.0.0/8"
            effect = NOT_SERVED if closed else "nobody is let in by it"
            fields.report("InvalidField", f"aclConfig.aclEntries[{i}]", entry, expected, effect)
            if closed:
                raise NotServedError from None
