"""The parts of the documentation that are made from the code; `make docs` writes them.

A part stands between two comments in a Markdown file:

    <!-- generated: NAME -->
    ...
    <!-- end -->
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from fleet.kubernetes.bounds import Bounds, size
from fleet.parse_settings import SETTINGS
from fleet.references import DEFAULT_CERTIFICATE
from fleetgate.bootstrap import STATISTICS
from fleetgate.certificates.sds_files import sds_documents
from fleetgate.cli import COMMANDS, main
from fleetgate.http.metrics import FAMILIES
from tests.docs.annotation_rows import invalid, scope, spelt
from tests.docs.migration import migration_rows
from translators.dialects.alb.dialect import ALB
from translators.dialects.alb.listen_ports import LISTEN_PORTS
from translators.dialects.alb.shape import INSTANCE_REPLICAS, INSTANCE_SPEC
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import Key
from translators.dialects.annotations.unsupported import Unsupported
from translators.dialects.annotations.vocabulary import explained
from translators.dialects.boundaries import (
    ALLOW,
    CROSS_NAMESPACE,
    DENY,
    HOST_OWNERSHIP,
    NAMESPACE,
    SHARED,
)
from translators.dialects.dialect import Dialect
from translators.dialects.edge_settings import (
    HTTP3,
    PATH_NORMALIZATION,
    PROXY_PROTOCOL,
    STREAM_IDLE_TIMEOUT,
    TRUSTED_PROXIES,
)
from translators.dialects.gateway_settings import (
    ADDRESSES,
    CONNECT_TIMEOUT,
    UPSTREAM_IDLE_TIMEOUT,
    UPSTREAM_TIMEOUT,
)
from translators.dialects.hsts import HSTS
from translators.dialects.mse.dialect import MSE
from translators.dialects.mse.features import FEATURES
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED
from translators.dialects.nearness import OVERPROVISIONING, PREFER, REGION, ZONE
from translators.model.bounds import BOUNDS
from translators.model.edge import EdgeSettings
from translators.model.gateways import UpstreamLimits
from translators.model.nearness import Nearness
from translators.model.shapes import Shape

ROOT = Path(__file__).parents[2]
FILES = (
    "README.md",
    "docs/annotations.md",
    "docs/commands.md",
    "docs/hybrid-fleets.md",
    "docs/metrics.md",
    "docs/migrating-from-ingress-nginx.md",
    "docs/reading.md",
    "docs/xds-security.md",
)

_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str) -> str:
    """Return the text with its generated parts written anew."""
    return _PART.sub(lambda found: found[1] + PARTS[found[2]]() + found[3], text)


def _features() -> str:
    rows = [f"| {f.name} | {', '.join(map(_name, f.keys))} |" for f in FEATURES]
    return _table(("feature", "annotations"), rows)


def _annotations() -> str:
    """Return a table of annotations for each feature, under a heading."""
    return "\n".join(_feature(feature) for feature in MSE.features)


def _feature(feature: Feature) -> str:
    rows = [f"| {' | '.join(_cells(feature, key))} |" for key in feature.keys]
    head = ("key", "prefixes", "meaning", "without it", "for", "a value that cannot be used")
    return f"### {feature.name}\n\n{_table(head, rows)}"


def _cells(feature: Feature, key: Key) -> Iterator[str]:
    yield f"`{key.name}NAME`" if key.family else f"`{key.name}`"
    yield ", ".join(spelt(key))
    yield key.meaning
    yield key.default or "none"
    yield scope(feature, key)
    yield invalid(feature, key) or "every value can be used"


def _alb_annotations() -> str:
    features = (key for feature in ALB.features for key in feature.keys)
    return _keys((LISTEN_PORTS, *features), ALB)


def _name(key: Key) -> str:
    return f"`{key.name}{'NAME' if key.family else ''}`"


def _keys(keys: Iterable[Key], dialect: Dialect[Any]) -> str:
    rows = []
    for key in keys:
        seen = [prefix for prefix in key.prefixes if prefix in dialect.vocabulary.prefixes]
        if seen:
            shown = ", ".join(f"`{prefix}`" for prefix in seen)
            meaning = "; ".join(filter(None, (key.meaning, key.differs)))
            cells = (_name(key), shown, meaning, key.default or "none")
            rows.append(f"| {' | '.join(cells)} |")
    return _table(("key", "prefixes, first one first", "meaning", "without it"), rows)


def _unsupported(table: Iterable[Unsupported]) -> str:
    """Return a table with one row for all keys that are treated alike."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in table:
        prefixes = ", ".join(prefix.partition(".")[0] for prefix in row.key.prefixes)
        name = f"{row.key.name}NAME" if row.family else row.key.name
        kind = (prefixes, explained(row.otherwise.value, row.reason), row.instead)
        alike.setdefault(kind, []).append(f"`{name}`")
    rows = [f"| {', '.join(names)} | {' | '.join(kind)} |" for kind, names in alike.items()]
    return _table(("annotation", "prefixes", "without it", "instead"), rows)


