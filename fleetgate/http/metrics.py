"""The metrics of `/metrics`, in Prometheus' text format.

    ControlPlane ──collect (event loop)──▶ families ──render (thread)──▶ text

A scrape reads the state of the control plane. Only turns are counted as they happen. Labels are
bounded by members, gateways, kinds and types: no host, Ingress or endpoint is a label.
"""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from importlib.metadata import version
from typing import Final, TypeAlias

from prometheus_client import GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from fleet.member_settings import MemberSettings
from fleet.problem import Severity
from fleetgate.core.control import ControlPlane, TurnTaken
from fleetgate.core.view import SHORT_NAMES, FleetView, Reach, Writing
from translators.model.statuses import Phase
from xds.views import Traffic

Samples: TypeAlias = Mapping[tuple[str, ...], float]

OTHER: Final = "other"
"""The label of all undeclared gateways, and of all unknown types. Clients may name any of them."""


class MetricType(Enum):
    """The types of metrics that Prometheus knows, as far as they are used here."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its labels. `meaning` is its help text, and stands in docs/metrics.md."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    meaning: str


def _gauge(name: str, labels: str, meaning: str) -> Family:
    return Family(f"fleetgate_{name}", MetricType.GAUGE, tuple(labels.split()), meaning)


def _counter(name: str, labels: str, meaning: str) -> Family:
    return Family(f"fleetgate_{name}_total", MetricType.COUNTER, tuple(labels.split()), meaning)


BUILD = _gauge("build_info", "version python", "Always 1; the labels say what runs.")
READY = _gauge("ready", "", "1 once everything has listed and is published.")
LEADER = _gauge("leader", "", "1 while this process writes what Kubernetes is told; 1 when alone.")
OBJECTS = _gauge("objects", "kind member", "Objects in force; `member` is empty for the hub's own.")
LEADER_CHANGES = _counter(
    "leader_changes", "", "Times that this process has begun to lead, or ceased to."
)
REFUSED_WRITES = _counter(
    "hub_refused_writes",
    "what",
    "What the hub did not take: a `status`, an `event`, or an object of a managed `gateway`.",
)
EVENTS_WAITING = _gauge(
    "hub_events_waiting",
    "",
    "Kubernetes events that wait, since many were written a moment ago.",
)
LISTS = _counter(
    "lists",
    "member",
    "Collections read as a whole, `member` being empty for the hub: at the start, for `sync`, and "
    "after a watch that could not go on.",
)
HUB_REACHABLE = _gauge("hub_reachable", "", "1 while the hub's objects are read.")
MEMBER_REACHABLE = _gauge("member_reachable", "member", "1 while the member is read.")
LOST = _gauge(
    "unreachable_since_timestamp_seconds",
    "member",
    "Since when the hub (`member` is empty) or the member is out of reach, in Unix time: what it "
    "held then is in force. Absent while it can be read.",
)
MEMBER_INFO = _gauge(
    "member_info",
    "member addressing region zone",
    "Always 1; the labels are settings of the member, `region` and `zone` being empty where nobody "
    "has named them.",
)
GATEWAYS = _gauge("gateways", "phase", "Gateways that are declared.")
INGRESSES = _gauge(
    "ingresses", "served", "Ingresses; `served` is yes for those that a gateway takes, else no."
)
PROBLEMS = _gauge(
    "problems", "reason", "Problems known now, as `fleetgate status` lists them; without its hints."
)
TURN_SECONDS = Family(
    "fleetgate_turn_duration_seconds",
    MetricType.HISTOGRAM,
    (),
    "How long turns take: from events to published resources.",
)
EVENTS = _counter("events", "", "Events taken from sources.")
CHANGES = _counter("resource_changes", "type", "Resources published anew or removed.")
FAILURES = _counter(
    "translation_failures",
    "",
    "Computations that ended in a mistake of fleetgate's own: what they make stays as it was.",
)
RESOURCES = _gauge("resources", "gateway type", "Resources that are declared.")
STREAMS = _gauge("xds_streams", "gateway protocol", "Connected streams; `delta` or `sotw`.")
UNACKNOWLEDGED = _gauge(
    "xds_unacknowledged_resources",
    "gateway type",
    "Resources that connected Envoys have yet to acknowledge, over all their streams.",
)
CERTIFICATE = _gauge(
    "xds_certificate_expiry_timestamp_seconds",
    "",
    "When the certificate of the xDS server ends, in Unix time; absent while it speaks in clear.",
)
REJECTED = _gauge(
    "xds_rejected_resources", "gateway type", "Declared resources that an Envoy has rejected."
)
RESPONSES = _counter("xds_responses", "type", "Responses sent.")
SENT_RESOURCES = _counter("xds_response_resources", "type", "Resources in them.")
SENT_BYTES = _counter("xds_response_bytes", "type", "Their bytes.")
ACKS = _counter("xds_acks", "type", "Responses that Envoys have accepted.")
NACKS = _counter("xds_nacks", "type", "Responses that Envoys have rejected.")

FAMILIES: Final = (
    BUILD,
    READY,
    LEADER,
    LEADER_CHANGES,
    REFUSED_WRITES,
    EVENTS_WAITING,
    LISTS,
    OBJECTS,
    HUB_REACHABLE,
    MEMBER_REACHABLE,
    LOST,
    MEMBER_INFO,
    GATEWAYS,
    INGRESSES,
    PROBLEMS,
    TURN_SECONDS,
    EVENTS,
    CHANGES,
    FAILURES,
    RESOURCES,
    STREAMS,
    UNACKNOWLEDGED,
    CERTIFICATE,
    REJECTED,
    RESPONSES,
    SENT_RESOURCES,
    SENT_BYTES,
    ACKS,
    NACKS,
)
"""Every metric of fleetgate's own, in the order of docs/metrics.md."""

