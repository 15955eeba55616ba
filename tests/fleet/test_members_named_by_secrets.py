"""Secrets of three shapes on the hub name members; a bad one is a Problem without its bytes."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from fleet.kubernetes.members import (
    Access,
    Claims,
    MemberSecret,
    draw_up,
    member_secret,
    read_claims,
)
from fleet.kubernetes.redaction import PLAIN_URL
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import HUB, Ref
from tests.support.authority import Authority

KEPT = "s3cret-token"
AUTHORITY = b64encode(Authority.make("fleet").certificate).decode()
GARBAGE: dict[str, object] = {"no-base64": "%", "no-pem": "Q0E=", "a-number": 5}
OWN = {"fleetgate.dev/member": "one"}
ISTIO = {"istio/multiCluster": "true"}
ARGO = {"argocd.argoproj.io/secret-type": "cluster"}


def kubeconfig(
    *,
    cluster: Mapping[str, object] | None = None,
    user: Mapping[str, object] | None = None,
    current: str = "c",
    **top: object,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": cluster or {"server": "https://one:6443"}}],
        "users": [{"name": "b", "user": {"token": KEPT} if user is None else user}],
        "contexts": [{"name": "c", "context": {"cluster": "a", "user": "b"}}],
        "current-context": current,
        **top,
    }


def secret(
    labels: Mapping[str, str],
    data: Mapping[str, object],
    *,
    name: str = "s",
    namespace: str = "home",
    created: str = "2026-01-01T00:00:00Z",
    pod_cidrs: str | None = None,
) -> MemberSecret:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in data.items()}
    annotations = {} if pod_cidrs is None else {"fleetgate.dev/pod-cidrs": pod_cidrs}
    value = {
        "metadata": {
            "labels": dict(labels),
            "annotations": annotations,
            "creationTimestamp": created,
        },
        "data": {key: b64encode(text.encode()).decode() for key, text in texts.items()},
    }
    return member_secret(Ref(HUB, "Secret", namespace, name), value)


def cluster_and_user(access: Access | Ref | None) -> tuple[object, object]:
    assert isinstance(access, Access)
    config = access.kubeconfig
    assert config["current-context"] == config["contexts"][0]["name"]
    return config["clusters"][0]["cluster"], config["users"][0]["user"]


@pytest.mark.parametrize(
    ("found", "member", "cluster", "user"),
    [
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig()}),
            "one",
            {"server": "https://one:6443"},
            {"token": KEPT},
            id="own-label",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": yaml.safe_dump(kubeconfig())}),
            "one",
            {"server": "https://one:6443"},
            {"token": KEPT},
            id="yaml",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(current="")}),
            "one",
            {"server": "https://one:6443"},
            {"token": KEPT},
            id="the-only-context-is-the-current-one",
        ),
        pytest.param(
            secret(ISTIO, {"east": kubeconfig(cluster={"server": "https://east", "x": 1})}),
            "east",
            {"server": "https://east"},
            {"token": KEPT},
            id="istio",
        ),
        pytest.param(
            secret(
                OWN,
                {
                    "kubeconfig": kubeconfig(
                        cluster={
                            "server": "https://one",
                            "certificate-authority-data": AUTHORITY,
                            "tls-server-name": "name",
                            "proxy-url": "http://proxy",
                            "insecure-skip-tls-verify": True,
                        },
                        user={"client-certificate-data": "Q0U=", "client-key-data": "S0U="},
                    )
                },
            ),
            "one",
            {
                "server": "https://one",
                "certificate-authority-data": AUTHORITY,
                "tls-server-name": "name",
                "proxy-url": "http://proxy",
                "insecure-skip-tls-verify": True,
            },
            {"client-certificate-data": "Q0U=", "client-key-data": "S0U="},
            id="everything-that-a-kubeconfig-may-hold",
        ),
        pytest.param(
            secret(
                ARGO,
                {
                    "name": "west",
                    "server": "https://west",
                    "config": {
                        "bearerToken": KEPT,
                        "tlsClientConfig": {"insecure": False, "caData": AUTHORITY},
                    },
                },
            ),
            "west",
            {"server": "https://west", "certificate-authority-data": AUTHORITY},
            {"token": KEPT},
            id="argo-token",
        ),
        pytest.param(
            secret(
                ARGO,
                {
                    "name": "west",
                    "server": "https://west",
                    "config": {
                        "username": "me",
                        "password": KEPT,
                        "tlsClientConfig": {"insecure": True, "serverName": "name"},
                    },
                },
            ),
            "west",
            {"server": "https://west", "insecure-skip-tls-verify": True, "tls-server-name": "name"},
            {"username": "me", "password": KEPT},
            id="argo-password",
        ),
        pytest.param(
            secret(
                ARGO,
                {
                    "name": "west",
                    "server": "https://west",
                    "config": {"tlsClientConfig": {"certData": "Q0U=", "keyData": "S0U="}},
                },
            ),
            "west",
            {"server": "https://west"},
            {"client-certificate-data": "Q0U=", "client-key-data": "S0U="},
            id="argo-certificate",
        ),
    ],
)
def test_a_secret_names_a_member(
    found: MemberSecret, member: str, cluster: object, user: object
) -> None:
    claims = read_claims(found)
    assert {problem.reason for problem in claims.problems} <= {"InsecureMember"}
    assert claims.members.keys() == {member}
    assert cluster_and_user(claims.members[member]) == (cluster, user)


def test_a_secret_of_istio_may_name_several_members() -> None:
    other = kubeconfig(cluster={"server": "https://west"})
    claims = read_claims(secret(ISTIO, {"east": kubeconfig(), "west": other}))
    assert claims.members.keys() == {"east", "west"}
    assert cluster_and_user(claims.members["west"])[0] == {"server": "https://west"}


@pytest.mark.parametrize(
    ("found", "key", "expected"),
    [
        pytest.param(secret(OWN, {}), "data.kubeconfig", "a kubeconfig; it is missing", id="empty"),
        pytest.param(
            secret(OWN, {"kubeconfig": f"{{ {KEPT}"}),
            "data.kubeconfig",
            "a kubeconfig in YAML or JSON",
            id="no-yaml",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": KEPT}), "data.kubeconfig", "a kubeconfig", id="a-token"
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(more="x" * 128 * 1024)}),
            "data.kubeconfig",
            "a kubeconfig of up to 128 KiB",
            id="too-long",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(current="other")}),
            "data.kubeconfig",
            "a kubeconfig with a current context that it has",
            id="no-context",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(users=[])}),
            "data.kubeconfig",
            "a kubeconfig with the cluster and the user of its context",
            id="no-user",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(cluster={"server": 5})}),
            "data.kubeconfig",
            f"a kubeconfig whose `server` is {PLAIN_URL}",
            id="no-server",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(cluster={"server": "127.0.0.1:6443"})}),
            "data.kubeconfig",
            f"a kubeconfig whose `server` is {PLAIN_URL}",
            id="no-scheme",
        ),
        pytest.param(
            secret(OWN, {"kubeconfig": kubeconfig(user={"as": "admin", "token": ""})}),
            "data.kubeconfig",
            "a kubeconfig with credentials such as `token`; there are none",
            id="no-credentials",
        ),
        *(
            pytest.param(
                secret(
                    ISTIO,
                    {
                        "east": kubeconfig(
                            cluster={"server": "https://x", "certificate-authority-data": garbage}
                        )
                    },
                ),
                "data.east",
                "a kubeconfig whose `certificate-authority-data` is a certificate, PEM in base64",
                id=f"authority-{name}",
            )
            for name, garbage in GARBAGE.items()
        ),
        pytest.param(
            secret({"fleetgate.dev/member": ""}, {"kubeconfig": kubeconfig()}),
            "metadata.labels[fleetgate.dev/member]",
            "the ID of a member: letters, digits, '-', '_' and '.'",
            id="no-id",
        ),
        pytest.param(
            secret(ARGO, {"server": "https://x"}), "data.name", "the ID of the member", id="argo-id"
        ),
        pytest.param(
            secret(ARGO, {"name": "west"}),
            "data.server",
            "the URL of the member's API server; it is missing",
            id="argo-server",
        ),
        pytest.param(
            secret(ARGO, {"name": "west", "server": "x:6443", "config": {"bearerToken": KEPT}}),
            "data.server",
            PLAIN_URL,
            id="argo-no-scheme",
        ),
        pytest.param(
            secret(
                ARGO,
                {
                    "name": "west",
                    "server": "https://x",
                    "config": {"bearerToken": KEPT, "tlsClientConfig": {"caData": "Q0E="}},
                },
            ),
            "data.config",
            "a certificate in tlsClientConfig.caData, PEM in base64",
            id="argo-authority",
        ),
        pytest.param(
            secret(ARGO, {"name": "west", "server": "https://x", "config": f"{KEPT}"}),
            "data.config",
            "Argo CD's JSON object of credentials",
            id="argo-no-json",
        ),
        pytest.param(
            secret(ARGO, {"name": "west", "server": "https://x", "config": ["x"]}),
            "data.config",
            "Argo CD's JSON object of credentials",
            id="argo-no-object",
        ),
        pytest.param(
            secret(ARGO, {"name": "west", "server": "https://x", "config": {}}),
            "data.config",
            "credentials such as bearerToken; there are none",
            id="argo-no-credentials",
        ),
    ],
)
def test_a_secret_that_cannot_be_used_is_a_problem(
    found: MemberSecret, key: str, expected: str
) -> None:
    claims = read_claims(found)
    (problem,) = claims.problems
    assert (problem.at, problem.key, problem.expected) == (found.ref, key, expected)
    assert not any(claims.members.values())
    assert KEPT not in problem.message


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(f"https://user:{KEPT}@one:6443", id="user"),
        pytest.param(f"https://{KEPT}@one:6443", id="only-a-user"),
        pytest.param(f"https://one:6443?access_token={KEPT}", id="query"),
        pytest.param(f"https://one:6443/k8s?access_token={KEPT}", id="query-of-a-path"),
        pytest.param(f"https://one:6443/#{KEPT}", id="fragment"),
        pytest.param("https://[::1", id="half-an-address"),
        pytest.param("https://one:99999", id="no-port"),
    ],
)
@pytest.mark.parametrize("shape", ["own", "argo"])
def test_a_server_with_credentials_in_its_url_is_refused_and_not_quoted(
    shape: str, server: str
) -> None:
    config = {"bearerToken": "other"}
    found = {
        "own": secret(OWN, {"kubeconfig": kubeconfig(cluster={"server": server})}),
        "argo": secret(ARGO, {"name": "one", "server": server, "config": config}),
    }[shape]
    (problem,) = read_claims(found).problems
    assert problem.expected.endswith(PLAIN_URL)
    assert KEPT not in problem.message


@pytest.mark.parametrize(
    ("cluster", "reason", "value", "message"),
    [
        pytest.param(
            {"server": "https://one", "insecure-skip-tls-verify": True},
            "InsecureMember",
            "insecure-skip-tls-verify",
            "an authority by which the server is verified",
            id="unverified",
        ),
        pytest.param(
            {"server": "http://one"}, "InsecureMember", "http", "a server by https", id="in-clear"
        ),
        pytest.param(
            {"server": "https://127.0.0.1:6443"},
            "LocalMember",
            "127.0.0.1",
            "this is a loopback address",
            id="loopback",
        ),
        pytest.param(
            {"server": "https://[::1]:6443"},
            "LocalMember",
            "::1",
            "loopback",
            id="loopback-of-ipv6",
        ),
        pytest.param(
            {"server": "https://localhost"}, "LocalMember", "localhost", "loopback", id="localhost"
        ),
        pytest.param(
            {"server": "https://169.254.169.254"},
            "LocalMember",
            "169.254.169.254",
            "this is a link-local address",
            id="metadata",
        ),
    ],
)
def test_a_member_that_is_reached_in_a_doubtful_way_is_reported_and_used(
    cluster: dict[str, object], reason: str, value: str, message: str
) -> None:
    claims = read_claims(secret(OWN, {"kubeconfig": kubeconfig(cluster=cluster)}))
    (problem,) = claims.problems
    assert (problem.reason, problem.key, problem.value) == (reason, "data.kubeconfig", value)
    assert message in problem.expected
    assert problem.effect.startswith("it is used all the same")
    assert cluster_and_user(claims.members["one"])[0] == cluster
    assert claims.after(read_claims(secret(OWN, {"kubeconfig": kubeconfig()}))) == claims


@pytest.mark.parametrize("name", ["exec", "auth-provider", "tokenFile", "client-key"])
def test_a_kubeconfig_in_a_secret_runs_nothing_and_reads_no_file_of_ours(name: str) -> None:
    found = secret(OWN, {"kubeconfig": kubeconfig(user={name: {"command": "sh"}})})
    (problem,) = read_claims(found).problems
    assert problem.value == name
    assert problem.expected == f"a kubeconfig without `{name}`: it holds all that is needed"


@pytest.mark.parametrize("name", ["execProviderConfig", "awsAuthConfig"])
def test_argo_credentials_run_nothing(name: str) -> None:
    config = {name: {"command": "sh"}, "bearerToken": KEPT}
    found = secret(ARGO, {"name": "west", "server": "https://x", "config": config})
    (problem,) = read_claims(found).problems
    assert problem.value == name
    assert problem.expected == "credentials that need no program, such as bearerToken"


def test_no_text_of_ours_shows_what_a_secret_keeps() -> None:
    found = secret(OWN, {"kubeconfig": kubeconfig()})
    claims = read_claims(found)
    assert KEPT not in f"{found!r} {claims!r} {draw_up([(found, claims)], 'home')!r}"


def test_one_bad_entry_leaves_the_others_of_the_secret() -> None:
    claims = read_claims(secret(ISTIO, {"east": kubeconfig(), "west": "?"}))
    assert claims.members["east"] is not None
    assert claims.members["west"] is None
    (problem,) = claims.problems
    assert problem.key == "data.west"


def test_what_cannot_be_used_now_keeps_what_it_said_before() -> None:
    before = read_claims(secret(ISTIO, {"east": kubeconfig(), "west": kubeconfig()}))
    bad = read_claims(secret(ISTIO, {"east": "?"}))
    after = bad.after(before)
    assert after.members == {"east": before.members["east"]}
    assert after.problems == bad.problems


def test_a_secret_that_lost_its_id_keeps_what_it_said_before() -> None:
    before = read_claims(
        secret(ARGO, {"name": "west", "server": "https://x", "config": {"bearerToken": "x"}})
    )
    after = read_claims(secret(ARGO, {"server": "https://x"})).after(before)
    assert after.members == before.members
    assert after.problems


def test_a_good_secret_owes_nothing_to_what_it_said_before() -> None:
    before = read_claims(secret(ISTIO, {"east": kubeconfig(), "west": kubeconfig()}))
    now = read_claims(secret(ISTIO, {"east": kubeconfig()}))
    assert now.after(before) == now


# -- networks of members' Pods ---------------------------------------------------------------------


def networks_of(claims: Claims, member: str) -> list[str] | None:
    """The networks that a member's endpoints are restricted to; None if the Secret is unusable."""
    access = claims.members[member]
    return (
        None if access is None else [str(network) for network in access.settings.addresses.networks]
    )


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        pytest.param(None, [], id="absent"),
        pytest.param("10.1.0.0/16", ["10.1.0.0/16"], id="one"),
        pytest.param(" 10.1.0.0/16,fd00::/64 ", ["10.1.0.0/16", "fd00::/64"], id="two"),
        pytest.param("10.1.0.7", ["10.1.0.7/32"], id="an-address"),
    ],
)
def test_a_secret_may_say_where_the_pods_of_its_members_are(
    text: str | None, networks: list[str]
) -> None:
    claims = read_claims(secret(ISTIO, {"a": kubeconfig(), "b": kubeconfig()}, pod_cidrs=text))
    assert not claims.problems
    assert [networks_of(claims, name) for name in "ab"] == [networks, networks]


