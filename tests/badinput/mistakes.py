"""Every kind of mistake in a file, with its problem."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from tests.badinput.good import CANARY, GOOD, MAIN, ONE, TARGET, TWO, member_objects
from tests.support.builders import mse_gateway

NGINX = "nginx.ingress.kubernetes.io/"
MSE = "mse.ingress.kubernetes.io/"

FILE = f"File {TARGET}"
INGRESS, GRAY = "Ingress default/main", "Ingress default/canary"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What a file holds, and the problem that it leads to; `expected` is a part of the text.

    With `kept` nothing that is served changes at all; else nothing beyond the file's own host.
    """

    text: str | bytes
    at: str
    reason: str
    key: str
    value: str
    expected: str
    kept: bool = False
    file: str = TARGET
    named: str = ""
    """The file that the problem names, where that is another one."""


def _annotated(name: str, value: str) -> str:
    """The good file with another value of one of the canary's annotations, or with one more."""
    key = name if "/" in name else NGINX + name
    lines = [line for line in CANARY.splitlines() if not line.startswith(f"    {key}: ")]
    lines.insert(lines.index("  annotations:") + 1, f"    {key}: {value}")
    return f"{MAIN}---\n" + "\n".join([*lines, ""])


def _changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def _member(service: Mapping[str, object], endpoints: Mapping[str, object]) -> str:
    """The good file of a member with other parts in its objects."""
    first, second = member_objects(0, "web")
    return yaml.safe_dump_all([{**first.manifest, **service}, {**second.manifest, **endpoints}])


_BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_SERVING = yaml.safe_dump(mse_gateway("gw", members=(ONE, TWO)).manifest)
"""The gateway of the fleet, as its file has it."""

_GATEWAY = """\
apiVersion: mse.alibabacloud.com/v1alpha1
kind: MseIngressConfig
metadata:
  name: gw
  annotations:
    mse.alibabacloud.com/remote-clusters: one,two
    fleetgate.dev/upstream-timeout: soon
spec: {ingress: {local: {ingressClass: mse}}}
"""
_LARGE = "(a|b|c|d){200}"
_PATHS = "spec.rules[0].http.paths"