_TURN_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5)

_TRAFFIC: Final[Mapping[Family, Callable[[Traffic], int]]] = {
    RESPONSES: lambda traffic: traffic.messages,
    SENT_RESOURCES: lambda traffic: traffic.resources,
    SENT_BYTES: lambda traffic: traffic.bytes,
    ACKS: lambda traffic: traffic.acknowledged,
    NACKS: lambda traffic: traffic.rejected,
}


class Metrics:
    """The metrics of one control plane.

    Where a process takes part in an election, writes to a hub, has certificates, or reads API
    servers, the caller sets `leads`, `writing`, `expires` and `loads`. A scrape blocks the event
    loop for 4 ms with 5000 hosts, Services and EndpointSlices.
    """

    def __init__(self, control: ControlPlane) -> None:
        self.leads: Callable[[], bool] = lambda: True
        self.writing: Callable[[], Writing] = Writing
        self.expires: Callable[[], datetime | None] = lambda: None
        self.loads: Callable[[], Mapping[str, int]] = dict
        self._control = control
        self._turns = Histogram(
            TURN_SECONDS.name, TURN_SECONDS.meaning, registry=None, buckets=_TURN_BUCKETS
        )
        self._events = 0
        self._changes: Counter[str] = Counter()
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        GCCollector(registry=self._process)
        control.on_turn(self._note)

    def collect(self) -> list[Metric]:
        """Return the metrics of the control plane. Call it in the event loop's thread."""
        return [
            *self._turns.collect(),
            *(_family(family, samples) for family, samples in self._samples()),
        ]

    def render(self, families: Sequence[Metric], accept: str) -> tuple[bytes, str]:
        """Return the text, with metrics of the process added, and its content type.

        It reads files, so call it in another thread. `accept` is the header of the request, which
        may ask for OpenMetrics.
        """
        encode, content_type = choose_encoder(accept)
        build = _family(BUILD, {(version("fleetgate"), platform.python_version()): 1})
        return encode(_Collected([build, *families, *self._process.collect()])), content_type

    def _note(self, turn: TurnTaken) -> None:
        self._turns.observe(turn.seconds)
        self._events += turn.events
        for type_url, count in turn.changed.items():
            self._changes[SHORT_NAMES[type_url]] += count

    def _samples(self) -> Iterator[tuple[Family, Samples]]:
        control = self._control
        yield READY, {(): control.started.is_set()}
        yield LEADER, {(): self.leads()}
        writing = self.writing()
        yield LEADER_CHANGES, {(): writing.changes}
        yield REFUSED_WRITES, {(what,): count for what, count in writing.refused.items()}
        yield EVENTS_WAITING, {(): writing.events_waiting}
        yield LISTS, {(origin,): count for origin, count in self.loads().items()}
        yield OBJECTS, self._objects()
        yield from _origins(FleetView(control))
        view = FleetView(control)
        phases = Counter(gateway.status.phase for gateway in view.gateways())
        yield GATEWAYS, {(phase.value,): phases[phase] for phase in Phase}
        served = Counter(bool(ingress.status.gateways) for ingress in view.ingresses())
        yield INGRESSES, {("yes",): served[True], ("no",): served[False]}
        warnings = (p for p in view.problems() if p.severity is Severity.WARNING)
        yield PROBLEMS, Counter((problem.reason,) for problem in warnings)
        expires = self.expires()
        yield CERTIFICATE, {(): expires.timestamp()} if expires else {}
        yield EVENTS, {(): self._events}
        yield FAILURES, {(): control.failures}
        yield CHANGES, {(name,): self._changes[name] for name in SHORT_NAMES.values()}
        yield from self._declared()
        yield from self._streams()
        yield from self._traffic()

    def _objects(self) -> Samples:
        return Counter(
            (name, ref.origin)
            for name, kind in self._control.dialects.kinds.items()
            for ref in self._control.state.table(kind.model)
        )

    def _declared(self) -> Iterator[tuple[Family, Samples]]:
        cache = self._control.cache
        snapshots = {group: cache.snapshot(group) for group in sorted(cache.groups())}
        yield (
            RESOURCES,
            {
                (group, short): len(snapshot.get(type_url, ()))
                for group, snapshot in snapshots.items()
                for type_url, short in SHORT_NAMES.items()
            },
        )
        yield (
            REJECTED,
            Counter(
                (group, _short(rejection.type_url))
                for group in snapshots
                for rejection in cache.rejections(group)
            ),
        )

    def _streams(self) -> Iterator[tuple[Family, Samples]]:
        declared = {self._control.dialects.name_of(ref) for ref in self._control.gateways}
        streams: Counter[tuple[str, ...]] = Counter({(name, "delta"): 0 for name in declared})
        pending: Counter[tuple[str, ...]] = Counter()
        for backlog in self._control.cache.backlogs():
            gateway = backlog.group if backlog.group in declared else OTHER
            streams[gateway, backlog.protocol] += 1
            for type_url, count in backlog.pending.items():
                pending[gateway, SHORT_NAMES[type_url]] += count
        yield STREAMS, streams
        yield UNACKNOWLEDGED, pending

    def _traffic(self) -> Iterator[tuple[Family, Samples]]:
        by_type = dict.fromkeys(SHORT_NAMES.values(), Traffic())
        for type_url, traffic in self._control.cache.traffic().items():
            short = _short(type_url)
            by_type[short] = by_type.get(short, Traffic()) + traffic
        for family, count in _TRAFFIC.items():
            yield family, {(short,): count(traffic) for short, traffic in by_type.items()}