@pytest.mark.parametrize(
    "text", ["", "10.1.0.0/16,", "10.1/16", "10.1.2.3/16", "pods", "10.0.0.0/99"]
)
def test_a_slip_in_what_narrows_opens_nothing_and_closes_nothing(text: str) -> None:
    wrong = read_claims(secret(OWN, {"kubeconfig": kubeconfig()}, pod_cidrs=text))
    (problem,) = wrong.problems
    assert problem.key == "metadata.annotations[fleetgate.dev/pod-cidrs]"
    assert problem.expected == "networks such as 10.1.0.0/16, with commas between them"
    assert networks_of(wrong, "one") is None, "nothing was in force before"
    before = read_claims(secret(OWN, {"kubeconfig": kubeconfig()}, pod_cidrs="10.1.0.0/16"))
    assert networks_of(wrong.after(before), "one") == ["10.1.0.0/16"]


@pytest.mark.parametrize("key", ["pod-cidr", "pods-cidrs", "podcidrs"])
def test_a_misspelt_key_of_what_narrows_is_a_slip_too(key: str) -> None:
    found = secret(OWN, {"kubeconfig": kubeconfig()})
    misspelt = replace(found, annotations={f"fleetgate.dev/{key}": "10.1.0.0/16"})
    wrong = read_claims(misspelt)
    (problem,) = wrong.problems
    assert problem.key == f"metadata.annotations[fleetgate.dev/{key}]"
    assert problem.expected == "fleetgate.dev/pod-cidrs"
    assert networks_of(wrong, "one") is None


