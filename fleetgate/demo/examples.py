"""The table of examples: their steps, their requests, and their promises.

Most are those of two documents of Alibaba Cloud. The last ones show annotations of NGINX Ingress.
"""

from typing import Final

from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Question
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.steps import (
    Apply,
    Ask,
    Attach,
    DeleteService,
    Document,
    Example,
    Kill,
    Redirected,
    Revive,
    Scale,
    Try,
)

_GRAY = Question("/service1", headers={"stage": "gray"})

NORTH_SOUTH_TRAFFIC: Final = Document(
    title="Manage north-south traffic",
    folder="north-south-traffic",
    gateway="ackone-gateway",
    preparation=(
        Apply("mseingressconfig.yaml"),
        Attach("mseingressconfig.yaml"),
        Apply("web-demo.yaml", to=CLUSTER_1),
        Apply("web-demo.yaml", to=CLUSTER_2, values={"cluster1": "cluster2"}),
    ),
    examples=(
        Example(
            "Example 1: Distribute traffic evenly across clusters",
            "Traffic follows the number of Pods; with one in each cluster it splits equally.",
            (
                Apply("ingress-demo.yaml"),
                Ask(Question("/svc1"), {"cluster1": 50, "cluster2": 50}),
            ),
        ),
        Example(
            "Example 2: Route all traffic to a single cluster",
            "All requests are served by cluster 1.",
            (
                Apply("ingress-demo-cluster-one.yaml"),
                Ask(Question("/service1"), {"cluster1": 100}),
            ),
        ),
        Example(
            "Example 3: Route canary traffic by request header",
            "Requests with the header stage: gray go to cluster 2, all others to cluster 1.",
            (
                Apply("ingress-demo-header.yaml"),
                Ask(_GRAY, {"cluster2": 100}),
                Ask(Question("/service1"), {"cluster1": 100}),
            ),
        ),
        Example(
            "Example 4: Automatic cross-cluster failover",
            "When the Service in cluster 2 is down or deleted, its traffic goes to cluster 1;"
            " when it is back, so is the traffic.",
            (
                Kill(CLUSTER_2),
                Ask(_GRAY, {"cluster1": 100}),
                Revive(CLUSTER_2),
                Ask(_GRAY, {"cluster2": 100}),
                DeleteService(CLUSTER_2),
                Ask(_GRAY, {"cluster1": 100}),
                Apply("web-demo.yaml", to=CLUSTER_2, values={"cluster1": "cluster2"}),
                Ask(_GRAY, {"cluster2": 100}),
            ),
        ),
        Example(
            "Example 5: Weight-based canary release",
            "10 % of the traffic goes to cluster 2 and 90 % to cluster 1.",
            (
                Apply("ingress-weight.yaml"),
                Ask(Question("/svc1-w"), {"cluster1": 90, "cluster2": 10}),
            ),
        ),
    ),
)

_NAMESPACE = "gateway-demo"
_NINE_TO_ONE = {"cluster-demo-1": 90, "cluster-demo-2": 10}

