"""Reads the Secrets on the hub that say how members are reached. They have three shapes:

    fleetgate.dev/member: ID                   data: kubeconfig
    istio/multiCluster: "true"                 data: ID -> kubeconfig, one or several
    argocd.argoproj.io/secret-type: cluster    data: name, server, config

Annotations fleetgate.dev/NAME are settings of these members (`fleet/parse_settings.py`).

Secrets count only in namespaces that the operator trusts, since their authors decide where requests
go. A kubeconfig is reduced to one server and one user. A kubeconfig that makes fleetgate run a
program or read a local file is refused: the right to write Secrets does not include that.
"""

import json
import re
import ssl
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from fleet.documents import UnreadableText, read_yaml
from fleet.kubernetes.redaction import PLAIN_URL
from fleet.kubernetes.weaknesses import weaknesses
from fleet.member_settings import MemberSettings
from fleet.misspelt import OWN, misspelt
from fleet.parse_settings import NAMES, Mistake, probably, read_settings
from fleet.problem import Problem
from fleet.ref import Ref

OWN_LABEL: Final = "fleetgate.dev/member"
ISTIO_LABEL: Final = "istio/multiCluster"
ARGO_LABEL: Final = "argocd.argoproj.io/secret-type"

READ: Final = (OWN_LABEL, *(OWN + name for name in NAMES))
"""fleetgate's own labels and annotations that such a Secret may have."""

TRUSTED: Final = ("istio-system", "argocd")
"""The namespaces in which Istio and Argo CD keep their Secrets by default."""

Kubeconfig: TypeAlias = Mapping[str, Any]  # as the client library takes it

ID_SHAPE: Final = "letters, digits, '-', '_' and '.'"
"""The characters of a member's ID, for messages. An ID begins and ends with a letter or digit."""

LONGEST: Final = 128 * 1024
"""The longest kubeconfig that is read, in bytes. A usual one has a few kilobytes."""

_ID: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?")
_SHOWN: Final = 100
"""Characters of a text that a problem shows."""

_EFFECT: Final = "what it said before stays in force, if it did"


@dataclass(frozen=True, slots=True)
class MemberSecret:
    """A Secret that should say how members are reached, with its data decoded from base64."""

    ref: Ref
    created: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes] = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one member, and its settings."""

    kubeconfig: Kubeconfig = field(repr=False)
    settings: MemberSettings = field(default_factory=MemberSettings)

    @property
    def cluster(self) -> Mapping[str, Any]:
        """The only cluster of the kubeconfig."""
        cluster: Mapping[str, Any] = self.kubeconfig["clusters"][0]["cluster"]
        return cluster


@dataclass(frozen=True, slots=True)
class Claims:
    """The members that a Secret names, by ID, and its problems.

    An ID has None instead of an Access if the Secret cannot be used for this member.
    """

    members: Mapping[str, Access | None] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def after(self, before: "Claims") -> "Claims":
        """These claims, with the former Access of each member that has none now."""
        if not self.problems:
            return self
        members = self.members or dict.fromkeys(before.members)
        merged = {name: access or before.members.get(name) for name, access in members.items()}
        return Claims(merged, self.problems)


def is_id(text: str) -> bool:
    """Whether a text can be the ID of a member."""
    return _ID.fullmatch(text) is not None


class _Unusable(Exception):
    """A Secret cannot be used because of one of its keys.

    A problem shows `value`, so it has only names and words of the shape, never a Secret's bytes.
    """

    def __init__(self, key: str, expected: str, value: str = "") -> None:
        super().__init__(expected)
        self.key = key
        self.expected = expected
        self.value = value


def read_claims(secret: MemberSecret) -> Claims:
    """Read a Secret, whose labels tell its shape. O(bytes)."""
    claims = _by_shape(secret)
    ours = {key: text for key, text in secret.labels.items() if key.startswith(OWN)}
    reported = {problem.key for problem in claims.problems}
    unread = [
        problem
        for problem in misspelt(secret.ref, {**ours, **secret.annotations}, READ)
        if _annotation(problem.key) not in reported
    ]
    return replace(claims, problems=(*claims.problems, *_labelled(secret), *unread))


def _labelled(secret: MemberSecret) -> Iterator[Problem]:
    """A problem for each setting that is written as a label."""
    for key, text in secret.labels.items():
        if key in READ and key != OWN_LABEL:
            at, expected = f"metadata.labels[{key}]", "an annotation of this name"
            yield Problem(secret.ref, "InvalidMember", at, text, expected, "it has no effect")


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
    """The claims of a Secret whose IDs are `named`, each with the key of its data.

    `where` is the key of the Secret that has the IDs, and `read` reads the data of one ID.
    """
    members: dict[str, Access | None] = {}
    settings, problems = _settings(secret)
    if settings is None:
        # The defaults would be wrong: they permit all addresses, and send requests to Pods. To read
        # none of the members would be an outage. So what the Secret said before stays in force.
        return Claims(dict.fromkeys(filter(is_id, named)), tuple(problems))
    for name, data in named.items():
        if not is_id(name):
            expected = f"the ID of a member: {ID_SHAPE}"
            problems += _refused(secret, _Unusable(where, expected, name)).problems
            continue
        members[name] = None
        try:
            members[name] = access = replace(read(data), settings=settings)
            problems += weaknesses(secret.ref, f"data.{data}", access.cluster)
        except _Unusable as e:
            problems += _refused(secret, e).problems
    return Claims(members, tuple(problems))


def _settings(secret: MemberSecret) -> tuple[MemberSettings | None, list[Problem]]:
    """The settings of a Secret's members by its annotations; None if there are mistakes in them.

    A misspelt annotation is a mistake too: the setting that is meant may narrow where requests go.
    """
    ours = {key[len(OWN) :]: text for key, text in secret.annotations.items() if _is_own(key)}
    texts = {name: text for name, text in ours.items() if name in NAMES or probably(name)}
    found = read_settings(texts)
    if isinstance(found, MemberSettings):
        return found, []
    return None, [
        problem for mistake in found for problem in _refused(secret, _wrong(mistake)).problems
    ]


def _wrong(mistake: Mistake) -> _Unusable:
    is_misspelt = mistake.name not in NAMES
    expected = OWN + mistake.expected if is_misspelt else mistake.expected
    return _Unusable(_annotation(OWN + mistake.name), expected, mistake.value[:_SHOWN])


def _is_own(key: str) -> bool:
    return key.startswith(OWN)


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
    """The Access by a kubeconfig's current context, or by its only context."""
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
    """Raise _Unusable for a cluster or a user that fleetgate cannot or must not use."""
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
    """Whether it is the URL of a server, without credentials, which messages would show."""
    if not isinstance(server, str) or _URL.fullmatch(server.strip()) is None:
        return False
    try:
        return bool(urlsplit(server.strip()).hostname) and urlsplit(server.strip()).port != 0
    except ValueError:
        return False


