"""A twin takes the same keywords as the constructor of its class, with the same meaning."""

from datetime import timedelta

import pytest
from betterproto2 import Message
from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from envoy_data_plane.google.protobuf import Struct

from xds.descriptors import descriptors
from xds.readable import decode_type
from xds.schema import UnknownType, flat_name
from xds.wire import MalformedMessage, decode, encode, has, pack, pack_bytes, twin
from xds.wire import struct as struct_of

Cluster = twin(cluster.Cluster)
CommonLbConfig = twin(cluster.ClusterCommonLbConfig)
DeltaDiscoveryRequest = twin(discovery.DeltaDiscoveryRequest)
Metadata = twin(core.Metadata)
Node = twin(core.Node)
RouteMatch = twin(route.RouteMatch)


def test_none_is_absent() -> None:
    assert encode(Cluster(connect_timeout=None, common_lb_config=None)) == b""


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        pytest.param(RouteMatch(case_sensitive=False), b"\x22\x00", id="false-in-a-wrapper"),
        pytest.param(
            Cluster(per_connection_buffer_limit_bytes=0), b"\x2a\x00", id="zero-in-a-wrapper"
        ),
        pytest.param(RouteMatch(path=""), b"\x12\x00", id="empty-text-in-a-oneof"),
        pytest.param(Cluster(connect_timeout=timedelta(0)), b"\x22\x00", id="no-time"),
        pytest.param(
            Cluster(common_lb_config=CommonLbConfig()), b"\xda\x01\x00", id="empty-message"
        ),
    ],
)
def test_what_is_given_is_present(built: Message, expected: bytes) -> None:
    assert encode(built) == expected


@pytest.mark.parametrize(
    "built",
    [
        pytest.param(Cluster(name=""), id="text"),
        pytest.param(Cluster(lb_policy=cluster.ClusterLbPolicy.ROUND_ROBIN), id="enum"),
        pytest.param(Metadata(filter_metadata={}), id="map"),
    ],
)
def test_defaults_outside_of_wrappers_and_oneofs_are_absent(built: Message) -> None:
    assert encode(built) == b""


def test_two_members_of_one_oneof_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="RouteMatch takes only one of path, prefix"):
        RouteMatch(path="/a", prefix="/b")


def test_a_member_of_a_oneof_may_be_none_beside_another() -> None:
    assert encode(RouteMatch(path=None, prefix="/")) == encode(RouteMatch(prefix="/"))


def test_type_checkers_and_the_runtime_find_an_unknown_keyword() -> None:
    with pytest.raises(ValueError, match='Cluster has no "nmae" field'):
        Cluster(nmae="shop")  # type: ignore[call-arg]


def test_type_checkers_and_the_runtime_find_a_wrong_type() -> None:
    with pytest.raises(TypeError):
        Cluster(name=3)  # type: ignore[arg-type]


def test_sequences_of_any_kind_are_repeated_fields() -> None:
    names = ("a", "b")

    assert encode(DeltaDiscoveryRequest(resource_names_subscribe=names)) == encode(  # type: ignore[arg-type]
        DeltaDiscoveryRequest(resource_names_subscribe=list(names))
    )


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(struct_of({"shop": [1, None, {"open": True}]}), id="struct"),
        pytest.param(Struct.from_dict({"shop": [1, None, {"open": True}]}), id="original-struct"),
        pytest.param({"shop": [1, None, {"open": True}]}, id="plain-dict"),
    ],
)
def test_a_struct_is_json_in_any_form(metadata: Struct) -> None:
    expected = core.Metadata({"lua": Struct.from_dict({"shop": [1, None, {"open": True}]})})

    assert encode(Metadata(filter_metadata={"lua": metadata})) == bytes(expected)


@pytest.mark.parametrize(
    ("message", "type_url"),
    [
        pytest.param(Cluster(), "envoy.config.cluster.v3.Cluster", id="top-level"),
        pytest.param(
            CommonLbConfig(), "envoy.config.cluster.v3.Cluster.CommonLbConfig", id="nested"
        ),
        pytest.param(struct_of({}), "google.protobuf.Struct", id="well-known"),
    ],
)
def test_pack_names_the_type_by_its_full_url(message: Message, type_url: str) -> None:
    assert pack(message).type_url == f"type.googleapis.com/{type_url}"


def test_packed_bytes_are_the_message() -> None:
    message = Cluster(name="shop")

    packed = pack(message)

    assert encode(packed) == encode(pack_bytes(packed.type_url, encode(message)))
    assert encode(decode_type(packed.type_url, packed.value)) == encode(message)


def test_a_type_is_found_by_its_url_though_nobody_imported_it() -> None:
    url = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.FaultAbort.HeaderAbort"

    assert encode(decode_type(url, b"")) == b""


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("type.googleapis.com/envoy.config.cluster.v3.Clutter", id="no-such-message"),
        pytest.param("type.googleapis.com/envoy.config.clutter.v3.Cluster", id="no-such-package"),
        pytest.param("type.googleapis.com/os.Path", id="outside-of-the-api"),
        pytest.param("Cluster", id="no-package"),
        pytest.param("", id="empty"),
    ],
)
def test_an_unknown_type_url_is_named(url: str) -> None:
    with pytest.raises(UnknownType, match=repr(url)):
        decode_type(url, b"")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff", id="half-a-field"),
        pytest.param(b"\x0a\x05shop", id="too-short"),
        pytest.param(b"\x0a\x01\xff", id="name-is-not-utf-8"),
    ],
)
def test_bytes_that_are_no_message_are_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage, match="not a Cluster"):
        decode(cluster.Cluster, body)


def test_unknown_fields_do_no_harm() -> None:
    later = b"\xfa\xff\x7f\x01x"

    assert decode(cluster.Cluster, b"\x0a\x04shop" + later).name == "shop"


def test_an_absent_message_is_told_from_an_empty_one() -> None:
    body = encode(DeltaDiscoveryRequest(node=Node()))

    request = decode(discovery.DeltaDiscoveryRequest, body)

    assert has(request, "node")
    assert not has(request, "error_detail")


def test_a_twin_reads_no_descriptors_until_it_is_called() -> None:
    name = flat_name(cluster.ClusterCollection)
    unused_elsewhere = twin(cluster.ClusterCollection)

    with pytest.raises(KeyError):
        descriptors().named(name)
    unused_elsewhere()
    assert descriptors().named(name).DESCRIPTOR.name == name