ZONE_DISASTER_RECOVERY: Final = Document(
    title="Zone-disaster recovery",
    folder="zone-disaster-recovery",
    gateway="ackone-gateway-hongkong",
    preparation=(
        Apply("gateway.yaml"),
        Apply("web-demo.yaml", to=CLUSTER_1, values={"${envCluster}": "cluster-demo-1"}),
        Apply("web-demo.yaml", to=CLUSTER_2, values={"${envCluster}": "cluster-demo-2"}),
    ),
    examples=(
        Example(
            "Active zone-redundancy",
            "With 9 replicas in cluster 1 and 1 in cluster 2, traffic is routed 9:1.",
            (
                Apply("ingress-demo.yaml", namespace=_NAMESPACE),
                Scale(CLUSTER_1, 9),
                Ask(Question("/svc1"), _NINE_TO_ONE),
            ),
        ),
        Example(
            "Active zone-redundancy: failover",
            "When cluster 1 is scaled to 0, all traffic goes to cluster 2.",
            (
                Scale(CLUSTER_1, 0),
                Ask(Question("/svc1"), {"cluster-demo-2": 100}),
                Scale(CLUSTER_1, 9),
                Ask(Question("/svc1"), _NINE_TO_ONE),
            ),
        ),
        Example(
            "Verify the canary release version",
            "Requests with the header canary-dest: cluster1 go to the new application in cluster 1;"
            " the others do not notice it.",
            (
                Apply("new-app.yaml", to=CLUSTER_1),
                Apply("new-ingress.yaml"),
                Ask(
                    Question("/svc1", headers={"canary-dest": "cluster1"}),
                    {"cluster-demo-1-canary": 100},
                ),
                Ask(Question("/svc1"), _NINE_TO_ONE),
            ),
        ),
        Example(
            "Primary/secondary disaster recovery",
            "While both clusters are well, traffic goes to cluster 1 only.",
            (
                Scale(CLUSTER_1, 1),
                Apply("ingress-demo-cluster-one.yaml", namespace=_NAMESPACE),
                Ask(Question("/service1"), {"cluster-demo-1": 100}),
            ),
        ),
        Example(
            "Cluster-level canary release",
            "Requests with the header app-web-demo-version: gray go to cluster 2.",
            (
                Apply("ingress-demo-cluster-gray.yaml", namespace=_NAMESPACE),
                Ask(
                    Question("/service1", headers={"app-web-demo-version": "gray"}),
                    {"cluster-demo-2": 100},
                ),
                Ask(Question("/service1"), {"cluster-demo-1": 100}),
            ),
        ),
        Example(
            "Primary/secondary disaster recovery: failover",
            "When cluster 1 is scaled to 0, its traffic goes to cluster 2; when it is back,"
            " so is the traffic.",
            (
                Scale(CLUSTER_1, 0),
                Ask(Question("/service1"), {"cluster-demo-2": 100}),
                Scale(CLUSTER_1, 1),
                Ask(Question("/service1"), {"cluster-demo-1": 100}),
            ),
        ),
    ),
)

ANNOTATIONS: Final = Document(
    title="Annotations of NGINX Ingress",
    folder="annotations",
    gateway="annotated-gateway",
    preparation=(
        Apply("gateway.yaml"),
        Apply("web-demo.yaml", to=CLUSTER_1, values={"${envCluster}": "cluster1"}),
    ),
    examples=(
        Example(
            "Rewrite of paths",
            "A Pod gets the path behind /shop.",
            (
                Apply("rewrite.yaml"),
                Try(Question("/shop/cart"), {200: 1}, "/cart"),
            ),
        ),
        Example(
            "Client addresses",
            "The path /office is for the network 192.0.2.0/24, and /local for private ones.",
            (
                Apply("addresses.yaml"),
                Try(Question("/office"), {403: 1}),
                Try(Question("/local"), {200: 1}, "/local"),
            ),
        ),
        Example(
            "Rate of a client",
            "Each client has six requests a minute.",
            (Apply("rate.yaml"), Try(Question("/limited"), {200: 6, 429: 4}, "/limited")),
        ),
    ),
)

SHOP: Final = "shop.example.com"
"""The host of the examples of TLS."""


def tls(signed: SelfSigned) -> Document:
    """Return the demo's own example of TLS, with this certificate in the Secret."""
    return Document(
        title="TLS at the gateway",
        folder=NORTH_SOUTH_TRAFFIC.folder,
        gateway=NORTH_SOUTH_TRAFFIC.gateway,
        preparation=NORTH_SOUTH_TRAFFIC.preparation,
        examples=(
            Example(
                "A certificate for a host",
                "The host is served over TLS with the certificate of a Secret, and requests without"
                " TLS are redirected to https.",
                (
                    Apply("ingress-tls.yaml", values=signed.values),
                    Ask(
                        Question("/", SHOP),
                        {"cluster1": 50, "cluster2": 50},
                        certificate=signed.certificate.decode(),
                    ),
                    Redirected(Question("/cart", SHOP), f"https://{SHOP}/cart"),
                ),
            ),
        ),
    )


DOCUMENTS: Final = (NORTH_SOUTH_TRAFFIC, ZONE_DISASTER_RECOVERY, ANNOTATIONS)
