"""`demo` walks through the documents' examples; its exit status says whether all of them hold."""

import signal

import pytest

from tests.cli.commands import FLEETGATE, Staying, fleetgate, free_offset, runs


def test_every_example_holds_and_nothing_is_logged_between_them() -> None:
    walked = fleetgate("demo", "--once", "--port-offset", free_offset(), "--admin-port", "0")

    assert (walked.status, walked.err) == (0, "")
    assert "\nAll 26 examples hold (" in walked.out
    assert "NOT AS PROMISED" not in walked.out
    assert max(map(len, walked.out.splitlines())) <= 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_walk_leaves_nothing_behind(number: signal.Signals) -> None:
    command = (*FLEETGATE, "demo", "--port-offset", free_offset(), "--admin-port", "0")
    with Staying(command, "Example 1") as demo:
        pids = demo.processes()
        assert len(pids) > 2

        ended = demo.end(number)

    assert ended.status == 1
    assert ended.err == "fleetgate: stopped before the walk was over\n"
    assert [pid for pid in pids if runs(pid)] == []
