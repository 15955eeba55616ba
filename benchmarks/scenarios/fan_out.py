"""Measures one changed endpoint with many Envoys on one control plane."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure, quantile
from benchmarks.scenarios.step import Scenario, Step

NAME = "fan-out"
ENVOYS = (100, 1000)
ROUNDS = 10
PROTOCOLS = {"delta": "-delta=true", "state of the world": "-delta=false"}

DEAF = "-deaf=40s"
"""An Envoy that reads nothing is cut off after 30 s (`ServerSettings.write_timeout`)."""

SENT_ENOUGH = 1000
"""The number of hosts whose Clusters do not fit into the window of such an Envoy."""


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for envoys in ENVOYS:
        for protocol, spoken in PROTOCOLS.items():
            case = f"{envoys} Envoys, {protocol}"
            flags = [spoken]
            if protocol == "delta" and sizes[-1] >= SENT_ENOUGH:
                flags.append(DEAF)
            yield Step(case, Size.of(sizes[-1]), partial(_measure, Case(NAME, case), envoys, flags))


def _measure(case: Case, envoys: int, how: Sequence[str], bench: Bench) -> Iterable[Figure]:
    flags = (*how, f"-clients={envoys}", f"-n={ROUNDS}")
    with bench.serving() as serving:
        outcome = bench.measure(serving, "fanout", *flags)
    numbers = outcome.numbers
    yield case.figure("first, median", quantile(outcome.samples["first"], 0.5), "ms")
    yield case.figure("last, median", quantile(outcome.samples["last"], 0.5), "ms")
    yield case.figure("CPU per change", numbers["cpu_s"] / ROUNDS, "s")
    yield case.figure("bytes per change and Envoy", numbers["bytes"] / ROUNDS / envoys, "B")
    yield case.figure("connect all", numbers["connect_wall_s"], "s")
    yield case.figure("CPU of connecting", numbers["connect_cpu_s"], "s")
    yield case.figure("peak memory", max(numbers["connect_peak_mib"], numbers["peak_mib"]), "MiB")
    yield case.figure("memory per Envoy", 1024 * numbers["envoy_mib"], "KiB")
    if "cut_off" in numbers:
        beside = outcome.samples["last_beside_deaf"]
        yield case.figure("last, beside one that does not read", quantile(beside, 0.5), "ms")
        yield case.figure("that one is cut off", numbers["cut_off"], "")
    yield case.figure("busy cores", numbers["busy_cores"], "")


FAN_OUT = Scenario(
    NAME, "many Envoys hold everything, and one endpoint changes", _steps, needs_hosts=True
)
