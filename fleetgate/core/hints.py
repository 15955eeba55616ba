"""Hints of `check`: declarations that are legal, and most likely not meant so.

Each hint says what to write instead. A hint is no problem: another controller may serve an Ingress
that no gateway takes, and a user may want a path that ends with a star.
"""

from collections import Counter
from collections.abc import Iterator

from fleet.admission import CLASS_ANNOTATION
from fleet.models import (
    EndpointSlice,
    Ingress,
    IngressClass,
    Service,
)
from fleet.problem import Problem, Severity
from fleet.ref import Ref
from fleet.state import FleetState
from fleetgate.core.problems import HUB_OBJECT
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.vocabulary import Met
from translators.dialects.classes import class_of
from translators.dialects.dialect import Dialects
from translators.graph.backends import SERVICE_NAME
from translators.graph.tables import Tables
from translators.merge.attachments import gateway_of


def hints(
    state: FleetState, tables: Tables, endpoints: frozenset[Ref], dialects: Dialects
) -> Iterator[Problem]:
    """Yield every hint. `endpoints` are the objects of the kind Endpoints in members."""
    yield from _idle_gateways(state, tables, dialects)
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.ingresses.attachments.rows[ref]
        if not attachment.gateways and not attachment.problems:
            yield _not_taken(ref, ingress, _classes(state, tables, dialects))
        if attachment.gateways:
            yield from dialects.of(attachment.gateways[0]).hints(ref, ingress)
        yield from _two_classes(ref, ingress)
    yield from _without_slices(state, endpoints)
    yield from _tuning(state, tables, dialects)


def not_carried_out(
    state: FleetState, tables: Tables, dialects: Dialects
) -> Counter[tuple[str, str]]:
    """Count the Ingresses with each annotation that is not carried out, but those for tuning.

    The keys are the annotation and the effect of its absence.
    """
    met = _met(state, tables, dialects)
    return Counter((a.key, a.consequence) for a in met if a.without is not Without.TUNING)


def _met(state: FleetState, tables: Tables, dialects: Dialects) -> Iterator[Met]:
    """Yield the annotations of all Ingresses that a gateway knows and does not carry out."""
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.ingresses.attachments.rows[ref]
        if attachment.gateways:
            vocabulary = dialects.of(attachment.gateways[0]).vocabulary
            yield from vocabulary.met(ingress.metadata.annotations)


def _tuning(state: FleetState, tables: Tables, dialects: Dialects) -> Iterator[Problem]:
    """Yield one hint about all annotations that tune another gateway."""
    keys = {a.key for a in _met(state, tables, dialects) if a.without is Without.TUNING}
    if keys:
        expected = "nothing in their place: they tune another gateway than Envoy"
        effect = "no effect, and nothing is lost without them"
        yield _hint(HUB_OBJECT, "OnlyTuning", ", ".join(sorted(keys)), "", expected, effect)


def _hint(at: Ref, reason: str, key: str, value: str, expected: str, effect: str) -> Problem:
    return Problem(at, reason, key, value, expected, effect, severity=Severity.HINT)


def _classes(state: FleetState, tables: Tables, dialects: Dialects) -> list[str]:
    """Return the names of the classes whose Ingresses a gateway takes, in order."""
    selectors = (gateway.selector for gateway in tables.gateways.declared.rows.values())
    selected = {selector.ingress_class for selector in selectors}
    bound = {
        ref.name
        for ref, ingress_class in state.table(IngressClass).items()
        if gateway_of(ingress_class, dialects) is not None
    }
    return sorted(bound | {name for name in selected if name})


def _not_taken(ref: Ref, ingress: Ingress, classes: list[str]) -> Problem:
    name, key = class_of(ingress)
    expected = f"a class of a gateway: {', '.join(classes)}" if classes else "a class of a gateway"
    return _hint(ref, "NotTaken", key, name, expected, "no gateway takes this Ingress")


def _two_classes(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    annotated = ingress.metadata.annotations.get(CLASS_ANNOTATION, "").strip()
    named = ingress.spec.ingress_class_name
    if annotated and named and annotated != named:
        expected = f"one of the two: {CLASS_ANNOTATION} says {annotated}"
        effect = f"{annotated} counts"
        yield _hint(ref, "TwoClasses", "spec.ingressClassName", named, expected, effect)


def _idle_gateways(state: FleetState, tables: Tables, dialects: Dialects) -> Iterator[Problem]:
    """Yield a hint for each gateway that no IngressClass and no field gives any Ingress."""
    bound = {gateway_of(named, dialects) for named in state.table(IngressClass).values()}
    for ref, gateway in tables.gateways.declared.rows.items():
        if ref not in bound and gateway.selector.ingress_class is None:
            key = dialects.of(ref).class_field
            expected = "an IngressClass whose spec.parameters name it"
            if key:
                expected = f"a class such as mse, or {expected}"
            yield _hint(ref, "WithoutClass", key, "", expected, "it takes no Ingress")


def _without_slices(state: FleetState, endpoints: frozenset[Ref]) -> Iterator[Problem]:
    """Yield a hint for each Endpoints whose Service has no EndpointSlice.

    An API server would mirror it into an EndpointSlice. Nobody does so in a directory.
    """
    sliced = {
        (ref.origin, ref.namespace, endpoint_slice.metadata.labels.get(SERVICE_NAME))
        for ref, endpoint_slice in state.table(EndpointSlice).items()
    }
    services = state.table(Service)
    for ref in sorted(endpoints):
        service = Ref(ref.origin, Service.__name__, ref.namespace, ref.name)
        if service in services and (ref.origin, ref.namespace, ref.name) not in sliced:
            expected = f"an EndpointSlice with the label {SERVICE_NAME}: {ref.name}"
            yield _hint(
                ref, "EndpointsNotRead", "", "", expected, "nothing is sent to its addresses"
            )
