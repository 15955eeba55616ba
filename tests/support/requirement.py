"""What a test needs of the machine, and what happens where that is missing."""

import os

import pytest


def require(missing: str | None) -> None:
    """Skip the test with the reason, or fail it where FLEETGATE_TEST_REQUIRE says so (CI)."""
    if not missing:
        return
    if os.environ.get("FLEETGATE_TEST_REQUIRE") == "all":
        pytest.fail(f"cannot run here, and FLEETGATE_TEST_REQUIRE=all: {missing}")
    pytest.skip(missing)
