"""Measures the memory of a control plane that serves, by size and per object."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step

NAME = "memory"
ENVOYS = 1000


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for hosts in sizes:
        yield from _growth(hosts)
    if sizes[-1]:
        case = f"{sizes[-1]} hosts, {ENVOYS} Envoys"
        yield Step(case, Size.of(sizes[-1]), partial(_crowd, sizes[-1], Case(NAME, case)))
        yield Step("one more", Size.of(sizes[-1]), partial(_each, sizes[-1]))


def _growth(hosts: int) -> Iterator[Step]:
    case = f"{hosts} hosts"
    yield Step(case, Size.of(hosts), partial(_at, Case(NAME, case)))


def _at(case: Case, bench: Bench) -> Iterable[Figure]:
    yield case.figure("memory", _held(bench), "MiB")


def _crowd(hosts: int, case: Case, bench: Bench) -> Iterable[Figure]:
    """The memory per Envoy: of many Envoys, less that with the one Envoy of all other cases."""
    with bench.serving() as serving:
        numbers = bench.measure(serving, "fanout", f"-clients={ENVOYS}", "-n=0").numbers
    yield case.figure("memory", numbers["rss_mib"], "MiB")
    yield _more(hosts, "Envoy", numbers["envoy_mib"])


def _each(hosts: int, bench: Bench) -> Iterable[Figure]:
    """The memory per object: of a start with more objects, less that of a start with fewer."""
    more, wide = max(1, hosts // 5), 6
    plain = _held(bench)
    bench.have(Size(hosts + more, hosts))
    shared = _held(bench)
    bench.have(Size.of(hosts))
    bench.have(Size.of(hosts + more))
    whole = _held(bench)
    bench.have(Size.of(hosts))
    bench.widen(wide)
    wider = _held(bench)
    bench.widen(2)
    ingress = (shared - plain) / more
    endpoint = (wider - plain) / (hosts * (wide - 2))
    service = (whole - plain) / more - ingress - 2 * endpoint
    for measure, mib in (("Ingress", ingress), ("Service", service), ("endpoint", endpoint)):
        yield _more(hosts, measure, mib)


def _more(hosts: int, measure: str, mib: float) -> Figure:
    return Case(NAME, f"one more, at {hosts} hosts").figure(measure, 1024 * mib, "KiB")


def _held(bench: Bench) -> float:
    with bench.serving() as serving:
        return bench.measure(serving, "hold").numbers["rss_mib"]


MEMORY = Scenario(
    NAME,
    "resident memory of a control plane that serves one Envoy, or as many as are said",
    _steps,
    growth=_growth,
)
