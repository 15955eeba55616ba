"""How much memory the server keeps for what a test does."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import xds

_FROM_THE_SERVER = tracemalloc.Filter(
    inclusive=True, filename_pattern=str(Path(xds.__file__).parent / "*")
)


def kept_bytes(do: Callable[[], object]) -> int:
    """The bytes that `xds` allocates in a call and keeps after it."""
    gc.collect()
    tracemalloc.start()
    try:
        result = do()
        gc.collect()
        traces = tracemalloc.take_snapshot().filter_traces([_FROM_THE_SERVER])
        del result
    finally:
        tracemalloc.stop()
    return sum(statistic.size for statistic in traces.statistics("filename"))
