"""How members are reached: the Secrets on the hub that say it, in three shapes.

    fleetgate.dev/member: ID                   data: kubeconfig
    istio/multiCluster: "true"                 data: ID -> kubeconfig, one or several
    argocd.argoproj.io/secret-type: cluster    data: name, server, config

The annotation fleetgate.dev/pod-cidrs narrows where endpoints of these members may be.

Secrets count in namespaces that the operator trusts: who may write them decides where requests go.
A kubeconfig is cut down to one server and one user. What would have fleetgate run a program or read
a file of its own is refused: whoever may write a Secret may not do that.
"""

import json
import re
import ssl
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from fleet.documents import UnreadableText, read_yaml
from fleet.kubernetes.told import PLAIN_URL
from fleet.kubernetes.weaknesses import weaknesses
from fleet.misspelt import ALIKE, OWN, misspelt
from fleet.pod_addresses import POD_CIDRS, PodAddresses, read_networks
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.spelling import meant

OWN_LABEL: Final = "fleetgate.dev/member"
ISTIO_LABEL: Final = "istio/multiCluster"
ARGO_LABEL: Final = "argocd.argoproj.io/secret-type"

READ: Final = (OWN_LABEL, POD_CIDRS)
"""The labels and annotations of fleetgate's own that such a Secret may have."""

TRUSTED: Final = ("istio-system", "argocd")
"""Where Istio and Argo CD keep their Secrets unless installed elsewhere."""

Kubeconfig: TypeAlias = Mapping[str, Any]  # as the client library takes it

ID_SHAPE: Final = "letters, digits, '-', '_' and '.'"
"""What IDs are made of, for people; they begin and end with a letter or a digit."""

LONGEST: Final = 128 * 1024
"""Bytes of a kubeconfig that are read; one has some kilobytes, certificates included."""

_ID: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?")
_SHOWN: Final = 100
"""Characters of a text that is shown."""

_EFFECT: Final = "what it said before stays in force, if it did"


@dataclass(frozen=True, slots=True)
class MemberSecret:
    """A Secret that says how members are reached, or tries to; its data decoded."""

    ref: Ref
    created: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes] = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """How one member is reached, and what addresses its endpoints may have."""

    kubeconfig: Kubeconfig = field(repr=False)
    addresses: PodAddresses = field(default_factory=PodAddresses)

    @property
    def cluster(self) -> Mapping[str, Any]:
        """The cluster of the one context."""
        cluster: Mapping[str, Any] = self.kubeconfig["clusters"][0]["cluster"]
        return cluster


@dataclass(frozen=True, slots=True)
class Claims:
    """What a Secret says: members by ID, and what is wrong with it.

    An ID without Access is claimed by something that cannot be used.
    """

    members: Mapping[str, Access | None] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def after(self, before: "Claims") -> "Claims":
        """The claims with what was of use before, where it now is not."""
        if not self.problems:
            return self
        members = self.members or dict.fromkeys(before.members)
        kept = {name: access or before.members.get(name) for name, access in members.items()}
        return Claims(kept, self.problems)


def is_id(text: str) -> bool:
    """Whether a member can be called so."""
    return _ID.fullmatch(text) is not None


class _Unusable(Exception):
    """Why a Secret cannot be used: at which key, and what was expected there.

    `value` is shown to people: names and words of the shape, never what a Secret keeps.
    """

    def __init__(self, key: str, expected: str, value: str = "") -> None:
        super().__init__(expected)
        self.key = key
        self.expected = expected
        self.value = value


def read_claims(secret: MemberSecret) -> Claims:
    """Read a Secret by its labels. O(bytes)."""
    claims = _by_shape(secret)
    ours = {key: text for key, text in secret.labels.items() if key.startswith(OWN)}
    told = {problem.key for problem in claims.problems}
    unread = [
        problem
        for problem in misspelt(secret.ref, {**ours, **secret.annotations}, READ)
        if _annotation(problem.key) not in told
    ]
    return replace(claims, problems=(*claims.problems, *unread))


def _annotation(key: str) -> str:
    return f"metadata.annotations[{key}]"


def _by_shape(secret: MemberSecret) -> Claims:
    if OWN_LABEL in secret.labels:
        named = {secret.labels[OWN_LABEL]: "kubeconfig"}
        key = f"metadata.labels[{OWN_LABEL}]"
        return _claims(secret, named, key, lambda data: _kubeconfig(secret, data))
    if secret.labels.get(ISTIO_LABEL) == "true":
        named = {name: name for name in secret.data}
        return _claims(secret, named, "data", lambda data: _kubeconfig(secret, data))
    if "name" not in secret.data:
        return _refused(secret, _Unusable("data.name", "the ID of the member"))
    named = {secret.data["name"].decode(errors="replace"): "config"}
    return _claims(secret, named, "data.name", lambda _: _argo(secret))


