"""A mark that is appended to a poisoned scoped route changes its bytes, not its meaning."""

import pytest
from envoy_data_plane.envoy.config.route import v3 as route_v3

from tests.xds.gateway import Scope, ScopeKey, ScopeKeyFragment, scope
from xds import variation
from xds.resource import Resource
from xds.wire import decode, encode, struct


def test_mark_is_all_that_changes_in_the_table() -> None:
    """Protobuf's own runtime reads the table, and merges messages as Envoy's runtime does."""
    resource = scope("shop", answer="hello")

    table = parse(resource.body + variation.suffix(resource, "e.1")).route_configuration

    assert table is not None
    assert table.metadata is not None
    mark = table.metadata.filter_metadata[variation.METADATA_KEY]
    assert mark == struct({"mark": "e.1"})
    assert table.name == "shop"
    table.ClearField("metadata")  # type: ignore[attr-defined]  # a message of the C runtime
    assert table == parse(resource.body).route_configuration


def parse(body: bytes) -> route_v3.ScopedRouteConfiguration:
    return decode(route_v3.ScopedRouteConfiguration, body)


def test_marks_differ() -> None:
    resource = scope("shop", answer="hello")
    assert variation.suffix(resource, "e.1") != variation.suffix(resource, "e.2")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(
            encode(
                Scope(
                    name="shop",
                    route_configuration_name="table",
                    key=ScopeKey(fragments=[ScopeKeyFragment(string_key="shop")]),
                    on_demand=True,
                )
            ),
            id="table by name",
        ),
        pytest.param(b"\xff", id="cut off"),
        pytest.param(b"\x0b", id="group"),
    ],
)
def test_scopes_without_a_table_inline_stay_as_they_are(body: bytes) -> None:
    assert variation.suffix(Resource.of("shop", body), "e.1") == b""


def test_fixed_width_fields_are_stepped_over() -> None:
    inline = b"\x61" + bytes(8) + b"\x6d" + bytes(4) + b"\x2a\x00"
    assert variation.suffix(Resource.of("shop", inline), "e.1")
