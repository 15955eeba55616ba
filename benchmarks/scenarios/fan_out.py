"""Many Envoys on one control plane, and one endpoint that changes."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure, quantile
from benchmarks.scenarios.step import Scenario, Step

NAME = "fan-out"
ENVOYS = (100, 1000)
ROUNDS = 10
PROTOCOLS = {"delta": "-delta=true", "state of the world": "-delta=false"}


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for envoys in ENVOYS:
        for protocol in PROTOCOLS:
            case = f"{envoys} Envoys, {protocol}"
            yield Step(case, Size.of(sizes[-1]), partial(_measure, case, envoys, protocol))


def _measure(name: str, envoys: int, protocol: str, bench: Bench) -> Iterable[Figure]:
    case = Case(NAME, name)
    flags = (PROTOCOLS[protocol], f"-clients={envoys}", f"-n={ROUNDS}")
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
    yield case.figure("busy cores", numbers["busy_cores"], "")


FAN_OUT = Scenario(
    NAME, "many Envoys hold everything, and one endpoint changes", _steps, needs_hosts=True
)
