"""A manifest is read into an object, and a mistake costs the smallest part around it."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel

from fleet.documents import read_yaml
from fleet.events import Refused, Upserted
from fleet.expectation import expected_at
from fleet.models import EndpointSlice, FleetObject, Ingress, IngressClass, Secret, Service
from fleet.parse import MAX_PROBLEMS, Parsed, Unused, _faultless, _pruned, objects_in, parse
from fleet.problem import Problem
from fleet.prune import _TEXTS
from fleet.ref import HUB, Ref
from tests.support.builders import Builder, ingress, ingress_class, pod, secret, service, slice_of
from translators.dialects import DIALECTS

FILE = "hub/x.yaml"
SHOP = ingress("shop", host="example.com").path("/a", to="a:80").path("/b", to="b:80")


def read(manifest: object, origin: str = HUB) -> Parsed:
    return parse(manifest, origin, FILE, DIALECTS.kinds)


def good(thing: Builder[Any] | Mapping[str, Any], origin: str = HUB) -> Upserted:
    found = read(thing.manifest if isinstance(thing, Builder) else thing, origin)
    assert isinstance(found, Upserted)
    return found


def bad(manifest: object, origin: str = HUB) -> Refused:
    found = read(manifest, origin)
    assert isinstance(found, Refused)
    assert all(problem.at == found.ref for problem in found.problems)
    return found


def sentence(problem: Problem) -> str:
    return f"{problem.key}: {problem.value} (expected {problem.expected}); {problem.effect}"


def put(manifest: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Set one field, such as "spec.rules.0.host"."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = manifest
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(step, str) else place[step]
    place[last] = value
    return manifest


# -- the name of the object ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "origin", "expected"),
    [
        pytest.param(ingress("a"), HUB, Ref(HUB, "Ingress", "default", "a"), id="on-the-hub"),
        pytest.param(service("a"), "m", Ref("m", "Service", "default", "a"), id="in-a-member"),
        pytest.param(ingress_class("a"), HUB, Ref(HUB, "IngressClass", "", "a"), id="no-namespace"),
    ],
)
def test_an_object_is_known_by_origin_kind_namespace_and_name(
    kind: Builder[Any], origin: str, expected: Ref
) -> None:
    assert good(kind, origin).ref == expected


@pytest.mark.parametrize("namespace", [None, "", "default"])
def test_no_namespace_is_the_default_one(namespace: str | None) -> None:
    found = good(put(SHOP.manifest, "metadata.namespace", namespace))
    assert found.ref.namespace == "default"
    assert isinstance(found.value, Ingress)
    assert found.value.metadata.namespace == "default"


def test_a_namespace_on_a_kind_that_has_none_does_not_count() -> None:
    found = good(put(ingress_class("a").manifest, "metadata.namespace", "x"))
    assert found.ref.namespace == ""
    assert isinstance(found.value, IngressClass)
    assert found.value.metadata.namespace == ""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        pytest.param("metadata", None, "metadata", id="no-metadata"),
        pytest.param("metadata", 5, "metadata", id="metadata-is-no-mapping"),
        pytest.param("metadata.name", None, "metadata.name", id="no-name"),
        pytest.param("metadata.name", 5, "metadata.name", id="a-number-as-name"),
        pytest.param("metadata.name", "Shop", "metadata.name", id="capitals"),
        pytest.param("metadata.name", "a_b", "metadata.name", id="underscore"),
        pytest.param("metadata.name", "a..b", "metadata.name", id="empty-label"),
        pytest.param("metadata.name", "a" * 254, "metadata.name", id="too-long"),
        pytest.param("metadata.name", "a\n", "metadata.name", id="line-break"),
        pytest.param("metadata.name", "a\0", "metadata.name", id="nul"),
        pytest.param("metadata.name", "\ud800", "metadata.name", id="half-a-pair"),
        pytest.param("metadata.namespace", "a.b", "metadata.namespace", id="namespace-with-dot"),
        pytest.param("metadata.namespace", 5, "metadata.namespace", id="number-as-namespace"),
        pytest.param("metadata.namespace", "a" * 64, "metadata.namespace", id="long-namespace"),
        pytest.param("kind", None, "kind", id="no-kind"),
        pytest.param("kind", 5, "kind", id="number-as-kind"),
        pytest.param("kind", "\0", "kind", id="nul-in-kind"),
        pytest.param("apiVersion", None, "apiVersion", id="no-api-version"),
        pytest.param("apiVersion", 1, "apiVersion", id="number-as-api-version"),
    ],
)
def test_what_does_not_say_which_object_it_is_is_said_of_the_file(
    path: str, value: object, key: str
) -> None:
    found = bad(put(SHOP.manifest, path, value))
    assert found.ref == Ref(HUB, "File", "", FILE)
    assert [(problem.key, problem.effect) for problem in found.problems] == [
        (key, "what the file held before stays in force")
    ]


@pytest.mark.parametrize("manifest", [5, "text", [1], None, True])
def test_what_is_no_mapping_is_said_of_the_file(manifest: object) -> None:
    found = bad(manifest)
    assert found.ref.kind == "File"
    assert found.problems[0].reason == "NotAnObject"


@pytest.mark.parametrize("name", ["a", "a.b", "0-1", "a" * 253])
def test_names_that_kubernetes_takes_are_taken(name: str) -> None:
    assert good(put(SHOP.manifest, "metadata.name", name)).ref.name == name


# -- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api_version", "kind", "origin"),
    [
        pytest.param("apps/v1", "Deployment", HUB, id="deployment"),
        pytest.param("v1", "ConfigMap", "m", id="configmap"),
        pytest.param("v1", "Service", HUB, id="service-on-the-hub"),
        pytest.param("networking.k8s.io/v1", "Ingress", "m", id="ingress-in-a-member"),
        pytest.param("extensions/v1beta1", "Ingress", "m", id="old-ingress-in-a-member"),
        pytest.param("v1", "Secret", "m", id="secret-in-a-member"),
        pytest.param("networking.k8s.io/v1", "NetworkPolicy", HUB, id="other-kind-of-the-group"),
        pytest.param("serving.knative.dev/v1", "Service", "m", id="another-projects-service"),
        pytest.param("config.openshift.io/v1", "Ingress", HUB, id="another-projects-ingress"),
        pytest.param("gateway.networking.k8s.io/v1", "HTTPRoute", HUB, id="gateway-api"),
    ],
)
def test_kinds_that_are_not_needed_are_no_mistake(api_version: str, kind: str, origin: str) -> None:
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"generateName": "x"}}
    assert read(manifest, origin) == Unused(kind)


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        pytest.param(
            "mse.alibabacloud.com/v1alpha1", "MseIngresConfig", "MseIngressConfig", id="typo"
        ),
        pytest.param("networking.k8s.io/v1", "Ingres", "Ingress", id="another-typo"),
        pytest.param(
            "discovery.k8s.io/v1",
            "Xyz",
            "a kind of discovery.k8s.io: EndpointSlice",
            id="nothing-like-it",
        ),
    ],
)
def test_an_unknown_kind_of_a_group_that_is_read_is_a_slip(
    api_version: str, kind: str, expected: str
) -> None:
    found = bad({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}})
    assert found.ref.kind == "File"
    (problem,) = found.problems
    assert (problem.key, problem.value, problem.expected) == ("kind", kind, expected)


@pytest.mark.parametrize(
    ("api_version", "kind", "origin", "expected"),
    [
        pytest.param("extensions/v1beta1", "Ingress", HUB, "networking.k8s.io/v1", id="old"),
        pytest.param(
            "networking.k8s.io/v1beta1", "Ingress", HUB, "networking.k8s.io/v1", id="beta"
        ),
        pytest.param("v1", "Ingress", HUB, "networking.k8s.io/v1", id="no-group"),
        pytest.param(
            "networking.k8s.io/v1",
            "MseIngressConfig",
            HUB,
            "mse.alibabacloud.com/v1alpha1",
            id="other-group",
        ),
        pytest.param("apps/v1", "Service", "m", "v1", id="service"),
        pytest.param(
            "discovery.k8s.io/v1beta1", "EndpointSlice", "m", "discovery.k8s.io/v1", id="slice"
        ),
    ],
)
def test_a_wrong_api_version_of_a_kind_that_is_read_is_refused(
    api_version: str, kind: str, origin: str, expected: str
) -> None:
    found = bad({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}, origin)
    namespace = "default" if DIALECTS.kinds[kind].namespaced else ""
    assert found.ref == Ref(origin, kind, namespace, "a")
    (problem,) = found.problems
    assert (problem.key, problem.value) == ("apiVersion", api_version)
    assert problem.expected.startswith(expected)


# -- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param(
            "spec.rules.0.http.paths.1.pathType",
            "Regex",
            "spec.rules[0].http.paths[1].pathType: Regex "
            "(expected one of Exact, Prefix, ImplementationSpecific); "
            "spec.rules[0].http.paths[1] is left out",
            id="path-type",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.backend.service.port.number",
            70000,
            "spec.rules[0].http.paths[1].backend.service.port.number: 70000 "
            "(expected an integer from 1 to 65535); spec.rules[0].http.paths[1] is left out",
            id="port-out-of-range",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.backend.service.port.number",
            "80",
            "spec.rules[0].http.paths[1].backend.service.port.number: 80 "
            "(expected an integer from 1 to 65535, without quotes); "
            "spec.rules[0].http.paths[1] is left out",
            id="port-in-quotes",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.backend.service.port.number",
            True,
            "spec.rules[0].http.paths[1].backend.service.port.number: true "
            "(expected an integer from 1 to 65535); spec.rules[0].http.paths[1] is left out",
            id="true-is-no-number",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.backend",
            None,
            "spec.rules[0].http.paths[1].backend:  (expected a mapping of fields; it is missing); "
            "spec.rules[0].http.paths[1] is left out",
            id="missing-backend",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.path",
            ["/a"],
            "spec.rules[0].http.paths[1].path: a list (expected a string); "
            "spec.rules[0].http.paths[1] is left out",
            id="list-for-text",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.path",
            "/a\0",
            "spec.rules[0].http.paths[1].path: /a\\0 "
            "(expected text without NUL characters and halves of surrogate pairs); "
            "spec.rules[0].http.paths[1] is left out",
            id="nul",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1.path",
            "/\ud800",
            "spec.rules[0].http.paths[1].path: /\\ud800 "
            "(expected text without NUL characters and halves of surrogate pairs); "
            "spec.rules[0].http.paths[1] is left out",
            id="half-a-surrogate-pair",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1",
            None,
            "spec.rules[0].http.paths[1]:  (expected a mapping of fields); "
            "spec.rules[0].http.paths[1] is left out",
            id="nothing-in-a-list",
        ),
        pytest.param(
            "spec.rules.0.http.paths.1",
            "/b",
            "spec.rules[0].http.paths[1]: /b (expected a mapping of fields); "
            "spec.rules[0].http.paths[1] is left out",
            id="text-for-a-path",
        ),
    ],
)
def test_a_wrong_path_alone_is_left_out(path: str, value: object, expected: str) -> None:
    found = good(put(SHOP.manifest, path, value))
    assert [sentence(problem) for problem in found.problems] == [expected]
    assert found.problems[0].reason == "InvalidField"
    assert found.value == ingress("shop", host="example.com").path("/a", to="a:80").model()


def test_a_rule_that_is_wrong_goes_alone() -> None:
    found = good(put(SHOP.host("b").path("/", to="b:80").manifest, "spec.rules.0.host", 5))
    assert isinstance(found.value, Ingress)
    assert [(rule.position, rule.host) for rule in found.value.spec.rules] == [(1, "b")]
    assert found.problems[0].effect == "spec.rules[0] is left out"


def test_keys_have_the_positions_of_the_manifest_whatever_was_left_out_before() -> None:
    manifest = ingress("shop").path("/0", to="a:80").path("/1", to="a:80").path("/2", to="a:80")
    broken = put(manifest.manifest, "spec.rules.0.http.paths.0.pathType", "x")
    broken = put(broken, "spec.rules.0.http.paths.2.path", 5)
    broken["spec"]["rules"].insert(0, 5)
    keys = [problem.key for problem in good(broken).problems]
    assert keys == [
        "spec.rules[0]",
        "spec.rules[1].http.paths[0].pathType",
        "spec.rules[1].http.paths[2].path",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [pytest.param(10, "10", id="number"), pytest.param(True, "true", id="boolean")],
)
def test_an_annotation_without_quotes_is_read_as_meant_and_the_quotes_asked_for(
    value: object, shown: str
) -> None:
    found = good(SHOP.annotate({"x.io/canary": value, "x.io/other": "1"}))
    assert found.value == SHOP.annotate({"x.io/canary": shown, "x.io/other": "1"}).model()
    assert found.problems == (
        Problem(
            found.ref,
            "InvalidAnnotation",
            "x.io/canary",
            shown,
            f'a string; put it in quotes: "{shown}"',
            f'it is read as "{shown}"',
        ),
    )


def test_of_annotations_that_nobody_reads_nothing_is_said() -> None:
    thing = service("a").annotate({"a": True})
    found = good(thing, "m")
    assert found.problems == ()
    spoiled = {**thing.manifest, "spec": {"ports": [{"port": "x"}]}}
    assert [problem.key for problem in good(spoiled, "m").problems] == ["spec.ports[0].port"]


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_an_annotation_whose_key_cannot_be_encoded_is_ignored(key: str) -> None:
    found = good(SHOP.annotate({key: "x", "other": "1"}))
    assert found.value == SHOP.annotate({"other": "1"}).model()
    assert len(found.problems) == 1
    found.problems[0].message.encode()


def test_a_label_that_is_no_text_is_left_out() -> None:
    found = good(slice_of("a", addresses=["10.0.0.1"]).label({"app": 5}), "m")
    assert found.value == slice_of("a", addresses=["10.0.0.1"]).model()
    assert found.problems[0].key == "metadata.labels[app]"


def test_an_endpoint_without_a_usable_address_goes_as_a_whole() -> None:
    manifest = put(slice_of("a", addresses=["10.0.0.1"]).manifest, "endpoints.0.addresses", [5])
    found = good(manifest, "m")
    assert isinstance(found.value, EndpointSlice)
    assert found.value.endpoints == ()
    assert found.problems[0].effect == "endpoints[0] is left out"


def test_a_tls_entry_does_not_become_one_for_all_hosts() -> None:
    found = good(put(SHOP.tls("cert", "a").manifest, "spec.tls.0.hosts", [5]))
    assert isinstance(found.value, Ingress)
    assert found.value.spec.tls == ()


def test_one_wrong_host_of_several_goes_alone() -> None:
    found = good(put(SHOP.tls("cert", "a").manifest, "spec.tls.0.hosts", ["a", 5]))
    assert isinstance(found.value, Ingress)
    assert [tls.hosts for tls in found.value.spec.tls] == [("a",)]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param("spec", 5, "a mapping of fields", id="spec"),
        pytest.param("spec.rules", "x", "a list", id="rules"),
        pytest.param("spec.ingressClassName", 5, "a string", id="class"),
        pytest.param("metadata.annotations", ["a"], "a mapping of fields", id="annotations"),
        pytest.param(
            "metadata.creationTimestamp", "now", "a time such as 2026-01-31T12:00:00Z", id="age"
        ),
        pytest.param(
            "metadata.creationTimestamp", 5, "a time such as 2026-01-31T12:00:00Z", id="age-in-s"
        ),
        pytest.param("spec.defaultBackend", 5, "a mapping of fields", id="default-backend"),
    ],
)
def test_where_no_smaller_part_can_go_the_object_is_refused(
    path: str, value: object, expected: str
) -> None:
    found = bad(put(SHOP.manifest, path, value))
    assert found.ref == SHOP.ref()
    (problem,) = found.problems
    assert (problem.key, problem.expected) == (path, expected)
    assert problem.effect == "the last good version of the object stays in force, if there is one"


@pytest.mark.parametrize(
    "path",
    ["spec.ingressClassName", "spec.tls", "metadata.annotations", "metadata.creationTimestamp"],
)
def test_null_is_absent(path: str) -> None:
    assert good(put(SHOP.manifest, path, None)) == Upserted(SHOP.ref(), SHOP.model())


def test_only_kubernetes_own_spelling_counts() -> None:
    plain = ingress("shop").path("/a", to="a:80", kind=None)
    manifest = put(plain.manifest, "spec.rules.0.http.paths.0.path_type", "Exact")
    found = read(manifest)
    assert isinstance(found, Upserted)
    assert isinstance(found.value, Ingress)
    (rule,) = found.value.spec.rules
    assert rule.http is not None
    assert rule.http.paths == ()
    (problem,) = found.problems
    assert (problem.reason, problem.expected) == ("UnknownField", "pathType")


def test_fields_that_are_not_read_are_not_checked() -> None:
    manifest = put(SHOP.manifest, "status", {"a": "\0"})
    manifest = put(manifest, "metadata.managedFields", 5)
    assert good(manifest) == Upserted(SHOP.ref(), SHOP.model())


def test_deep_nesting_where_nothing_is_read_is_no_mistake() -> None:
    deep: object = "x"
    for _ in range(100_000):
        deep = [deep]
    assert good(put(SHOP.manifest, "spec.deep", deep)).value == SHOP.model()


def test_an_address_type_that_is_not_used_is_input_as_any_other() -> None:
    manifest = put(slice_of("a", addresses=["a.example.com"]).manifest, "addressType", "FQDN")
    found = good(manifest, "m")
    assert isinstance(found.value, EndpointSlice)
    assert found.value.address_type == "FQDN"
    assert not found.problems


def test_ten_thousand_mistakes_are_counted() -> None:
    manifest = service("a").manifest
    manifest["spec"]["ports"] = [{"port": i} for i in range(-10_000, 3)]
    found = good(manifest, "m")
    assert isinstance(found.value, Service)
    assert [port.port for port in found.value.spec.ports] == [1, 2]
    assert len(found.problems) == MAX_PROBLEMS + 1
    assert found.problems[-1].value == f"{10_001 - MAX_PROBLEMS} more mistakes"


def test_a_long_value_is_cut() -> None:
    found = bad(put(SHOP.manifest, "spec", "x" * 1_000_000))
    assert len(found.problems[0].value) < 250


# -- Secrets -------------------------------------------------------------------------------------


def test_string_data_is_data_as_an_api_server_writes_it() -> None:
    manifest = put(secret("a", {"x": "Yg=="}).manifest, "stringData", {"tls.crt": "text"})
    value = good(manifest).value
    assert isinstance(value, Secret)
    assert value.data == {"x": "Yg==", "tls.crt": base64.b64encode(b"text").decode()}


@pytest.mark.parametrize("path", ["data", "data.tls.key", "stringData.tls.key", "type"])
def test_bytes_of_a_secret_are_in_no_problem(path: str) -> None:
    manifest = secret("a").manifest
    top, _, key = path.partition(".")
    manifest[top] = {key: 7042} if key else 7042
    found = read(manifest)
    assert not isinstance(found, Unused)
    assert "7042" not in "".join(problem.message for problem in found.problems)


# -- lists ---------------------------------------------------------------------------------------


def test_a_list_stands_for_its_items() -> None:
    text = """
    apiVersion: v1
    kind: List
    items:
    - {apiVersion: v1, kind: Service, metadata: {name: a}}
    - apiVersion: v1
      kind: List
      items: [{apiVersion: v1, kind: Service, metadata: {name: b}}]
    - {apiVersion: v1, kind: Service, metadata: {name: c}}
    """
    (document,) = read_yaml(text)
    found = mappings(objects_in(document.value, DIALECTS.kinds))
    assert [good(dict(m), "m").ref.name for m in found] == [
        "a", "b", "c",
    ]  # fmt: skip


def test_the_items_of_a_kinds_own_list_need_not_say_their_kind() -> None:
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressList",
        "items": [{"metadata": {"name": "a"}}],
    }
    assert [good(dict(m)).ref.name for m in mappings(objects_in(manifest, DIALECTS.kinds))] == ["a"]


def test_an_item_that_is_no_object_stays_one_for_parse_to_see() -> None:
    manifest = {"apiVersion": "v1", "kind": "List", "items": [5]}
    assert list(objects_in(manifest, DIALECTS.kinds)) == [5]


def mappings(things: Iterator[object]) -> Iterator[Mapping[str, Any]]:
    for thing in things:
        assert isinstance(thing, Mapping)
        yield thing


# -- every model ---------------------------------------------------------------------------------


def fields_of(model: type[BaseModel], at: tuple[str | int, ...] = ()) -> Iterator[Any]:
    """Every field below a model, in each of its spellings: its location and its type."""
    for name, field in model.model_fields.items():
        either = field.validation_alias
        spellings = either.choices if isinstance(either, AliasChoices) else [field.alias or name]
        for spelling in spellings:
            assert isinstance(spelling, str)
            yield from types_in(field.annotation, (*at, spelling))


def types_in(annotation: Any, at: tuple[str | int, ...]) -> Iterator[Any]:  # noqa: ANN401 (a type)
    yield at, annotation
    arguments = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from fields_of(annotation, at)
    elif isinstance(annotation, UnionType) or type(None) in arguments:
        yield from types_in(next(a for a in arguments if a is not type(None)), at)
    elif arguments and arguments[-1] is Ellipsis:
        yield from types_in(arguments[0], (*at, 0))


EVERY_FIELD = [
    pytest.param(kind.model, at, id=f"{kind.name}-{'.'.join(map(str, at))}")
    for kind in DIALECTS.kinds.values()
    for at, _ in fields_of(kind.model)
]


@pytest.mark.parametrize(("model", "at"), EVERY_FIELD)
def test_every_field_has_an_expectation_in_plain_words(
    model: type[FleetObject], at: tuple[str | int, ...]
) -> None:
    assert expected_at(model, at) != "something else"


def test_every_mapping_of_texts_can_lose_single_entries() -> None:
    found = {
        at[-1]
        for kind in DIALECTS.kinds.values()
        for at, annotation in fields_of(kind.model)
        if str(annotation).startswith(("collections.abc.Mapping", "typing.Mapping"))
    }
    assert found == _TEXTS


# -- any input -----------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


EXAMPLES: Sequence[Builder[Any]] = (
    SHOP.tls("cert", "a").annotate({"a": "b"}).created("2026-01-31T12:00:00Z"),
    service("a").annotate({"a": "b"}),
    slice_of("a", addresses=["10.0.0.1"], pods=["a"]).label({"a": "b"}),
)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[Builder[Any], Any]:
    """A builder, and its manifest with junk in some places."""
    thing: Builder[Any] = draw(st.sampled_from(EXAMPLES))
    manifest = thing.manifest
    for _ in range(draw(st.integers(1, 3))):
        place: Any = manifest
        while True:
            steps = list(place) if isinstance(place, dict) else list(range(len(place)))
            step = draw(st.sampled_from(steps))
            inside = place[step]
            if not isinstance(inside, dict | list) or not inside or draw(st.booleans()):
                place[step] = draw(JUNK)
                break
            place = inside
    return thing, manifest


@settings(max_examples=300)
@given(spoiled())
def test_any_value_in_any_field_is_read_or_left_out_and_the_rest_is_whole(
    example: tuple[Builder[Any], Any],
) -> None:
    thing, manifest = example
    origin = HUB if thing.kind is Ingress else "m"
    found = read(manifest, origin)
    if not isinstance(found, Unused):
        for problem in found.problems:
            problem.message.encode()
    if isinstance(found, Upserted):
        left = found.value.model_dump(by_alias=True, exclude_none=True, mode="json")
        again = good({"apiVersion": thing.api_version, "kind": thing.kind.__name__, **left}, origin)
        assert again == Upserted(found.ref, found.value)


@settings(max_examples=300)
@given(spoiled())
def test_what_is_read_without_a_copy_is_what_is_read_with_one(
    example: tuple[Builder[Any], Any],
) -> None:
    thing, manifest = example
    kind = DIALECTS.kinds[thing.kind.__name__]
    if isinstance(manifest.get("metadata"), dict):
        ref = Ref("", kind.name, "default", "a")
        shortcut = _faultless(kind, ref, manifest)
        assert shortcut is None or _pruned(kind, ref, manifest, ()) == Upserted(ref, shortcut)


@pytest.mark.parametrize("thing", [*EXAMPLES, pod("a")], ids=lambda thing: thing.kind.__name__)
def test_what_is_in_order_is_read_without_a_copy(thing: Builder[Any]) -> None:
    kind = DIALECTS.kinds[thing.kind.__name__]
    manifest: Any = thing.manifest
    assert _faultless(kind, Ref("", kind.name, "default", "a"), manifest) is not None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\0b", id="nul"),
        pytest.param("a\ud800b", id="half-of-a-pair"),
        pytest.param(None, id="null"),
        pytest.param(True, id="without-quotes"),
    ],
)
@pytest.mark.parametrize("is_key", [False, True], ids=["value", "key"])
def test_what_needs_a_copy_gets_one(value: object, is_key: bool) -> None:
    kind, annotations = DIALECTS.kinds["Ingress"], {value: "a"} if is_key else {"a": value}
    manifest: Any = {"metadata": {"name": "a", "annotations": annotations}}
    assert _faultless(kind, Ref("", "Ingress", "default", "a"), manifest) is None


@pytest.mark.parametrize(
    ("part", "most"), [pytest.param("endpoints", 1000), pytest.param("ports", 100)]
)
def test_an_object_has_as_many_parts_as_kubernetes_allows(part: str, most: int) -> None:
    one: dict[str, object] = {"endpoints": {"addresses": ["10.0.0.1"]}, "ports": {"port": 80}}
    manifest = slice_of("web").manifest
    assert isinstance(read(put(manifest, part, [one[part]] * most), "m"), Upserted)
    (problem,) = bad(put(manifest, part, [one[part]] * (most + 1)), "m").problems
    assert (problem.reason, sentence(problem)) == (
        "TooLong",
        f"{part}: {most + 1} items (expected up to {most} {part}, as in Kubernetes); "
        "the last good version of the object stays in force, if there is one",
    )


@pytest.mark.parametrize(
    ("label", "key"),
    [
        pytest.param("a\nb\x1b[31m", r"metadata.labels[a\nb\x1b[31m]", id="lines-and-escapes"),
        pytest.param("x" * 5000, f"metadata.labels[{'x' * 184}...", id="long"),
    ],
)
def test_a_problem_is_one_short_line_whatever_a_key_is(label: str, key: str) -> None:
    manifest = put(pod("web").manifest, "metadata.labels", {label: 5, "app": "web"})
    found = read(manifest, "m")
    assert isinstance(found, Upserted)
    (problem,) = found.problems
    assert problem.key == key
    assert problem.effect == f"{key} is left out"