def _claims(
    secret: MemberSecret,
    named: Mapping[str, str],
    where: str,
    read: Callable[[str], Access],
) -> Claims:
    """The claims of IDs, each with the key of the data that is read for it."""
    members: dict[str, Access | None] = {}
    problems: list[Problem] = []
    try:
        addresses = _addresses(secret)
    except _Unusable as e:
        # Open would be wrong and closed an outage: none of the members counts as it stands here.
        return Claims(dict.fromkeys(filter(is_id, named)), _refused(secret, e).problems)
    for name, data in named.items():
        if not is_id(name):
            expected = f"the ID of a member: {ID_SHAPE}"
            problems += _refused(secret, _Unusable(where, expected, name)).problems
            continue
        members[name] = None
        try:
            members[name] = access = replace(read(data), addresses=addresses)
            problems += weaknesses(secret.ref, f"data.{data}", access.cluster)
        except _Unusable as e:
            problems += _refused(secret, e).problems
    return Claims(members, tuple(problems))


def _addresses(secret: MemberSecret) -> PodAddresses:
    """What the annotation of a Secret says of its members' endpoints."""
    text = secret.annotations.get(POD_CIDRS)
    if text is None:
        for key in secret.annotations:
            if meant(key, (POD_CIDRS,), ALIKE):
                raise _Unusable(_annotation(key), POD_CIDRS, secret.annotations[key][:_SHOWN])
        return PodAddresses()
    at = _annotation(POD_CIDRS)
    for part in (parts := [part.strip() for part in text.split(",")]):
        try:
            read_networks([part])
        except ValueError:
            expected = "networks such as 10.1.0.0/16, with commas between them"
            raise _Unusable(at, expected, part[:_SHOWN]) from None
    return PodAddresses(networks=read_networks(parts))


def _refused(secret: MemberSecret, why: _Unusable) -> Claims:
    problem = Problem(secret.ref, "InvalidMember", why.key, why.value, why.expected, _EFFECT)
    return Claims(problems=(problem,))


# -- kubeconfigs ----------------------------------------------------------------------------------

_CLUSTER: Final = frozenset(
    {
        "server",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
        "tls-server-name",
        "proxy-url",
    }
)
_USER: Final = frozenset(
    {"token", "client-certificate-data", "client-key-data", "username", "password"}
)
_FORBIDDEN: Final = frozenset(
    {
        "exec",
        "auth-provider",
        "tokenFile",
        "certificate-authority",
        "client-certificate",
        "client-key",
    }
)


def _kubeconfig(secret: MemberSecret, key: str) -> Access:
    """The current context of a kubeconfig, or the only one."""
    at = f"data.{key}"
    if key not in secret.data:
        raise _Unusable(at, "a kubeconfig; it is missing")
    if len(secret.data[key]) > LONGEST:
        raise _Unusable(at, f"a kubeconfig of up to {LONGEST // 1024} KiB")
    try:
        documents = read_yaml(secret.data[key].decode())
    except (UnicodeDecodeError, UnreadableText):
        raise _Unusable(at, "a kubeconfig in YAML or JSON") from None
    config = documents[0].value if len(documents) == 1 else None
    if not isinstance(config, Mapping):
        raise _Unusable(at, "a kubeconfig")
    contexts = _by_name(config, "contexts", "context")
    current = config.get("current-context") or (next(iter(contexts)) if len(contexts) == 1 else "")
    context = contexts.get(str(current))
    if context is None:
        raise _Unusable(at, "a kubeconfig with a current context that it has")
    cluster = _by_name(config, "clusters", "cluster").get(str(context.get("cluster")))
    user = _by_name(config, "users", "user").get(str(context.get("user")))
    if cluster is None or user is None:
        raise _Unusable(at, "a kubeconfig with the cluster and the user of its context")
    _check(at, cluster, user)
    return _access(cluster, user)


def _check(at: str, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    """Refuse what no client of ours could use, or should."""
    for name in (*cluster, *user):
        if name in _FORBIDDEN:
            raise _Unusable(at, f"a kubeconfig without `{name}`: it holds all that is needed", name)
    if not _is_url(cluster.get("server")):
        raise _Unusable(at, f"a kubeconfig whose `server` is {PLAIN_URL}")
    if not any(user.get(name) for name in _USER):
        raise _Unusable(at, "a kubeconfig with credentials such as `token`; there are none")
    if not _is_authority(cluster.get("certificate-authority-data")):
        field = "certificate-authority-data"
        raise _Unusable(at, f"a kubeconfig whose `{field}` is a certificate, PEM in base64")


def _is_url(server: object) -> bool:
    """Whether a client could ask there, and the URL holds no credentials that would be shown."""
    if not isinstance(server, str) or _URL.fullmatch(server.strip()) is None:
        return False
    try:
        return bool(urlsplit(server.strip()).hostname) and urlsplit(server.strip()).port != 0
    except ValueError:
        return False


def _is_authority(data: object) -> bool:
    """Whether TLS takes it for authorities; absent, those of the system count."""
    if data in (None, ""):
        return True
    try:
        text = b64decode(str(data)).decode("ascii", "ignore")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ValueError, ssl.SSLError):
        return False
    return True


