"""The annotations for subsets of a Service, and for weighted destinations."""

import pytest

from tests.translators.plans import MSE, ingress_with, problems, routes
from translators.model.backends import Subset, holds


def pinned(**keys: str) -> list[str]:
    annotations = {MSE + key.replace("_", "-"): value for key, value in keys.items()}
    return routes(ingress_with("shop", "Exact /a to s:80", annotations=annotations))


@pytest.mark.parametrize(
    ("keys", "cluster"),
    [
        pytest.param(
            {"service_subset": "one", "subset_labels": "topology.istio.io/cluster c1\n"},
            "s/80@member=c1",
            id="member",
        ),
        pytest.param(
            {"service_subset": "one", "subset_labels": "version v2\napp   web"},
            "s/80@app~=web&version~=v2",
            id="labels-sorted",
        ),
        pytest.param(
            {"service_subset": "one", "subset_labels": "topology.istio.io/cluster c1\nv 2"},
            "s/80@member=c1&v~=2",
            id="member-and-label",
        ),
        pytest.param({"service_subset": "base"}, "s/80@base=", id="base"),
        pytest.param({"service_subset": ""}, "s/80@base=", id="empty-is-base"),
        pytest.param(
            {"service_subset": "gray"}, "s/80@opensergo%2Eio%2Fcanary-gray~=gray", id="by-name"
        ),
        pytest.param({"subset_labels": "v\t2"}, "s/80@v~=2", id="tab"),
        pytest.param({"subset_labels": "no-value"}, "s/80", id="line-without-value"),
        pytest.param({"subset_labels": "v 2 3"}, "s/80", id="line-of-three"),
        pytest.param(
            {"service_subset": "gray", "subset_labels": "no-value"},
            "s/80@opensergo%2Eio%2Fcanary-gray~=gray",
            id="unusable-labels-leave-the-name",
        ),
        pytest.param(
            {"service_subset": "base", "subset_labels": "no-value"},
            "s/80@base=",
            id="unusable-labels-leave-base",
        ),
        pytest.param(
            {"subset_labels": "topology.istio.io/cluster c1\ntopology.istio.io/cluster c2"},
            "s/80",
            id="two-members",
        ),
        pytest.param(
            {
                "destination": "80% a.default.svc.cluster.local:80\n"
                "20% b.default.svc.cluster.local:81"
            },
            "a/80 80 | b/81 20",
            id="destination",
        ),
        pytest.param(
            {"destination": "a.default.svc.cluster.local:80"}, "a/80", id="one-destination"
        ),
        pytest.param({"destination": "a:80"}, "s/80", id="destination-malformed"),
        pytest.param(
            {"destination": "0% a.default.svc.cluster.local:80"}, "s/80", id="destination-of-0"
        ),
    ],
)
def test_backend_of_annotated_rule(keys: dict[str, str], cluster: str) -> None:
    assert pinned(**keys) == [f"Exact /a -> {cluster}"]


def test_malformed_labels_are_a_problem() -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={MSE + "subset-labels": "x"})
    (problem,) = problems(shop)
    assert problem.expected == "lines of a label's key, a blank and its value"


@pytest.mark.parametrize(
    ("subset", "labels", "inside"),
    [
        pytest.param(Subset(member="c1"), {}, True, id="member"),
        pytest.param(Subset(member="c2"), {}, False, id="other-member"),
        pytest.param(Subset(labels=(("v", "2"),)), {"v": "2", "x": "y"}, True, id="label"),
        pytest.param(Subset(labels=(("v", "2"), ("a", "b"))), {"v": "2"}, False, id="all-labels"),
        pytest.param(Subset(base=True), {}, True, id="base-without-label"),
        pytest.param(Subset(base=True), {"opensergo.io/canary": ""}, True, id="base-empty-label"),
        pytest.param(
            Subset(base=True), {"opensergo.io/canary": "gray"}, False, id="base-not-canary"
        ),
        pytest.param(
            Subset(base=True), {"opensergo.io/canary-gray": "gray"}, False, id="base-not-named"
        ),
    ],
)
def test_pod_in_subset(subset: Subset, labels: dict[str, str], inside: bool) -> None:
    assert holds(subset, "c1", labels) is inside
