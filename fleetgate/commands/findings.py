"""The text form of problems, hints and tables, for `check` and `status`.

hub/shop.yaml: Ingress default/shop
  InvalidField spec.rules[0].http.paths[1].pathType: 'Prefx'
      expected one of Exact, Prefix, ImplementationSpecific
      spec.rules[0].http.paths[1] is left out
  hint: SharedHost spec.rules[0].host: 'shop.example.com'
      expected paths of namespace default alone
      Ingress login/login serves Prefix /login there
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from fleet.problem import Severity
from fleetgate.http.status import Json
from xds.quoted import printable


def problem_lines(problems: Iterable[Json]) -> Iterator[str]:
    """Yield the lines of problems, with an empty line after each object."""
    for where, of_object in groupby(problems, key=_where):
        yield where
        for problem in of_object:
            value = f": {problem['shown']!r}" if problem["shown"] else ""
            hint = "hint: " if problem["severity"] == Severity.HINT else ""
            yield f"  {hint}{problem['reason']} {problem['key']}".rstrip() + value
            yield f"      expected {problem['expected']}"
            if problem["effect"]:
                yield f"      {problem['effect']}"
            for cause in problem["because"]:
                yield f"      because of {cause}"
        yield ""


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, one for each row."""
    rows = [[_cell(text) for text in row] for row in rows]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _cell(text: str) -> str:
    """Return a text on one line, in printable characters."""
    return printable(" ".join(text.split()))


def _where(problem: Json) -> str:
    file, kind = problem["file"], problem["kind"]
    if kind == "File":
        return str(file)
    name = "/".join(part for part in (problem["namespace"], problem["name"]) if part)
    member = f" in {problem['member']}" if problem["member"] else ""
    return (f"{file}: " if file else "") + f"{kind} {name}{member}"