def _migration() -> str:
    rows = [f"| `{row.annotation}` | {row.here} | {row.more} |" for row in migration_rows()]
    return _table(("annotation", "here", "difference, or reason"), rows)


def _gateway() -> str:
    limits, edge = UpstreamLimits(), EdgeSettings()
    rows = [
        f"| `{MSE.kind.attaches}`, `{ALB.kind.attaches}` | none "
        "| member IDs, by comma; changes attach and detach live |",
        f"| `{CONNECT_TIMEOUT}` | {limits.connect.total_seconds() * 1000:g}ms "
        "| how long a backend may take to accept a connection before the next one is tried |",
        f"| `{UPSTREAM_TIMEOUT}` | {limits.unacknowledged.total_seconds():g}s "
        "| how long a Pod that the network has cut off may hold up what it was sent |",
        f"| `{UPSTREAM_IDLE_TIMEOUT}` | {limits.idle.total_seconds():g}s "
        "| how long a connection to a Pod is kept that carries no request |",
        f"| `{PATH_NORMALIZATION}` | `{edge.paths}` "
        "| `base` or `strict`: what becomes of `//`, `%2F` and `%5C` in the path of a request |",
        f"| `{TRUSTED_PROXIES}` | none | addresses and CIDRs of proxies in front, by comma: whose "
        "forwarded headers count |",
        f"| `{PROXY_PROTOCOL}` | {str(edge.proxy_protocol).lower()} "
        "| whether PROXY headers of trusted proxies are read |",
        f"| `{STREAM_IDLE_TIMEOUT}` | {edge.stream_idle.total_seconds():g}s "
        "| how long a request or its answer may be silent, a WebSocket and SSE too |",
        f"| `{DEFAULT_CERTIFICATE}` | none | `NAMESPACE/NAME` of a Secret on the hub: the "
        "certificate for hosts without one of their own |",
        f"| `{HSTS}` | none | `Strict-Transport-Security` of all answers over TLS, such as "
        "`max-age=15724800; includeSubDomains`; what a backend says itself stays |",
        f"| `{HTTP3}` | false | whether hosts with a certificate are served by HTTP/3 too, on the "
        "UDP port 443 |",
        f"| `{HOST_OWNERSHIP}` | {SHARED} | `{NAMESPACE}`: the namespace of the oldest Ingress "
        "that names a host, or a wildcard over it, has the host to itself |",
        f"| `{CROSS_NAMESPACE}` | {ALLOW} | `{DENY}`: no request goes to a Service of another "
        "namespace than that of its Ingress |",
        f"| `{REGION}`, `{ZONE}` | none | where the gateway stands |",
        f"| `{PREFER}` | {Nearness().prefer} | `zone` or `region`: members of the same one get the "
        "requests while they have a usable Pod |",
        f"| `{OVERPROVISIONING}` | only when no near Pod is usable | percent: requests spill over "
        "to farther members once the usable share of the near Pods, times this, is below 100 % |",
        f"| `{ADDRESSES}` | where it listens | IP addresses and host names of the gateway for "
        "clients, by comma: what the status of its Ingresses shows |",
        f"| `{INSTANCE_REPLICAS}`, `{INSTANCE_SPEC}` of an AlbConfig | {Shape().replicas}, "
        f"{Shape().size} | Envoys that fleetgate runs for it on the hub, and the cores and memory "
        "of each |",
    ]
    return _table(("annotation of a gateway", "default", "meaning"), rows)