def _origins(view: FleetView) -> Iterator[tuple[Family, Samples]]:
    yield HUB_REACHABLE, {(): view.hub().reach is Reach.REACHABLE}
    members = [member for member in view.members() if member.reach is not Reach.UNATTACHED]
    yield MEMBER_REACHABLE, {(m.id,): m.reach is Reach.REACHABLE for m in members}
    yield MEMBER_INFO, {(m.id, *_settings(m.settings)): 1 for m in members}
    lost = [origin for origin in (view.hub(), *members) if origin.reach is Reach.UNREACHABLE]
    yield LOST, {(o.id,): o.since.timestamp() for o in lost if o.since}


def _settings(settings: MemberSettings) -> tuple[str, str, str]:
    return settings.addressing.value, settings.region, settings.zone


class _Collected(Collector):
    """Metrics that were collected before, in the form that an encoder takes."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _family(family: Family, samples: Samples) -> Metric:
    is_counter = family.type is MetricType.COUNTER
    make = CounterMetricFamily if is_counter else GaugeMetricFamily
    made = make(family.name, family.meaning, labels=family.labels)
    for labels, value in samples.items():
        made.add_metric(labels, value)
    return made


def _short(type_url: str) -> str:
    return _BY_URL.get(type_url, OTHER)


_BY_URL: Final[Mapping[str, str]] = {str(url): name for url, name in SHORT_NAMES.items()}
