"""The promise of the codec: a twin encodes the same bytes as envoy-data-plane."""

import dataclasses

import pytest
from betterproto2 import FieldMetadata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.content import as_original, as_twin, contents, in_field_order
from tests.wire.types_in_use import TYPES
from xds.readable import readable
from xds.schema import Schema, fields_of, type_url_of
from xds.wire import decode, encode

DEPTH = 3

each_type_in_use = pytest.mark.parametrize(
    "cls",
    [pytest.param(cls, id=f"{cls.__module__.split('.')[-2]}.{cls.__name__}") for cls in TYPES],
)

# envoy-data-plane warns if a deprecated field is set, and the draws set all fields.
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")


@each_type_in_use
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_twin_encodes_the_bytes_of_its_class(cls: Schema, data: st.DataObject) -> None:
    content = data.draw(contents(cls, DEPTH))
    original = as_original(content)

    body = encode(as_twin(content))

    assert body == in_field_order(cls, bytes(original))
    assert encode(decode(cls, body)) == body
    assert cls.parse(body) == original
    shown = readable(type_url_of(cls), body)
    if "_5xx" not in str(shown):  # from_dict takes `consecutive_5xx` for `consecutive_5_xx`
        assert cls.from_dict(shown) == original


def test_no_message_in_use_has_an_optional_scalar() -> None:
    waiting, seen = list(TYPES), set(TYPES)
    found: list[str] = []
    while waiting:
        cls = waiting.pop()
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # each is a dataclass
            meta = FieldMetadata.get(field)
            if meta.optional and not meta.group and meta.proto_type != "message":
                found.append(f"{cls.__name__}.{field.name}")
        held = {field.message for field in fields_of(cls) if field.message} - seen
        seen |= held
        waiting += held

    assert found == []
