"""Prepared descriptors equal those of the classes, so that a server imports none of the classes."""

import subprocess
import sys
from typing import Any

import pytest

from tests.wire.prepare import PLACE, prepared
from translators.envoy import messages
from xds.message_names import flat, full
from xds.prepared import Name, Package
from xds.schema import flat_name

_MESSAGES = [
    pytest.param(name, id=name.__name__)
    for twin in vars(messages).values()
    if isinstance(name := getattr(twin, "__wrapped__", None), Name)
]
_ENUMS = [
    pytest.param(name, id=name.__name__)
    for name in vars(messages).values()
    if isinstance(name, Name)
]

_SERVING = """
import sys
from fleetgate.commands import serve
from tests.support.translation import World
from tests.translators import manifests
from xds import discovery
world = World()
world.attach("", "c1")
world.put(manifests.gateway_manifest(members="c1"))
world.put(manifests.ingress_manifest("shop"))
world.put(manifests.ingress_manifest("any", "*.example.com", "/a"))
world.put(manifests.service_manifest(), manifests.slice_manifest("10.0.0.1"), origin="c1")
discovery.parse_delta(b"")
discovery.delta_tail("type", "nonce", [], "")
print(world.sent, [name for name in sys.modules if name.split(".")[0] in CLASSES])
"""


def test_the_file_is_what_the_classes_say() -> None:
    assert PLACE.read_bytes() == prepared(), "the schema has changed: run `make schema`"


@pytest.mark.parametrize("name", _MESSAGES)
def test_a_message_in_use_is_prepared_under_the_name_of_its_class(name: Name) -> None:
    assert name.flat == flat_name(name.schema)


@pytest.mark.parametrize("name", _ENUMS)
def test_an_enum_in_use_has_the_numbers_of_its_class(name: Name) -> None:
    enum: Any = name.schema  # an enum, for once
    numbers = {member: getattr(name, member) for member in enum.__members__}
    assert numbers == {member: number.value for member, number in enum.__members__.items()}


@pytest.mark.parametrize(
    "name", ["envoy.type.v3.Percent", "a_b.c_d.v3.E.F", "http_connection_manager.v3.X"]
)
def test_a_flat_name_tells_the_whole_one(name: str) -> None:
    assert full(flat(name)) == name
    assert "." not in flat(name)


def test_what_is_not_prepared_is_found_by_its_class() -> None:
    fault = Package("envoy.extensions.filters.http.fault.v3")
    assert fault.HttpFault.flat is None
    assert fault.HttpFault.schema.__name__ == "HttpFault"
    assert fault.FaultAbort.schema.__name__ == "FaultAbort"


def test_a_control_plane_that_serves_imports_no_class() -> None:
    program = _SERVING.replace("CLASSES", "('envoy_data_plane', 'betterproto2')")
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    sent, imported = done.stdout.split(maxsplit=1)
    assert int(sent) > 0
    assert imported.strip() == "[]"