def _bounds() -> str:
    rows = [f"| {b.counted} | {b.most} | {b.beyond} |" for b in BOUNDS]
    return _table(("what is counted", "at most", "beyond"), rows)


def _member_settings() -> str:
    rows = [f"| `{s.name}` | {s.values} | {s.default or 'none'} | {s.meaning} |" for s in SETTINGS]
    return _table(("setting", "values", "default", "meaning"), rows)


def _statistics() -> str:
    return "".join(f"- `{next(iter(_pattern(value)))}`\n" for _, value in STATISTICS)


def _pattern(value: object) -> Iterator[str]:
    yield str(value["regex"] if isinstance(value, dict) else value)


def _metrics() -> str:
    rows = [
        f"| `{family.name}` | {family.type.value} "
        f"| {', '.join(f'`{label}`' for label in family.labels)} | {family.meaning} |"
        for family in FAMILIES
    ]
    return _table(("metric", "type", "labels", "meaning"), rows)


def _commands() -> str:
    parts = []
    for name in COMMANDS:
        shown = CliRunner().invoke(main, [name, "--help"], terminal_width=88, prog_name="fleetgate")
        parts.append(f"## fleetgate {name}\n\n```text\n{shown.output}```\n")
    return "\n".join(parts)


_BOUNDS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "connect": ("a connection, TLS included", lambda value: f"{value:g} s"),
    "silence": (
        "until an answer to a question begins, and between its pieces",
        lambda value: f"{value:g} s",
    ),
    "watch_silence": ("a watch on which nothing comes", lambda value: f"{value:g} s"),
    "quiet": ("a watched server from which nothing comes, until it is asked", lambda v: f"{v:g} s"),
    "page": ("one page of a list", lambda value: f"{value:g} s"),
    "listing": ("a whole list", lambda value: f"{value:g} s"),
    "answer": ("an answer, such as a page of a list", lambda value: size(int(value))),
    "item": ("one object of a list", lambda value: size(int(value))),
    "refusal": ("what is read of an answer that is no success", lambda value: size(int(value))),
    "line": ("a line of a watch", lambda value: size(int(value))),
    "line_time": ("from the beginning of such a line to its end", lambda value: f"{value:g} s"),
    "objects": (
        "objects of a kind; an endpoint, 8 labels or 1 KiB count as one",
        "{:,}".format,
    ),
    "pages": ("pages of a list", "{:,}".format),
    "units": ("lines of watches a second, or KiB of them; faster ones wait", "{:,.0f}".format),
    "burst": ("lines or KiB before that", "{:,.0f}".format),
}


def _reading_bounds() -> str:
    usual = Bounds()
    shown = ((_BOUNDS[field.name], getattr(usual, field.name)) for field in fields(usual))
    return _table(("what", "at most"), [f"| {what} | {form(at)} |" for (what, form), at in shown])


def _sds() -> str:
    documents = sds_documents("/etc/fleetgate/tls")
    return "\n".join(f"`{name}`:\n\n```yaml\n{text}```\n" for name, text in documents.items())


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows]
    return "\n".join(lines) + "\n"


PARTS: Mapping[str, Callable[[], str]] = {
    "features": _features,
    "annotations": _annotations,
    "bounds": _bounds,
    "gateway": _gateway,
    "member-settings": _member_settings,
    "migration": _migration,
    "later": lambda: _unsupported(MSE_UNSUPPORTED),
    "alb-annotations": _alb_annotations,
    "alb-later": lambda: _unsupported(ALB_UNSUPPORTED),
    "statistics": _statistics,
    "reading-bounds": _reading_bounds,
    "commands": _commands,
    "sds": _sds,
    "metrics": _metrics,
}


if __name__ == "__main__":
    for file in FILES:
        path = ROOT / file
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
