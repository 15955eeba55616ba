"""The examples of ALB gateways: those of the document, and what it says without an example.

Pod counts and weights of members are kept by taking turns, and not by chance. So 500 requests show
a share.
"""

from collections.abc import Mapping
from typing import Final

from fleetgate.demo.examples import SHOP
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Question
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.steps import (
    Apply,
    Ask,
    ByQuic,
    Call,
    Change,
    Document,
    Example,
    Listed,
    Redirected,
    Reported,
    Scale,
    Try,
)

_HOST = "alb.ingress.alibaba.com"
_ALL = Question("/", _HOST)
_GRAY = Question("/", _HOST, {"stage": "gray"})
_FOLDER = "alb-north-south-traffic"
_TIMES = 500


def _ask(question: Question, promised: Mapping[str, float], certificate: str = "") -> Ask:
    return Ask(question, promised, certificate, _TIMES)


def _over(file: str) -> Apply:
    """Apply a further version of the document's Ingress."""
    return Apply(file, over="alb-ingress.yaml")


_PODS: tuple[Change, ...] = (
    Apply("web-demo.yaml", to=CLUSTER_1, values={"${envCluster}": "cluster1"}),
    Apply("web-demo.yaml", to=CLUSTER_2, values={"${envCluster}": "cluster2"}),
)

ALB_NORTH_SOUTH_TRAFFIC: Final = Document(
    title="Manage north-south traffic by an ALB gateway",
    folder=_FOLDER,
    gateway="ackone-gateway-demo",
    kind="AlbConfig",
    preparation=(Apply("gateway.yaml"), *_PODS),
    examples=(
        Example(
            "Step 1: Create an ALB multi-cluster gateway",
            "The gateway has its listener, and both clusters are connected.",
            (Listed("8001/HTTP"),),
        ),
        Example(
            "Example 1: Default load balancing",
            "Traffic follows the number of Pods: three in cluster 1 and one in cluster 2.",
            (
                _over("example-1.yaml"),
                Scale(CLUSTER_1, 3),
                _ask(_ALL, {"cluster1": 75, "cluster2": 25}),
            ),
        ),
        Example(
            "Example 2: Single-cluster routing",
            "All requests are served by cluster 1.",
            (_over("example-2.yaml"), _ask(_ALL, {"cluster1": 100})),
        ),
        Example(
            "Example 3: Header-based routing",
            "Requests with the header stage: gray go to cluster 1. No rule takes the others.",
            (
                _over("example-3.yaml"),
                _ask(_GRAY, {"cluster1": 100}),
                Try(_ALL, {404: 1}),
            ),
        ),
        Example(
            "Example 4: Weight-based routing",
            "60 % of the traffic goes to cluster 1 and 40 % to cluster 2, whatever their Pods.",
            (_over("example-4.yaml"), _ask(_ALL, {"cluster1": 60, "cluster2": 40})),
        ),
        Example(
            "A cluster that does not exist",
            "Its weight is skipped and reported. The other cluster gets all traffic.",
            (
                _over("missing-cluster.yaml"),
                _ask(_ALL, {"cluster1": 100}),
                Reported("alb-ingress", "demo", "ClusterNotAttached", "c0-not-in-this-fleet"),
            ),
        ),
        Example(
            "Weights that do not add up",
            "60 and 30 count as two to one, and the sum is reported.",
            (
                _over("sum-of-90.yaml"),
                _ask(_ALL, {"cluster1": 200 / 3, "cluster2": 100 / 3}),
                Reported(
                    "alb-ingress",
                    "demo",
                    "ClusterWeightSum",
                    "cluster-weight sum is 90, must be 100",
                ),
            ),
        ),
        Example(
            "Header and weight",
            "Requests with the header stage: gray go to cluster 2, all others to cluster 1. Each"
            " cluster takes over when the other one has no Pod.",
            (
                _over("header-and-weight.yaml"),
                _ask(_GRAY, {"cluster2": 100}),
                _ask(_ALL, {"cluster1": 100}),
                Scale(CLUSTER_2, 0),
                _ask(_GRAY, {"cluster1": 100}),
                Scale(CLUSTER_2, 1),
                Scale(CLUSTER_1, 0),
                _ask(_ALL, {"cluster2": 100}),
            ),
        ),
    ),
)


def alb_protocols(signed: SelfSigned) -> Document:
    """Return the demo's own examples of protocols, with this certificate in the Secret."""
    certificate = signed.certificate.decode()
    return Document(
        title="Protocols of an ALB gateway",
        folder=_FOLDER,
        gateway="protocols-demo",
        kind="AlbConfig",
        preparation=(
            Apply("protocols-gateway.yaml", values=signed.values),
            *_PODS,
            Apply("grpc-demo.yaml", to=CLUSTER_1),
        ),
        examples=(
            Example(
                "HTTPS with a redirect",
                "HTTPS is served with the certificate of the listener, and HTTP is redirected.",
                (
                    Apply("https.yaml"),
                    Listed("80/HTTP,443/HTTPS,443/QUIC"),
                    _ask(Question("/", SHOP), {"cluster1": 50, "cluster2": 50}, certificate),
                    Redirected(Question("/cart", SHOP), f"https://{SHOP}/cart"),
                ),
            ),
            Example(
                "gRPC",
                "A call over TLS reaches a Pod that speaks gRPC.",
                (Apply("grpc.yaml"), Call(SHOP, certificate)),
            ),
            Example(
                "QUIC",
                "The same hosts are served by HTTP/3 on the same port. The demo has no client for"
                " HTTP/3, so it only asks whether QUIC answers.",
                (ByQuic(Question("/", SHOP)),),
            ),
        ),
    )