# -- other settings of members --------------------------------------------------------------------

SHAPES = [
    pytest.param(OWN, {"kubeconfig": kubeconfig()}, "one", id="own-label"),
    pytest.param(ISTIO, {"east": kubeconfig()}, "east", id="istio"),
    pytest.param(
        ARGO,
        {"name": "west", "server": "https://x", "config": {"bearerToken": "x"}},
        "west",
        id="argo-cd",
    ),
]
ANNOTATIONS = {
    "addressing": "gateway",
    "gateway-address": "gw.example.com:443",
    "gateway-tls": "verified",
    "region": "eu",
    "zone": "eu-a",
    "pod-cidrs": "10.1.0.0/16",
}
SETTINGS = MemberSettings(
    PodAddresses(networks=read_networks(["10.1.0.0/16"])),
    Addressing.GATEWAY,
    MemberGateway("gw.example.com", 443, GatewayTls.VERIFIED, "gw.example.com"),
    "eu",
    "eu-a",
)


def set_up(found: MemberSecret, **settings: str) -> MemberSecret:
    """The Secret with annotations for these settings."""
    texts = {f"fleetgate.dev/{key.replace('_', '-')}": text for key, text in settings.items()}
    return replace(found, annotations={**found.annotations, **texts})


def settings_of(claims: Claims, member: str) -> MemberSettings | None:
    """The settings of a member; None if the Secret is unusable."""
    access = claims.members[member]
    return None if access is None else access.settings


