"""Whatever annotations an Ingress has, a real Envoy takes them, survives, and serves others."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.stand import Stand, stand
from translators.dialects.annotations.reader import Key
from translators.dialects.mse.features import FEATURES

SEED: Final = 20261130
INGRESSES: Final = 1000
BATCH: Final = 100

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(300)]


def test_no_annotation_disturbs_envoy_or_another_ingress(tmp_path: Path) -> None:
    tried = asyncio.run(_fuzz(tmp_path))

    assert not tried.findings, "\n\n".join(map(str, tried.findings))
    assert tried.answers > 2 * INGRESSES
    assert tried.reasons > {"InvalidAnnotation", "NotSupported"}
    unused = {k.name for f in FEATURES for k in f.keys if not _is_carried(k, tried.carried)}
    assert not unused


def _is_carried(key: Key, carried: Collection[str]) -> bool:
    """Return whether some annotation with the key, or of the family of the key, is carried out."""
    if key.family:
        return any(annotation.startswith(tuple(key.spellings)) for annotation in carried)
    return any(spelling in carried for spelling in key.spellings)


async def _fuzz(root: Path) -> Stand:
    async with stand(root, SEED) as tried:
        for start in range(0, INGRESSES, BATCH):
            await tried.try_out(range(start, start + BATCH))
        return tried
