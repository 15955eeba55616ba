"""Hints of `check`: what a directory fleet declares that is legal, and most likely not meant so.

Each says what to write instead. None is a problem: a controller beside fleetgate may serve an
Ingress that no gateway takes, and somebody may want a path that ends with a star.
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
from translators.dialects.classes import class_of
from translators.dialects.dialect import Dialects
from translators.graph.backends import SERVICE_NAME
from translators.graph.tables import Tables
from translators.merge.attachments import gateway_of


def hints(
    state: FleetState, tables: Tables, endpoints: frozenset[Ref], dialects: Dialects
) -> Iterator[Problem]:
    """Every hint; `endpoints` are the objects of the kind Endpoints that members have."""
    yield from _idle_gateways(state, tables, dialects)
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.ingresses.attachments.rows[ref]
        if not attachment.gateways and not attachment.problems:
            yield _not_taken(ref, ingress, _classes(state, tables, dialects))
        if attachment.gateways:
            yield from dialects.of(attachment.gateways[0]).hints(ref, ingress)
        yield from _two_classes(ref, ingress)
    yield from _without_slices(state, endpoints)


def not_carried_out(
    state: FleetState, tables: Tables, dialects: Dialects
) -> Counter[tuple[str, str]]:
    """The number of Ingresses that have an annotation which is not carried out, by what follows."""
    counts: Counter[tuple[str, str]] = Counter()
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.ingresses.attachments.rows[ref]
        if attachment.gateways:
            vocabulary = dialects.of(attachment.gateways[0]).vocabulary
            met = vocabulary.met(ingress.metadata.annotations)
            counts.update((each.key, each.without.value.format(each.rest)) for each in met)
    return counts


def _hint(at: Ref, reason: str, key: str, value: str, expected: str, effect: str) -> Problem:
    return Problem(at, reason, key, value, expected, effect, severity=Severity.HINT)


def _classes(state: FleetState, tables: Tables, dialects: Dialects) -> list[str]:
    """The classes that gateways listen to."""
    selectors = (gateway.selector for gateway in tables.gateways.declared.rows.values())
    listened = {selector.ingress_class for selector in selectors}
    bound = {
        ref.name
        for ref, each in state.table(IngressClass).items()
        if gateway_of(each, dialects) is not None
    }
    return sorted(bound | {name for name in listened if name})


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
    """Gateways that listen to no Ingress."""
    bound = {gateway_of(each, dialects) for each in state.table(IngressClass).values()}
    for ref, gateway in tables.gateways.declared.rows.items():
        if ref not in bound and gateway.selector.ingress_class is None:
            key = dialects.of(ref).class_field
            expected = "an IngressClass whose spec.parameters name it"
            if key:
                expected = f"a class such as mse, or {expected}"
            yield _hint(ref, "WithoutClass", key, "", expected, "it takes no Ingress")


def _without_slices(state: FleetState, endpoints: frozenset[Ref]) -> Iterator[Problem]:
    """Endpoints of Services that have no EndpointSlice: an API server would mirror them."""
    sliced = {
        (ref.origin, ref.namespace, each.metadata.labels.get(SERVICE_NAME))
        for ref, each in state.table(EndpointSlice).items()
    }
    services = state.table(Service)
    for ref in sorted(endpoints):
        service = Ref(ref.origin, Service.__name__, ref.namespace, ref.name)
        if service in services and (ref.origin, ref.namespace, ref.name) not in sliced:
            expected = f"an EndpointSlice with the label {SERVICE_NAME}: {ref.name}"
            yield _hint(
                ref, "EndpointsNotRead", "", "", expected, "nothing is sent to its addresses"
            )
