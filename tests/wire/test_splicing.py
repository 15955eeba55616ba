"""Encoded messages are joined into an enclosing one without being encoded again."""

import pytest
from envoy_data_plane.envoy.config.endpoint import v3 as endpoint

from xds.wire import encode, field, splice, twin

Assignment = twin(endpoint.ClusterLoadAssignment)
Locality = twin(endpoint.LocalityLbEndpoints)
Policy = twin(endpoint.ClusterLoadAssignmentPolicy)

ENDPOINTS = 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_join_of_bytes_is_the_message_built_at_once(count: int) -> None:
    localities = [Locality(priority=n) for n in range(count)]
    policy = Policy(overprovisioning_factor=10_000)

    spliced = splice(
        encode(Assignment(cluster_name="shop")),
        ENDPOINTS,
        [encode(locality) for locality in localities],
        encode(Assignment(policy=policy)),
    )

    assert spliced == encode(Assignment(cluster_name="shop", endpoints=localities, policy=policy))


@pytest.mark.parametrize("size", [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, 0x1F_FFFF, 0x20_0000])
@pytest.mark.parametrize("number", [1, 15, 16, 2047, 2048])
def test_a_field_of_any_size_and_number(number: int, size: int) -> None:
    body = bytes(size)

    encoded = field(number, body)

    assert encoded == splice(b"", number, [body])
    assert encoded == _key(number) + _varint(size) + body


def _key(number: int) -> bytes:
    return _varint(number << 3 | 2)


def _varint(value: int) -> bytes:
    """Encode a number: groups of seven bits, the lowest first, a top bit on all but the last."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])