MISTAKES = {
    # the file
    "broken-yaml": Mistake(
        "kind: [Ingress\n",
        FILE,
        "UnreadableFile",
        "line 2, column 1",
        "did not find expected ',' or ']'",
        "YAML",
        kept=True,
    ),
    "half-written": Mistake(
        GOOD[: GOOD.index("pathType")],
        FILE,
        "UnreadableFile",
        "line 12, column 1",
        "did not find expected node content",
        "YAML",
        kept=True,
    ),
    "empty": Mistake(
        "",
        FILE,
        "EmptyFile",
        "",
        "an empty file",
        "remove the file to remove its objects",
        kept=True,
    ),
    "blank": Mistake(
        "---\n\n",
        FILE,
        "EmptyFile",
        "",
        "an empty file",
        "remove the file to remove its objects",
        kept=True,
    ),
    "tab": Mistake(
        _changed("    http:", "\thttp:"),
        FILE,
        "UnreadableFile",
        "line 9, column 1",
        "found a tab character",
        "YAML",
        kept=True,
    ),
    "no-utf-8": Mistake(
        GOOD.encode().replace(b"main", b"ma\xefn"),
        FILE,
        "UnreadableFile",
        "line 4",
        "the byte 0xef",
        "UTF-8",
        kept=True,
    ),
    "control-character": Mistake(
        _changed("main", "ma\x01n"),
        FILE,
        "UnreadableFile",
        "line 4, column 11",
        "control characters are not allowed",
        "YAML",
        kept=True,
    ),
    "bomb": Mistake(
        _BOMB,
        FILE,
        "UnreadableFile",
        "line 5, column 29",
        "aliases stand for more than 100000 nodes",
        "YAML",
        kept=True,
    ),
    "too-deep": Mistake(
        "- " * 5000 + "x",
        FILE,
        "UnreadableFile",
        "line 1, column 401",
        "it is nested more than 200 levels deep",
        "YAML",
        kept=True,
    ),
    "too-large": Mistake(
        b"#" * (17 * 1024 * 1024),
        FILE,
        "UnreadableFile",
        "",
        "it is larger than 16 MiB",
        "a file that can be read",
        kept=True,
    ),
    "no-object": Mistake(
        "just text\n",
        FILE,
        "NotAnObject",
        "document at line 1",
        "a single value",
        "an object with apiVersion and kind",
        kept=True,
    ),
    # the object
    "misspelt-watch-namespace": Mistake(
        _SERVING.replace("ingressClass: mse", "ingressClass: mse\n      watchnamespace: team-a"),
        "MseIngressConfig gw",
        "UnknownField",
        "spec.ingress.local.watchnamespace",
        "team-a",
        "watchNamespace",
        kept=True,
        file="hub/gateway.yaml",
    ),
    "misspelt-host": Mistake(
        _changed("- host: target.test", "- hots: target.test"),
        INGRESS,
        "UnknownField",
        "spec.rules[0].hots",
        "target.test",
        "host",
    ),
    "misspelt-field": Mistake(
        _changed("pathType: Prefix,", "pathType: Prefix, pathTypes: Exact,"),
        INGRESS,
        "UnknownField",
        "spec.rules[0].http.paths[0].pathTypes",
        "Exact",
        "pathType",
        kept=True,
    ),
    "misspelt-annotation-of-a-gateway": Mistake(
        _SERVING.replace("annotations:", "annotations:\n    fleetgate.dev/upstream-timout: 5s"),
        "MseIngressConfig gw",
        "UnknownAnnotation",
        "fleetgate.dev/upstream-timout",
        "5s",
        "fleetgate.dev/upstream-timeout",
        kept=True,
        file="hub/gateway.yaml",
    ),
    "unknown-kind": Mistake(
        _changed("kind: Ingress", "kind: Ingres"),
        FILE,
        "UnknownKind",
        "kind (document at line 1)",
        "Ingres",
        "Ingress",
        kept=True,
    ),
    "unknown-version": Mistake(
        _changed("networking.k8s.io/v1", "networking.k8s.io/v1beta1"),
        INGRESS,
        "UnknownKind",
        "apiVersion",
        "networking.k8s.io/v1beta1",
        "networking.k8s.io/v1",
        kept=True,
    ),
    "no-name": Mistake(
        _changed("name: main", "nam: main"),
        FILE,
        "InvalidName",
        "metadata.name (document at line 1)",
        "",
        "the name of the Ingress",
        kept=True,
    ),
    "wrong-type": Mistake(
        _changed("rules:\n", "rules: many\n  other:\n"),
        INGRESS,
        "InvalidField",
        "spec.rules",
        "many",
        "a list",
        kept=True,
    ),
    "wrong-type-of-one-path": Mistake(
        _changed("/more, pathType: Prefix", "/more, pathType: prefix"),
        INGRESS,
        "InvalidField",
        f"{_PATHS}[1].pathType",
        "prefix",
        "Prefix",
    ),
    "quoted-port": Mistake(
        _changed("{number: 80}", '{number: "80"}'),
        INGRESS,
        "InvalidField",
        f"{_PATHS}[0].backend.service.port.number",
        "80",
        "without quotes",
    ),
    "object-twice-in-a-file": Mistake(
        f"{GOOD}---\n{MAIN}",
        INGRESS,
        "DuplicateObject",
        "",
        "2 times in hub/target.yaml",
        "one declaration",
        kept=True,
    ),
    "object-in-two-files": Mistake(
        MAIN.replace("target.test", "other.test"),
        INGRESS,
        "DuplicateObject",
        "",
        "declared in hub/target.yaml and hub/z.yaml",
        "one declaration",
        kept=True,
        file="hub/z.yaml",
        named=TARGET,
    ),
    # its meaning
    "host": Mistake(
        _changed("host: target.test", "host: target_test"),
        INGRESS,
        "InvalidHost",
        "spec.rules[0].host",
        "target_test",
        "a DNS name",
    ),
    "path": Mistake(
        _changed("path: /more", "path: more"),
        INGRESS,
        "InvalidPath",
        f"{_PATHS}[1].path",
        "more",
        "starts with /",
    ),
    "missing-service": Mistake(
        _changed("name: web,", "name: wep,"),
        INGRESS,
        "ServiceNotFound",
        f"{_PATHS}[0].backend",
        "default/wep:80",
        "a Service with this port",
    ),
    "missing-port": Mistake(
        _changed("number: 80", "number: 81"),
        INGRESS,
        "PortNotFound",
        f"{_PATHS}[0].backend",
        "default/web:81",
        "a Service with this port",
    ),
    "one-path-twice": Mistake(
        f"{GOOD}---\n{MAIN.replace('main', 'newer')}",
        "Ingress default/newer",
        "Conflict",
        f"{_PATHS}[0]",
        "target.test Prefix /",
        "no older rule has",
        kept=True,
    ),
    # annotations
    "unquoted-annotation": Mistake(
        _annotated("canary-weight", "10"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-weight",
        "10",
        'put it in quotes: "10"',
    ),
    "unquoted-true": Mistake(
        _annotated("canary", "true"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary",
        "true",
        'put it in quotes: "true"',
    ),
    "misspelt-true": Mistake(
        _annotated("canary", "treu"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary",
        "treu",
        "true or false",
    ),
    "regex": Mistake(
        _annotated("canary-by-header-pattern", "'gray('"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-by-header-pattern",
        "gray(",
        "RE2's syntax: missing )",
    ),
    "look-ahead": Mistake(
        _annotated("canary-by-header-pattern", "'(?!gray)'"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-by-header-pattern",
        "(?!gray)",
        "RE2's syntax: invalid perl operator",
    ),
    "regex-too-large": Mistake(
        _annotated("canary-by-header-pattern", f"'{_LARGE}'"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-by-header-pattern",
        _LARGE,
        "a pattern of at most 200 instructions",
    ),
    "misspelt-annotation": Mistake(
        _annotated("canary-wieght", "'10'"),
        GRAY,
        "UnknownAnnotation",
        f"{NGINX}canary-wieght",
        "10",
        f"{NGINX}canary-weight",
    ),
    "weight-150": Mistake(
        _annotated("canary-weight", '"150"'),
        GRAY,
        "WeightAboveTotal",
        f"{NGINX}canary-weight",
        "150",
        "at most 100, the total",
    ),
    "weight-below-zero": Mistake(
        _annotated("canary-weight", '"-1"'),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-weight",
        "-1",
        "an integer from 0",
    ),
    "header-name": Mistake(
        _annotated("canary-by-header", "a b"),
        GRAY,
        "InvalidAnnotation",
        f"{NGINX}canary-by-header",
        "a b",
        "a header name",
    ),
    "subset": Mistake(
        _annotated(f"{MSE}subset-labels", "version"),
        GRAY,
        "InvalidAnnotation",
        f"{MSE}subset-labels",
        "version",
        "a label's key, a blank and its value",
        kept=True,
    ),
    "destination": Mistake(
        _annotated(f"{MSE}destination", "web"),
        GRAY,
        "InvalidAnnotation",
        f"{MSE}destination",
        "web",
        "SERVICE.NAMESPACE.svc.cluster.local:PORT",
        kept=True,
    ),
    "without-effect": Mistake(
        _annotated(f"{MSE}limit-connections", '"5"'),
        GRAY,
        "NotSupported",
        f"{MSE}limit-connections",
        "5",
        "limit-rps or limit-rpm",
        kept=True,
    ),
    # the gateway and the members
    "gateway-setting": Mistake(
        _GATEWAY,
        "MseIngressConfig gw",
        "InvalidAnnotation",
        "fleetgate.dev/upstream-timeout",
        "soon",
        "a time from 10ms",
        kept=True,
        file="hub/gateway.yaml",
    ),
    "gateway-edge": Mistake(
        _GATEWAY.replace("upstream-timeout: soon", "trusted-proxies: 10.0.0.0/99"),
        "MseIngressConfig gw",
        "InvalidAnnotation",
        "fleetgate.dev/trusted-proxies",
        "10.0.0.0/99",
        "IP addresses and CIDRs",
        kept=True,
        file="hub/gateway.yaml",
    ),
    "alb-gateway": Mistake(
        "apiVersion: alibabacloud.com/v1\nkind: AlbConfig\nmetadata: {name: alb}\n"
        "spec: {listeners: [{port: 8001, protocol: HTTP}, {port: 8002, protocol: HTTP,"
        " aclConfig: {aclIds: [acl-1]}}]}\n",
        "AlbConfig alb",
        "NotSupported",
        "spec.listeners[1].aclConfig.aclIds",
        "acl-1",
        "aclEntries",
        kept=True,
        file="hub/alb.yaml",
    ),
    "service": Mistake(
        _member({"spec": {"ports": 5}}, {}),
        "Service default/web in one",
        "InvalidField",
        "spec.ports",
        "5",
        "a list",
        kept=True,
        file="clusters/one/web.yaml",
    ),
    "address": Mistake(
        _member({}, {"endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["web.local"]}]}),
        "EndpointSlice default/web-1 in one",
        "InvalidAddress",
        "endpoints[1].addresses[0]",
        "web.local",
        "the IPv4 or IPv6 address of a Pod",
        kept=True,
        file="clusters/one/web.yaml",
    ),
}
