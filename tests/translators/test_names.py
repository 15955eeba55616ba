"""Generated names have the documented form, and different things have different names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.ref import HUB, Ref
from translators.dialects import DIALECTS
from translators.dialects.mse.gateway import MSE_TABLES
from translators.envoy.names import backend_name, cluster_name, listener_of, table_name, tables_of
from translators.model.backends import Backend, BackendProtocol, ServicePort, Subset, Target
from translators.model.listeners import ListenerPort, Protocol

PORT = ServicePort(80)


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        pytest.param(Backend("web-demo", "service1", PORT), "web-demo/service1/80", id="number"),
        pytest.param(Backend("ns", "svc", ServicePort(name="http")), "ns/svc/http", id="name"),
        pytest.param(
            Backend("ns", "svc", PORT, Subset(member="c1.eu")),
            "ns/svc/80@member=c1%2Eeu",
            id="member-with-dot",
        ),
        pytest.param(
            Backend("ns", "svc", PORT, Subset(labels=(("app.io/v", "a&b"),))),
            "ns/svc/80@app%2Eio%2Fv~=a%26b",
            id="labels",
        ),
        pytest.param(Backend("ns", "svc", PORT, Subset(base=True)), "ns/svc/80@base=", id="base"),
        pytest.param(
            Backend("ns", "svc", PORT, Subset(base=True), protocol=BackendProtocol.H2C),
            "ns/svc/80+h2c@base=",
            id="protocol",
        ),
        pytest.param(
            Backend("ns", "svc", PORT, weighted_by=Ref(HUB, "Ingress", "ns", "shop.eu")),
            "ns/svc/80#shop%2Eeu",
            id="weighted",
        ),
        pytest.param(
            Backend(
                *("ns", "svc", PORT, Subset(member="c1#shop"), BackendProtocol.H2C),
                weighted_by=Ref(HUB, "Ingress", "other", "shop"),
            ),
            "ns/svc/80+h2c@member=c1%23shop#other/shop",
            id="weighted-from-another-namespace",
        ),
    ],
)
def test_cluster_of_a_backend(backend: Backend, name: str) -> None:
    assert backend_name(backend) == name


def test_cluster_of_several_backends() -> None:
    target = Target((Backend("ns", "canary", PORT), Backend("ns", "main", PORT)))
    assert cluster_name(target) == "ns/canary/80>ns/main/80"


@pytest.mark.parametrize("protocol", Protocol)
def test_a_listener_is_known_by_its_tables(protocol: Protocol) -> None:
    listener = ListenerPort(8443, protocol)
    assert listener_of(tables_of(listener)) == listener
    assert listener_of(MSE_TABLES) is None


subsets = st.builds(
    Subset,
    member=st.text(),
    labels=st.dictionaries(st.text(), st.text(), max_size=3).map(
        lambda labels: tuple(sorted(labels.items()))
    ),
    base=st.booleans(),
)


@given(subsets, subsets)
def test_every_subset_has_a_name_of_its_own_without_dots(one: Subset, other: Subset) -> None:
    names = [backend_name(Backend("ns", "svc", PORT, subset)) for subset in (one, other)]
    assert not any("." in name for name in names)
    assert (names[0] == names[1]) == (one == other)


LONG_LABELS = tuple((f"label-{n}.example.com/name", "v" * 63) for n in range(32))


def test_a_long_subset_has_a_short_name_of_its_own() -> None:
    names = {
        backend_name(Backend("ns", "svc", PORT, Subset(labels=LONG_LABELS[:count])))
        for count in range(len(LONG_LABELS) + 1)
    }
    assert len(names) == len(LONG_LABELS) + 1
    assert max(map(len, names)) < 220


def test_a_cluster_of_many_backends_has_a_short_name_of_its_own() -> None:
    backends = tuple(Backend("ns", f"service-{n}", PORT) for n in range(65))
    names = {cluster_name(Target(backends[:count])) for count in range(1, 66)}
    assert len(names) == 65
    assert max(map(len, names)) < 230
    assert {name.partition(">")[0] for name in names} == {"ns/service-0/80"}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("shop.example.com", "mse|shop.example.com"),
        ("*.example.com", "mse|*.example.com"),
        ("", "mse|*"),
    ],
)
def test_table(host: str, name: str) -> None:
    assert table_name(MSE_TABLES, host) == name


def test_gateway() -> None:
    ref = Ref(HUB, "MseIngressConfig", "", "ackone-gateway")
    assert DIALECTS.name_of(ref) == "mse/ackone-gateway"
    assert DIALECTS.parse_name("mse/ackone-gateway") == ref


@pytest.mark.parametrize(
    "text",
    ["", "mse", "mse/", "nginx/gw", "mse/a/b", "mse/A", "mse/a b", "mse/..", "mse/é", "mse/a\n"],
)
def test_what_is_no_gateway(text: str) -> None:
    with pytest.raises(ValueError, match="is no gateway's name: one looks like mse/NAME"):
        DIALECTS.parse_name(text)
