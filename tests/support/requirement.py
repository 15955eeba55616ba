"""Skips or fails a test on a machine that lacks what the test needs."""

import os

import pytest


def require(missing: str | None) -> None:
    """Skip the test for this reason, if any; fail it if FLEETGATE_TEST_REQUIRE=all, as in CI."""
    if not missing:
        return
    if os.environ.get("FLEETGATE_TEST_REQUIRE") == "all":
        pytest.fail(f"cannot run here, and FLEETGATE_TEST_REQUIRE=all: {missing}")
    pytest.skip(missing)
