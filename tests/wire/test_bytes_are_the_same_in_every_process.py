"""Every process encodes the same bytes, even of maps: replicas agree on versions, their hashes."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from envoy_data_plane.envoy.config.core import v3 as core
from xds.wire import encode, pack, struct, twin

names = [f"filter-{n}" for n in range(20)]
metadata = twin(core.Metadata)(
    filter_metadata={name: struct({key: key for key in names}) for name in names},
    typed_filter_metadata={name: pack(struct({key: 1 for key in names})) for name in names},
)
print(encode(metadata).hex())
"""


def _bytes_in_a_new_process(hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_maps_are_encoded_in_one_order(capsys: pytest.CaptureFixture[str]) -> None:
    exec(PROGRAM, {})  # noqa: S102 (this process is the third)
    here = capsys.readouterr().out

    assert _bytes_in_a_new_process("1") == _bytes_in_a_new_process("2") == here