@pytest.mark.parametrize(("labels", "data", "member"), SHAPES)
def test_annotations_of_a_secret_are_settings_of_its_members(
    labels: Mapping[str, str], data: Mapping[str, object], member: str
) -> None:
    claims = read_claims(set_up(secret(labels, data), **ANNOTATIONS))
    assert not claims.problems
    assert settings_of(claims, member) == SETTINGS
    assert settings_of(read_claims(secret(labels, data)), member) == MemberSettings()


@pytest.mark.parametrize(("labels", "data", "member"), SHAPES)
def test_a_wrong_setting_keeps_what_the_secret_said_before(
    labels: Mapping[str, str], data: Mapping[str, object], member: str
) -> None:
    before = read_claims(set_up(secret(labels, data), **ANNOTATIONS))
    wrong = read_claims(set_up(secret(labels, data), addressing="podz", zone="-", region="eu"))
    assert [(problem.key, problem.value, problem.expected) for problem in wrong.problems] == [
        (
            "metadata.annotations[fleetgate.dev/addressing]",
            "podz",
            "pods, nodePorts or gateway",
        ),
        (
            "metadata.annotations[fleetgate.dev/zone]",
            "-",
            "1 to 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends",
        ),
    ]
    assert {problem.reason for problem in wrong.problems} == {"InvalidMember"}
    assert settings_of(wrong, member) is None, "nothing was in force before"
    assert settings_of(wrong.after(before), member) == SETTINGS


