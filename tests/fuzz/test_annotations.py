"""Whatever annotations an Ingress has, a real Envoy takes them, survives, and serves others."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.annotations import FIXED, SINGLES
from tests.fuzz.questions import Way
from tests.fuzz.stand import BATCH, mse, tried_out

SEED: Final = 20261130
PAIRS: Final = range(len(SINGLES), len(FIXED), 3)
"""A third of the pairs: `make fuzz` tries all. No two of a batch have the same Services."""

NUMBERS: Final = (*range(len(SINGLES)), *PAIRS, *range(len(FIXED), len(FIXED) + 450))

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(300)]


def test_no_annotation_disturbs_envoy_or_another_ingress(tmp_path: Path) -> None:
    """The Ingresses have each annotation, some pairs of features, and random combinations."""
    tried = asyncio.run(tried_out(tmp_path, mse(SEED), NUMBERS))

    assert not tried.findings, "\n\n".join(map(str, tried.findings))
    assert tried.reasons > {"InvalidAnnotation", "NotSupported"}
    assert tried.answers[Way.CLEAR] > 3 * len(NUMBERS) - BATCH
    assert tried.answers.keys() == {*Way}