def _is_authority(data: object) -> bool:
    """Whether it is a certificate that TLS accepts as an authority, or absent."""
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
    """The Access by Argo CD's `config`. Credentials that a program has to fetch are refused."""
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
    """All members that Secrets name, and the Secrets' problems.

    A member has an Access, or the Ref of its Secret if the Secret cannot be used for it.
    """

    members: Mapping[str, Access | Ref] = field(default_factory=dict)
    problems: Mapping[Ref, tuple[Problem, ...]] = field(default_factory=dict)


def draw_up(
    claims: Iterable[tuple[MemberSecret, Claims]],
    home: str,
    reserved: Iterable[str] = (),
) -> Roster:
    """Decide which Secret names which member. O(Secrets).

    Of two Secrets with the same ID, one in the namespace `home` counts, which is fleetgate's own,
    and otherwise the older one. `reserved` are members that no Secret can name.
    """
    members: dict[str, Access | Ref] = {}
    holders: dict[str, str] = dict.fromkeys(reserved, "fleetgate's command line")
    problems: dict[Ref, tuple[Problem, ...]] = {}

    def rank(pair: tuple[MemberSecret, Claims]) -> tuple[bool, str, Ref]:
        ref = pair[0].ref
        return ref.namespace != home, pair[0].created, ref

    for secret, claimed in sorted(claims, key=rank):
        complaints = list(claimed.problems)
        for name, access in claimed.members.items():
            if name in holders:
                expected = f"an ID of its own: {holders[name]} has this one"
                effect = "it is not used for this member"
                duplicate = Problem(secret.ref, "DuplicateMember", "", name, expected, effect)
                complaints.append(duplicate)
            else:
                holders[name] = f"Secret {secret.ref.namespace}/{secret.ref.name}"
                members[name] = access or secret.ref
        if complaints:
            problems[secret.ref] = tuple(complaints)
    return Roster(members, problems)


def member_secret(ref: Ref, value: Mapping[str, Any]) -> MemberSecret:  # JSON of a Secret
    """Read a Secret from an API server's JSON; entries that are no base64 are left out."""
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
