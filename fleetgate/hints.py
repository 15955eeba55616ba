"""Hints of `check`: what a directory fleet declares that is legal, and most likely not meant so.

Each says what to write instead. None is a problem: a controller beside fleetgate may serve an
Ingress that no gateway takes, and somebody may want a path that ends with a star.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fleet.admission import CLASS_ANNOTATION
from fleet.models import (
    EndpointSlice,
    Ingress,
    IngressClass,
    MseIngressConfig,
    Service,
    by_position,
)
from fleet.problem import Problem, Severity
from fleet.ref import Ref
from fleet.state import FleetState
from translators.dialects.alb import features as alb_features
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.classes import class_of
from translators.dialects.mse import features
from translators.dialects.registry import gateways_in
from translators.graph.tables import SERVICE_NAME, Tables
from translators.merge.attachments import gateway_of
from translators.model.gateways import Dialect

VOCABULARIES: Final[Mapping[Dialect, Vocabulary]] = {
    Dialect.MSE: features.VOCABULARY,
    Dialect.ALB: alb_features.VOCABULARY,
}


def hints(state: FleetState, tables: Tables, endpoints: frozenset[Ref]) -> Iterator[Problem]:
    """Every hint; `endpoints` are the objects of the kind Endpoints that members have."""
    yield from _idle_gateways(state)
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.attachments.rows[ref]
        if not attachment.gateways and not attachment.problems:
            yield _not_taken(ref, ingress, state)
        if attachment.gateways and attachment.dialect is Dialect.MSE:
            yield from _stars(ref, ingress)
        yield from _two_classes(ref, ingress)
    yield from _without_slices(state, endpoints)


def not_carried_out(state: FleetState, tables: Tables) -> Counter[tuple[str, str]]:
    """The number of Ingresses that have an annotation which is not carried out, by what follows."""
    counts: Counter[tuple[str, str]] = Counter()
    for ref, ingress in state.table(Ingress).items():
        attachment = tables.attachments.rows[ref]
        if attachment.gateways:
            vocabulary = VOCABULARIES[attachment.dialect]
            met = vocabulary.met(ingress.metadata.annotations)
            counts.update((each.key, each.without.value.format(each.rest)) for each in met)
    return counts


def _hint(at: Ref, reason: str, key: str, value: str, expected: str, effect: str) -> Problem:
    return Problem(at, reason, key, value, expected, effect, severity=Severity.HINT)


def _classes(state: FleetState) -> list[str]:
    """The classes that gateways listen to."""
    texts = [
        config.spec.ingress.local.ingress_class
        for config in gateways_in(state).values()
        if isinstance(config, MseIngressConfig)
    ]
    bound = [
        ref.name for ref, each in state.table(IngressClass).items() if gateway_of(each) is not None
    ]
    return sorted({*bound, *(text for text in texts if text)})


def _not_taken(ref: Ref, ingress: Ingress, state: FleetState) -> Problem:
    name, key = class_of(ingress)
    classes = _classes(state)
    expected = f"a class of a gateway: {', '.join(classes)}" if classes else "a class of a gateway"
    return _hint(ref, "NotTaken", key, name, expected, "no gateway takes this Ingress")


def _stars(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    """Paths that end with a star, which is a character like any other to an MSE gateway."""
    for i, rule in by_position(ingress.spec.rules):
        for j, path in by_position(rule.http.paths if rule.http else ()):
            if path.path.endswith("*"):
                key = f"spec.rules[{i}].http.paths[{j}].path"
                meant = path.path.rstrip("*").rstrip("/") or "/"
                expected = f"{meant} with pathType Prefix, for everything below it"
                effect = "the star stands for itself: no other path is met"
                yield _hint(ref, "LiteralStar", key, path.path, expected, effect)


def _two_classes(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    annotated = ingress.metadata.annotations.get(CLASS_ANNOTATION, "").strip()
    named = ingress.spec.ingress_class_name
    if annotated and named and annotated != named:
        expected = f"one of the two: {CLASS_ANNOTATION} says {annotated}"
        effect = f"{annotated} counts"
        yield _hint(ref, "TwoClasses", "spec.ingressClassName", named, expected, effect)


def _idle_gateways(state: FleetState) -> Iterator[Problem]:
    """Gateways that listen to no Ingress."""
    bound = {gateway_of(each) for each in state.table(IngressClass).values()}
    for ref, config in gateways_in(state).items():
        if ref in bound:
            continue
        if not isinstance(config, MseIngressConfig):
            key, expected = "", "an IngressClass whose spec.parameters name it"
        elif config.spec.ingress.local.ingress_class is None:
            key = "spec.ingress.local.ingressClass"
            expected = "a class such as mse, or an IngressClass whose spec.parameters name it"
        else:
            continue
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