@pytest.mark.parametrize(
    ("key", "meant"),
    [("adressing", "addressing"), ("gateway-adress", "gateway-address"), ("Zone", "zone")],
)
def test_a_misspelt_setting_keeps_what_the_secret_said_before(key: str, meant: str) -> None:
    good = secret(OWN, {"kubeconfig": kubeconfig()})
    wrong = read_claims(set_up(good, **{key: "eu"}))
    (problem,) = wrong.problems
    assert problem.key == f"metadata.annotations[fleetgate.dev/{key}]"
    assert problem.expected == f"fleetgate.dev/{meant}"
    assert settings_of(wrong, "one") is None
    assert settings_of(
        wrong.after(read_claims(set_up(good, region="eu"))), "one"
    ) == MemberSettings(region="eu")


@pytest.mark.parametrize("key", ["fleetgate.dev/name", "mse.alibabacloud.com/addressing"])
def test_what_is_no_setting_has_no_effect_and_is_a_problem(key: str) -> None:
    found = secret(OWN, {"kubeconfig": kubeconfig()})
    claims = read_claims(replace(found, annotations={key: "pods"}))
    (problem,) = claims.problems
    assert (problem.reason, problem.key) == ("UnknownAnnotation", key)
    assert settings_of(claims, "one") == MemberSettings()