_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", re.IGNORECASE)


def _by_name(config: Mapping[str, Any], plural: str, part: str) -> dict[str, Mapping[str, Any]]:
    entries = config.get(plural)
    return {
        str(entry.get("name")): entry[part]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get(part), Mapping)
    }


def _access(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Access:
    def part(value: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
        return {name: value[name] for name in sorted(fields) if value.get(name) not in (None, "")}

    name = "member"
    return Access(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": part(cluster, _CLUSTER)}],
            "users": [{"name": name, "user": part(user, _USER)}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


# -- Argo CD --------------------------------------------------------------------------------------


def _argo(secret: MemberSecret) -> Access:
    """Argo CD's `config`, which is of no use for those who have it run a program."""
    server = secret.data.get("server", b"").decode(errors="replace").strip()
    if not server:
        raise _Unusable("data.server", "the URL of the member's API server; it is missing")
    if not _is_url(server):
        raise _Unusable("data.server", PLAIN_URL)
    try:
        config = json.loads(secret.data.get("config", b"{}"))
        tls = config.get("tlsClientConfig") or {}
        cluster = {
            "server": server,
            "certificate-authority-data": tls.get("caData"),
            "insecure-skip-tls-verify": bool(tls.get("insecure")) or None,
            "tls-server-name": tls.get("serverName"),
            "proxy-url": config.get("proxyUrl"),
        }
        user = {
            "token": config.get("bearerToken"),
            "client-certificate-data": tls.get("certData"),
            "client-key-data": tls.get("keyData"),
            "username": config.get("username"),
            "password": config.get("password"),
        }
    except (ValueError, AttributeError, RecursionError):
        raise _Unusable("data.config", "Argo CD's JSON object of credentials") from None
    for name in ("execProviderConfig", "awsAuthConfig"):
        if config.get(name):
            expected = "credentials that need no program, such as bearerToken"
            raise _Unusable("data.config", expected, name)
    if not any(user.values()):
        raise _Unusable("data.config", "credentials such as bearerToken; there are none")
    if not _is_authority(cluster["certificate-authority-data"]):
        raise _Unusable("data.config", "a certificate in tlsClientConfig.caData, PEM in base64")
    return _access(cluster, user)


# -- all together ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Roster:
    """The members that Secrets name, each by the Secret that counts, and what is wrong.

    A member without Access has the Ref of its Secret, which cannot be used.
    """

    members: Mapping[str, Access | Ref] = field(default_factory=dict)
    problems: Mapping[Ref, tuple[Problem, ...]] = field(default_factory=dict)


def draw_up(
    claims: Iterable[tuple[MemberSecret, Claims]],
    home: str,
    reserved: Iterable[str] = (),
) -> Roster:
    """Settle who names whom. O(Secrets).

    Of two Secrets with one ID the older counts, but one in the namespace `home` before any other:
    that one is fleetgate's own. `reserved` are members that no Secret can name.
    """
    members: dict[str, Access | Ref] = {}
    holders: dict[str, str] = dict.fromkeys(reserved, "fleetgate's command line")
    problems: dict[Ref, tuple[Problem, ...]] = {}

    def rank(pair: tuple[MemberSecret, Claims]) -> tuple[bool, str, Ref]:
        ref = pair[0].ref
        return ref.namespace != home, pair[0].created, ref

    for secret, claimed in sorted(claims, key=rank):
        found = list(claimed.problems)
        for name, access in claimed.members.items():
            if name in holders:
                expected = f"an ID of its own: {holders[name]} has this one"
                effect = "it is not used for this member"
                found.append(Problem(secret.ref, "DuplicateMember", "", name, expected, effect))
            else:
                holders[name] = f"Secret {secret.ref.namespace}/{secret.ref.name}"
                members[name] = access or secret.ref
        if found:
            problems[secret.ref] = tuple(found)
    return Roster(members, problems)


def member_secret(ref: Ref, value: Mapping[str, Any]) -> MemberSecret:  # as a server sends it
    """Take a Secret as an API server has it; what is no base64 is left out."""
    metadata, encoded = value["metadata"], value.get("data")
    data: dict[str, bytes] = {}
    for key, text in encoded.items() if isinstance(encoded, Mapping) else ():
        try:
            data[key] = b64decode(text, validate=True)
        except (NotBase64, TypeError, ValueError):
            continue
    created = str(metadata.get("creationTimestamp") or "")
    labels, annotations = (_texts(metadata.get(part)) for part in ("labels", "annotations"))
    return MemberSecret(ref, created, labels, data, annotations)


def _texts(found: object) -> dict[str, str]:
    return {k: str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
