"""An annotation that is probably meant for fleetgate, and that no code reads, is reported."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fleet.events import Upserted
from fleet.kubernetes.members import member_secret, read_claims
from fleet.models import GatewayObject
from fleet.parse import parse
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import alb_gateway, ingress_class, mse_gateway
from translators.dialects import DIALECTS

ProblemsOf: TypeAlias = Callable[[Mapping[str, str]], tuple[Problem, ...]]


def of_mse(annotations: Mapping[str, str]) -> tuple[Problem, ...]:
    return of_gateway(mse_gateway("gw").manifest, annotations)


def of_alb(annotations: Mapping[str, str]) -> tuple[Problem, ...]:
    return of_gateway(alb_gateway("gw").manifest, annotations)


def of_gateway(manifest: dict[str, Any], annotations: Mapping[str, str]) -> tuple[Problem, ...]:
    manifest["metadata"]["annotations"] = dict(annotations)
    found = parse(manifest, HUB, "hub/x.yaml", DIALECTS.kinds)
    assert isinstance(found, Upserted)
    assert isinstance(found.value, GatewayObject)
    return DIALECTS.gateway(found.ref, found.value).problems


def of_class(annotations: Mapping[str, str]) -> tuple[Problem, ...]:
    manifest = ingress_class("mse").manifest
    manifest["metadata"]["annotations"] = dict(annotations)
    found = parse(manifest, HUB, "hub/x.yaml", DIALECTS.kinds)
    assert isinstance(found, Upserted)
    return found.problems


def of_member(annotations: Mapping[str, str]) -> tuple[Problem, ...]:
    ref = Ref(HUB, "Secret", "fleetgate-system", "member")
    metadata: dict[str, Any] = {
        "annotations": annotations,
        "labels": {"istio/multiCluster": "true"},
    }
    return read_claims(member_secret(ref, {"metadata": metadata})).problems


@pytest.mark.parametrize(
    ("problems_of", "key", "expected"),
    [
        pytest.param(
            of_mse, "fleetgate.dev/upstream-timout", "fleetgate.dev/upstream-timeout", id="a-letter"
        ),
        pytest.param(
            of_mse, "fleetgate.io/upstream-timeout", "fleetgate.dev/upstream-timeout", id="a-prefix"
        ),
        pytest.param(
            of_mse,
            "mse.alibabacloud.com/remote-cluster",
            "mse.alibabacloud.com/remote-clusters",
            id="a-plural",
        ),
        pytest.param(
            of_mse,
            "alb.ingress.kubernetes.io/remote-clusters",
            "mse.alibabacloud.com/remote-clusters",
            id="of-the-other-kind-of-gateway",
        ),
        pytest.param(
            of_alb,
            "mse.alibabacloud.com/remote-clusters",
            "alb.ingress.kubernetes.io/remote-clusters",
            id="and-the-other-way-round",
        ),
        pytest.param(
            of_mse, "mse.alibabacloud.com/addresses", "fleetgate.dev/addresses", id="not-ours"
        ),
        pytest.param(
            of_class,
            "ingressclass.kubernetes.io/is-defaultclass",
            "ingressclass.kubernetes.io/is-default-class",
            id="of-a-class",
        ),
        pytest.param(
            of_class, "fleetgate.dev/addresses", "no fleetgate.dev/ annotation", id="not-of-a-class"
        ),
        pytest.param(
            of_member, "fleetgate.dev/members", "fleetgate.dev/member", id="of-a-members-secret"
        ),
    ],
)
def test_it_is_told_with_what_was_probably_meant(
    problems_of: ProblemsOf, key: str, expected: str
) -> None:
    (found,) = problems_of({key: "x"})
    assert (found.reason, found.key, found.value) == ("UnknownAnnotation", key, "x")
    assert found.expected.startswith(expected)
    assert found.effect == "it has no effect"


def test_one_of_ours_that_is_like_none_is_told_with_all_that_there_are() -> None:
    (found,) = of_mse({"fleetgate.dev/colour": "red"})
    assert found.expected.startswith("one of fleetgate.dev/")
    assert "fleetgate.dev/addresses" in found.expected


@pytest.mark.parametrize("problems_of", [of_mse, of_alb, of_class, of_member])
@pytest.mark.parametrize(
    "key",
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "argocd.argoproj.io/sync-wave",
        "meta.helm.sh/release-name",
        "example.com/addresses",
        "mse.alibabacloud.com/created-by",
    ],
)
def test_others_annotations_are_none_of_our_business(problems_of: ProblemsOf, key: str) -> None:
    assert problems_of({key: "x"}) == ()


@pytest.mark.parametrize("problems_of", [of_mse, of_alb])
def test_all_that_is_read_stands_on_the_page_on_annotations(problems_of: ProblemsOf) -> None:
    page = (Path(__file__).parents[2] / "docs" / "annotations.md").read_text(encoding="utf-8")
    (found,) = problems_of({"fleetgate.dev/colour": "red"})
    keys = found.expected.removeprefix("one of ").split(", ")
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_all_that_the_page_on_annotations_lists_is_read() -> None:
    assert of_mse({"mse.alibabacloud.com/remote-clusters": "a"}) == ()
    assert of_alb({"alb.ingress.kubernetes.io/remote-clusters": "a"}) == ()
    assert of_class({"ingressclass.kubernetes.io/is-default-class": "true"}) == ()
