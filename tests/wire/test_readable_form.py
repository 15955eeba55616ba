"""The readable form of encoded messages is the form of Envoy's own config_dump."""

import json
from datetime import timedelta

import pytest
from betterproto2 import Message
from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua
from envoy_data_plane.envoy.type import v3 as envoy_type
from envoy_data_plane.google.protobuf import Duration

from xds.readable import readable
from xds.schema import type_url_of
from xds.wire import MalformedMessage, encode, pack, pack_bytes, struct, twin

Cluster = twin(cluster.Cluster)
LuaPerRoute = twin(lua.LuaPerRoute)
Metadata = twin(core.Metadata)
Route = twin(route.Route)

LUA_PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute"


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        pytest.param(
            Cluster(type=cluster.ClusterDiscoveryType.EDS), {"type": "EDS"}, id="enum-by-name"
        ),
        pytest.param(
            Cluster(lb_policy=cluster.ClusterLbPolicy(77)), {"lb_policy": 77}, id="unknown-enum"
        ),
        pytest.param(
            Cluster(connect_timeout=timedelta(milliseconds=250)),
            {"connect_timeout": "0.250s"},
            id="duration",
        ),
        pytest.param(
            Cluster(per_connection_buffer_limit_bytes=0),
            {"per_connection_buffer_limit_bytes": 0},
            id="wrapper-of-zero",
        ),
        pytest.param(
            Cluster(
                outlier_detection=twin(cluster.OutlierDetection)(
                    consecutive_5xx=3, max_ejection_percent=100
                )
            ),
            {"outlier_detection": {"consecutive_5xx": 3, "max_ejection_percent": 100}},
            id="envoys-own-field-names",
        ),
        pytest.param(
            Cluster(
                metadata=Metadata(filter_metadata={"lua": struct({"table": "shop", "n": [1]})})
            ),
            {"metadata": {"filter_metadata": {"lua": {"n": [1], "table": "shop"}}}},
            id="struct-as-json",
        ),
        pytest.param(
            twin(envoy_type.Int64Range)(start=2**60, end=-1),
            {"start": str(2**60), "end": "-1"},
            id="64-bits-as-text",
        ),
        pytest.param(
            twin(core.DataSource)(inline_bytes=b"\x00\xff"), {"inline_bytes": "AP8="}, id="base64"
        ),
        pytest.param(
            twin(envoy_type.Percent)(value=float("inf")), {"value": "Infinity"}, id="infinity"
        ),
        pytest.param(
            Route(typed_per_filter_config={"lua": pack(LuaPerRoute(disabled=True))}),
            {"typed_per_filter_config": {"lua": {"@type": LUA_PER_ROUTE, "disabled": True}}},
            id="any-opened",
        ),
        pytest.param(
            Route(
                typed_per_filter_config={
                    "time": pack_bytes(type_url_of(Duration), b"\x08\x01"),
                }
            ),
            {"typed_per_filter_config": {"time": {"@type": type_url_of(Duration), "value": "1s"}}},
            id="any-of-a-duration",
        ),
        pytest.param(
            Route(typed_per_filter_config={"x": pack_bytes("example.com/a.B", b"\x00")}),
            {"typed_per_filter_config": {"x": {"@type": "example.com/a.B", "value": "AA=="}}},
            id="any-of-a-stranger",
        ),
        pytest.param(
            Route(typed_per_filter_config={"lua": pack_bytes(LUA_PER_ROUTE, b"\xff")}),
            {"typed_per_filter_config": {"lua": {"@type": LUA_PER_ROUTE, "value": "/w=="}}},
            id="any-that-does-not-parse",
        ),
    ],
)
def test_a_message_reads_as_envoys_json(built: Message, expected: object) -> None:
    shown = readable(_url(built), encode(built))

    assert shown == expected
    assert json.loads(json.dumps(shown)) == shown


def test_fields_stand_in_the_order_of_their_numbers_and_maps_in_that_of_keys() -> None:
    built = Route(
        name="shop",
        typed_per_filter_config={name: pack(LuaPerRoute()) for name in ("b", "c", "a")},
        match=twin(route.RouteMatch)(prefix="/"),
    )

    shown = readable(_url(built), encode(built))

    assert list(shown) == ["match", "typed_per_filter_config", "name"]
    assert json.dumps(shown).index('"a"') < json.dumps(shown).index('"b"')


def test_the_keys_of_a_struct_stand_in_their_order() -> None:
    values = {f"key-{number}": {"b": 1.0, "a": 2.0} for number in reversed(range(10))}
    body = encode(Metadata(filter_metadata={"of": struct(values)}))
    metadata = readable(type_url_of(core.Metadata), body)["filter_metadata"]
    shown = json.dumps(metadata)
    assert shown == json.dumps(json.loads(shown), sort_keys=True)


def test_bytes_that_are_no_message_are_malformed() -> None:
    with pytest.raises(MalformedMessage):
        readable(type_url_of(cluster.Cluster), b"\xff")


def _url(built: Message) -> str:
    return pack(built).type_url
