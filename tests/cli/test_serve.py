"""`serve` is the control plane alone, until it is told to stop."""

import signal
from pathlib import Path

import pytest

from tests.cli.commands import Staying


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_by_a_signal(number: signal.Signals, fleet: Path) -> None:
    with Staying.serve(fleet) as serve:
        assert serve.processes() == []
        ended = serve.end(number)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("xDS on 127.0.0.1:")
    assert f"serving {fleet}" in ended.out