def test_a_setting_that_is_written_as_a_label_is_a_problem() -> None:
    labels = {**OWN, "fleetgate.dev/addressing": "nodePorts"}
    claims = read_claims(secret(labels, {"kubeconfig": kubeconfig()}))
    (problem,) = claims.problems
    assert problem.message == (
        "metadata.labels[fleetgate.dev/addressing]: 'nodePorts' "
        "(expected an annotation of this name); it has no effect"
    )
    assert settings_of(claims, "one") == MemberSettings()


# -- several Secrets ------------------------------------------------------------------------------


def claimed(found: MemberSecret) -> tuple[MemberSecret, Claims]:
    return found, read_claims(found)


def server_of(name: str, *found: MemberSecret, reserved: tuple[str, ...] = ()) -> object:
    roster = draw_up(map(claimed, found), "home", reserved)
    cluster, _ = cluster_and_user(roster.members[name])
    return cluster


def own(server: str, **where: str) -> MemberSecret:
    return secret(OWN, {"kubeconfig": kubeconfig(cluster={"server": server})}, **where)


def test_the_older_of_two_secrets_with_one_id_counts() -> None:
    young = own("https://young", name="a", created="2026-02-01T00:00:00Z")
    old = own("https://old", name="b", created="2026-01-01T00:00:00Z")
    roster = draw_up(map(claimed, (young, old)), "home")
    assert server_of("one", young, old) == {"server": "https://old"}
    (problem,) = roster.problems[young.ref]
    assert problem.reason == "DuplicateMember"
    assert problem.message == (
        "'one' (expected an ID of its own: Secret home/b has this one); "
        "it is not used for this member"
    )
    assert old.ref not in roster.problems


def test_a_secret_of_fleetgate_itself_counts_before_an_older_one_of_somebody_else() -> None:
    ours = own("https://ours", created="2026-02-01T00:00:00Z")
    theirs = own("https://theirs", namespace="istio-system", created="2026-01-01T00:00:00Z")
    assert server_of("one", theirs, ours) == {"server": "https://ours"}


def test_no_secret_takes_the_place_of_a_member_of_the_command_line() -> None:
    found = own("https://x")
    roster = draw_up([claimed(found)], "home", reserved=["one"])
    assert not roster.members
    assert "fleetgate's command line has this one" in roster.problems[found.ref][0].message


def test_a_member_whose_secret_cannot_be_used_is_a_member_still() -> None:
    found = secret(OWN, {"kubeconfig": "?"})
    roster = draw_up([claimed(found)], "home")
    assert roster.members == {"one": found.ref}
    assert roster.problems.keys() == {found.ref}
