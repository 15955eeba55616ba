"""Nothing that is written to a hub or a member needs more than the oldest Kubernetes that works.

An API server drops fields that it does not know, or refuses the object. So each field that the
manifests and the managed gateways have stands here, by the minor version (1.N) of Kubernetes that
has it, switched on, by default. A field that is new in a manifest is looked up and added.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from fleetgate.hub.managed.manifests import certificate_object, objects
from fleetgate.hub.managed.settings import LoadBalancerSettings, ManagedSettings
from tests.deploy.rendered import CHART, DEPLOY, helm, kustomize
from tests.managed.rig import alb, gateway, read

OLDEST: Final = 27

_LONG_THERE: Final = """
allowPrivilegeEscalation annotations apiGroup apiGroups apiVersion args
automountServiceAccountToken capabilities clusterIP command configMap containerPort containers
controller data defaultMode drop emptyDir enableServiceLinks env exec externalTrafficPolicy
failureThreshold fieldPath fieldRef from fsGroup httpGet image imagePullPolicy ingress kind
labelSelector labels lifecycle limits livenessProbe matchLabels maxSkew maxSurge maxUnavailable
medium metadata minAvailable mountPath name namespace namespaceSelector ownerReferences path
periodSeconds podSelector policyTypes port ports preStop protocol readOnly
readOnlyRootFilesystem readinessProbe replicas requests resourceNames resources
revisionHistoryLimit roleRef rollingUpdate rules runAsGroup runAsNonRoot runAsUser secret
secretName securityContext selector serviceAccountName sizeLimit spec strategy subjects sysctls
targetPort template terminationGracePeriodSeconds timeoutSeconds topologyKey
topologySpreadConstraints type uid value valueFrom verbs volumeMounts volumes whenUnsatisfiable
"""
"""Fields that Kubernetes 1.19 has had, or one before it."""

SINCE: Final = {
    **dict.fromkeys(_LONG_THERE.split(), 19),
    "seccompProfile": 19,
    "loadBalancerClass": 22,
    "matchLabelKeys": 27,
    "unhealthyPodEvictionPolicy": 27,
}

API_VERSIONS: Final = {
    "apiextensions.k8s.io/v1": 16,
    "apps/v1": 9,
    "networking.k8s.io/v1": 19,
    "policy/v1": 21,
    "rbac.authorization.k8s.io/v1": 8,
    "v1": 0,
}

VALUES: Final = {
    "net.ipv4.ip_unprivileged_port_start": 22,
    "pod-security.kubernetes.io/enforce": 23,
    "ScheduleAnyway": 18,
    "RuntimeDefault": 19,
}
"""What is no field, and still came with a version; not all of it is told apart from plain text."""

_TEXTS: Final = frozenset({"annotations", "data", "labels", "limits", "matchLabels", "requests"})
"""Mappings whose keys are anybody's."""


@cache
def written() -> tuple[dict[str, Any], ...]:
    """Every object that fleetgate or its installation writes, but for the resource definitions."""
    texts = (kustomize(DEPLOY), kustomize(DEPLOY / "member"), helm())
    found = [one for text in texts for one in yaml.safe_load_all(text) if one]
    settings = ManagedSettings(load_balancer=LoadBalancerSettings(load_balancer_class="any"))
    network = {"publicSLBSpec": "s1", "privateSLBSpec": "s1"}
    for manifest in (gateway(network=network), alb("web", 80)):
        manifest["metadata"]["uid"] = "u-1"
        ref, config = read(manifest)
        found += [*objects(ref, config, settings), certificate_object(ref, config, settings)]
    return tuple(one for one in found if one["kind"] != "CustomResourceDefinition")


def fields(value: object, inside: str = "") -> Iterator[str]:
    """The names of all fields below."""
    if isinstance(value, dict):
        for name, content in value.items():
            is_service_selector = inside == "spec" and name == "selector" and _plain(content)
            if inside not in _TEXTS:
                yield name
            if name not in _TEXTS and not is_service_selector:
                yield from fields(content, name)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, inside)


def _plain(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _written_fields() -> frozenset[str]:
    return frozenset(name for one in written() for name in fields(one))


def test_every_field_that_is_written_is_known_to_the_oldest_one() -> None:
    assert {name for name in _written_fields() if SINCE.get(name, 99) > OLDEST} == set()


def test_the_table_has_no_field_that_is_not_written() -> None:
    assert SINCE.keys() - _written_fields() == set()


def test_every_api_that_is_used_is_served_by_the_oldest_one() -> None:
    used = {one["apiVersion"] for one in written()} | {"apiextensions.k8s.io/v1"}
    assert used == API_VERSIONS.keys()
    assert max(API_VERSIONS.values()) <= OLDEST


def test_what_is_no_field_is_known_to_the_oldest_one_too() -> None:
    text = yaml.safe_dump_all(written())
    assert {value for value in VALUES if value not in text} == set()
    assert max(VALUES.values()) <= OLDEST


@pytest.mark.parametrize("field", [name for name, since in SINCE.items() if since > 19])
def test_the_page_on_installing_names_what_is_new(field: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "installing.md").read_text(encoding="utf-8")
    assert re.search(rf"\| `{field}`[^|]*\| 1\.{SINCE[field]} \|", page)
    assert f"Kubernetes 1.{OLDEST}" in page


def test_helm_refuses_what_is_older() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == f">=1.{OLDEST}.0-0"
