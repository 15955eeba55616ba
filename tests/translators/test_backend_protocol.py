"""The annotation `backend-protocol` sets the protocol of an Ingress's backends."""

import pytest

from tests.translators.plans import MSE, NGINX, ingress_with, problems, routes

KEY = NGINX + "backend-protocol"
CANARY = {NGINX + "canary": "true", NGINX + "canary-weight": "100"}


@pytest.mark.parametrize(
    ("value", "cluster"),
    [
        pytest.param("HTTP", "s/80", id="http"),
        pytest.param("HTTP2", "s/80+h2c", id="http-2"),
        pytest.param("GRPC", "s/80+h2c", id="grpc"),
        pytest.param("HTTPS", "s/80+https", id="https"),
        pytest.param("GRPCS", "s/80+h2", id="grpcs"),
        pytest.param("gRPCs", "s/80+h2", id="any-case"),
        pytest.param("FCGI", "s/80", id="another"),
        pytest.param("", "s/80", id="empty"),
    ],
)
def test_a_backend_is_asked_by_what_it_speaks(value: str, cluster: str) -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={KEY: value})
    assert routes(shop) == [f"Exact /a -> {cluster}"]


def test_another_protocol_is_a_problem() -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={KEY: "FCGI"})
    (problem,) = problems(shop)
    assert (problem.reason, problem.key, problem.value) == ("InvalidAnnotation", KEY, "FCGI")
    assert problem.expected == "HTTP, HTTP2, GRPC, HTTPS or GRPCS"
    assert problem.effect == "backends are asked by HTTP"


def test_two_ingresses_ask_one_service_port_each_in_its_own_way() -> None:
    web = ingress_with("web", "Prefix / to argocd-server:80")
    grpc = ingress_with("grpc", "Prefix /repo to argocd-server:80", annotations={KEY: "GRPC"})
    assert routes(web, grpc) == [
        "Prefix /repo -> argocd-server/80+h2c",
        "Prefix / -> argocd-server/80",
    ]


def test_destinations_and_subsets_are_asked_so_too() -> None:
    annotations = {
        KEY: "HTTPS",
        MSE + "destination": "a.default.svc.cluster.local:80",
        MSE + "subset-labels": "v 2",
    }
    shop = ingress_with("shop", "Exact /a to s:80", annotations=annotations)
    assert routes(shop) == ["Exact /a -> a/80+https@v~=2"]


@pytest.mark.parametrize(
    ("own", "cluster"),
    [({}, "new/80+h2c>old/80+h2c"), ({KEY: "HTTPS"}, "new/80+https>old/80+h2c")],
    ids=["as-the-main", "its-own"],
)
def test_a_canary_speaks_as_its_main_unless_it_says_so(own: dict[str, str], cluster: str) -> None:
    main = ingress_with("main", "Exact /a to old:80", annotations={KEY: "GRPC"})
    canary = ingress_with("canary", "Exact /a to new:80", annotations={**CANARY, **own})
    assert routes(main, canary) == [f"Exact /a -> {cluster}"]
