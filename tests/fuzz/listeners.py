"""Random listeners of an AlbConfig, which differ from batch to batch.

The first ones serve the control Ingress. So they have any settings but those that keep clients out,
and values that are wrong. All others have anything.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from tests.fuzz.values import HARMFUL
from translators.dialects.alb.security_policies import POLICIES

Json = Any  # right or wrong

_SECONDS: Final[tuple[Json, ...]] = (
    *(30, "60", 3600, 0, 3601, -1),
    *("1s", 1.5, 10**30, True, [], {}),
)
"""Times. A second is not among them: a client of a busy test may be silent for longer."""

_FLAGS: Final[tuple[Json, ...]] = (True, False, True, False, "true", "off", 1, 0, 5, [], {}, "x")

_SECRETS: Final[tuple[Json, ...]] = (
    *("default/good", "default/rsa", "default/ed25519", "default/expired", "default/mismatched"),
    *("default/encrypted", "default/crowd", "default/broken", "default/empty", "default/missing"),
    *("other/good", "good", "7564-cn-hangzhou", "a/b/c", "%", 5, None, [], {}),
)

_FORWARDED: Final = (
    *("XForwardedForProtoEnabled", "XForwardedForSLBPortEnabled", "XForwardedForHostEnabled"),
    *("XForwardedForProcessingMode", "XForwardedForClientSourceIpsEnabled"),
    *("XForwardedForClientSrcPortEnabled", "XForwardedForEnabled", "XForwardedForSLBIdEnabled"),
    *("XForwardedForClientCertSubjectDNEnabled", "XForwardedForClientCertIssuerDNEnabled"),
    *("XForwardedForClientCertFingerprintEnabled", "XForwardedForClientCertClientVerifyEnabled"),
)

_LISTS: Final[tuple[Json, ...]] = (
    {"aclType": "White", "aclEntries": ["127.0.0.0/8", "::1"]},
    {"aclType": "Black", "aclEntries": ["192.0.2.0/24", "::ffff:192.0.2.1"]},
    {"aclType": "White", "aclEntries": []},
    {"aclEntries": ["127.0.0.0/8", "x"]},
)
"""Access lists that let the control clients in."""

_OTHER_LISTS: Final[tuple[Json, ...]] = (
    {"aclType": "Black", "aclEntries": ["0.0.0.0/0", "::/0"]},
    {"aclType": "Black", "aclEntries": ["10.0.0.0/33"]},
    {"aclType": "White", "aclEntries": ["fe80::1%1", "10.0.0.1/8", 5, None, [], "", "*"]},
    {"aclType": "Gray", "aclEntries": ["10.0.0.1"]},
    {"aclType": "White", "aclEntries": [f"10.{n // 256}.{n % 256}.0/24" for n in range(1024)]},
    {"aclType": "White", "aclEntries": ["10.0.0.1"] * 1025},
    *({"aclIds": ["acl-1"]}, {"aclId": "acl-1"}, {"aclRelations": [{"aclId": "acl-1"}]}),
    {"aclType": [], "aclEntries": "10.0.0.1"},
)

_PORTS: Final[tuple[Json, ...]] = (
    81,
    82,
    "8080",
    8081,
    8443,
    443,
    80,
    0,
    -1,
    65536,
    "x",
    1.5,
    None,
    True,
    [],
)

_PROTOCOLS: Final[tuple[Json, ...]] = (
    "HTTP",
    "HTTPS",
    "HTTPS",
    "QUIC",
    "QUIC",
    "https",
    "TCP",
    "",
    5,
    None,
    [],
)


def listeners(seed: int, batch: int) -> list[Json]:
    """Make the listeners of a batch. Every second batch has one for QUIC."""
    random = Random(f"{seed}/listeners/{batch}")  # noqa: S311 (to be repeatable is the point)
    made = [_of_control(random, 80, "HTTP"), _of_control(random, 443, "HTTPS")]
    if has_quic(batch):
        made.append(_of_control(random, 443, "QUIC"))
    return made + [_any(random) for _ in range(random.randint(0, 5))]


def has_quic(batch: int) -> bool:
    """Return whether the control Ingress is served by HTTP/3."""
    return batch % 2 == 0


def _of_control(random: Random, port: int, protocol: str) -> Json:
    return {"port": port, "protocol": protocol, **_settings(random, _LISTS, _SECONDS)}


def _any(random: Random) -> Json:
    if random.random() < 0.05:
        return random.choice((None, 5, "x", [], {}))
    made = {
        "port": random.choice(_PORTS),
        "protocol": random.choice(_PROTOCOLS),
        **_settings(random, (*_LISTS, *_OTHER_LISTS), (1, *_SECONDS)),
        **_some(
            random,
            {
                "caEnabled": random.choice(_FLAGS),
                "caCertificates": _certificates(random),
                "unknownField": 5,
            },
        ),
    }
    name = random.choice(tuple(made))
    return {**made, name: _anything(random)} if random.random() < 0.2 else made


def _settings(
    random: Random, lists: tuple[Json, ...], seconds: tuple[Json, ...]
) -> dict[str, Json]:
    flags = {name: random.choice(_FLAGS) for name in _FORWARDED}
    quic = {"quicUpgradeEnabled": random.choice(_FLAGS), "quicListenerId": "lsn-1"}
    every = {
        "requestTimeout": random.choice(seconds),
        "idleTimeout": random.choice(seconds),
        "gzipEnabled": random.choice(_FLAGS),
        "http2Enabled": random.choice(_FLAGS),
        "securityPolicyId": random.choice((*POLICIES, "tls-own", 5, {})),
        "xForwardedForConfig": _some(random, flags),
        "quicConfig": _some(random, quic),
        "aclConfig": random.choice(lists),
        "certificates": _certificates(random),
        "logConfig": {"accessLogRecordCustomizedHeadersEnabled": True},
        "defaultActions": [{"type": "ForwardGroup"}],
    }
    return _some(random, every)


def _certificates(random: Random) -> list[Json]:
    def certificate() -> Json:
        capital = random.random() < 0.7
        names = ("CertificateId", "IsDefault") if capital else ("certificateId", "isDefault")
        return dict(zip(names, (random.choice(_SECRETS), random.choice(_FLAGS)), strict=True))

    return [certificate() for _ in range(random.randint(0, 4))]


def _some(random: Random, every: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in every.items() if random.random() < 0.5}


def _anything(random: Random) -> Json:
    return random.choice((None, True, 5, 1.5, [], {}, [[]], {"a": 5}, random.choice(HARMFUL)))
