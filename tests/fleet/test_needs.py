"""Members are read only if a gateway attaches them, Pods only if an Ingress selects by label."""

from typing import Any

import pytest

from fleet.events import Deleted, Event, Refused, Upserted
from fleet.problem import Problem
from fleet.sources.kubernetes.needs import Needs, asks_for_labels
from tests.support.builders import Builder, IngressBuilder, alb_gateway, ingress, mse_gateway
from translators.dialects import DIALECTS

SHOP = ingress("shop")
REMOTE = "mse.alibabacloud.com/remote-clusters"
ALB_REMOTE = "alb.ingress.kubernetes.io/remote-clusters"
NAME = "mse.ingress.kubernetes.io/service-subset"
LABELS = "mse.ingress.kubernetes.io/subset-labels"


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("one", {"one"}, id="one"),
        pytest.param(" one ,two,, one", {"one", "two"}, id="blanks-and-repeats"),
        pytest.param("", set(), id="empty"),
    ],
)
def test_a_gateway_is_attached_to_the_members_that_it_lists(text: str, members: set[str]) -> None:
    assert set(DIALECTS.kinds.attached(mse_gateway().annotate({REMOTE: text}).model())) == members
    assert (
        set(DIALECTS.kinds.attached(alb_gateway().annotate({ALB_REMOTE: text}).model())) == members
    )


def test_each_kind_of_gateway_has_its_own_annotation() -> None:
    assert DIALECTS.kinds.attached(mse_gateway().annotate({ALB_REMOTE: "one"}).model()) == ()
    assert DIALECTS.kinds.attached(alb_gateway().annotate({REMOTE: "one"}).model()) == ()


def test_nothing_else_is_attached_to_members() -> None:
    assert DIALECTS.kinds.attached(SHOP.annotate({REMOTE: "one"}).model()) == ()


@pytest.mark.parametrize(
    ("annotated", "asks"),
    [
        pytest.param(SHOP, False, id="no-subset"),
        pytest.param(SHOP.annotate({NAME: "v1"}), True, id="by-name"),
        pytest.param(SHOP.annotate({LABELS: "app shop"}), True, id="by-label"),
        pytest.param(SHOP.annotate({LABELS: "topology.istio.io/cluster one"}), False, id="member"),
        pytest.param(
            SHOP.annotate({NAME: "v1", LABELS: "topology.istio.io/cluster one"}),
            False,
            id="member-with-a-name",
        ),
        pytest.param(
            SHOP.annotate({NAME: "v1", LABELS: "topology.istio.io/cluster"}),
            True,
            id="unusable-member-with-a-name",
        ),
        pytest.param(
            SHOP.annotate({NAME: "v1", LABELS: "topology.istio.io/cluster\tone\n"}),
            False,
            id="member-behind-a-tab-with-a-name",
        ),
        pytest.param(
            SHOP.annotate({LABELS: "topology.istio.io/cluster one\n\n app shop"}),
            True,
            id="member-and-label",
        ),
        pytest.param(
            SHOP.annotate({"nginx.ingress.kubernetes.io/service-subset": "v1"}),
            True,
            id="another-dialect",
        ),
        pytest.param(SHOP.annotate({"example.com/subset": "v1"}), False, id="something-else"),
    ],
)
def test_labels_are_asked_for_by_subsets(annotated: IngressBuilder, asks: bool) -> None:
    assert asks_for_labels(annotated.model()) == asks


def said(thing: Builder[Any]) -> Event:
    return Upserted(thing.ref(), thing.model())


def test_needs_are_those_of_all_objects_at_present() -> None:
    needs = Needs(DIALECTS.kinds)
    first, second = mse_gateway("a", members=["one", "two"]), mse_gateway("b", members=["two"])
    needs.note(said(first))
    needs.note(said(second))
    assert needs.members == {"one", "two"}
    needs.note(said(mse_gateway("a", members=["three"])))
    assert needs.members == {"two", "three"}
    needs.note(Deleted(second.ref()))
    assert needs.members == {"three"}
    needs.note(Deleted(second.ref()))
    assert needs.members == {"three"}


def test_labels_are_needed_while_somebody_asks_for_them() -> None:
    needs = Needs(DIALECTS.kinds)
    asking, other = SHOP.annotate({NAME: "v1"}), ingress("other").annotate({NAME: "v1"})
    for event in (said(asking), said(other), said(SHOP)):
        needs.note(event)
        assert needs.labels
    needs.note(Deleted(other.ref()))
    assert not needs.labels


def test_a_refused_object_keeps_the_needs_of_its_last_good_version() -> None:
    needs = Needs(DIALECTS.kinds)
    gateway = mse_gateway(members=["one"])
    needs.note(said(gateway))
    problem = Problem(gateway.ref(), "InvalidField", "spec", "5", "a mapping of fields")
    needs.note(Refused(gateway.ref(), (problem,)))
    assert needs.members == {"one"}
