"""An unknown field is reported, and it never makes an object wider than its user intended."""

from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from fleet.events import Refused, Upserted
from fleet.parse import parse
from fleet.problem import Problem
from fleet.ref import HUB
from tests.support.builders import alb_gateway, ingress, mse_gateway, secret, service, slice_of
from translators.dialects import DIALECTS

Json: TypeAlias = Any  # as YAML has it

DOCUMENTS = Path(__file__).parents[1] / "crds" / "documents"
NOTHING = "it has no effect"
REFUSED = "the last good version of the object stays in force, if there is one"


def put(manifest: Json, path: str, value: object) -> Json:
    """Set one field, such as "spec.rules.0.host"; None removes it."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = manifest
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(step, str) else place[step]
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return manifest


def mse(**spec: Json) -> Json:
    return mse_gateway("gw").manifest | {"spec": spec}


def local(**fields: Json) -> Json:
    return mse(ingress={"local": fields})


def alb(config: Json = None, **listener: Json) -> Json:
    listeners = [{"port": 80, "protocol": "HTTP"}, {"port": 81, "protocol": "HTTP", **listener}]
    return alb_gateway("gw").manifest | {"spec": {"config": config, "listeners": listeners}}


def shop(path: str, value: object, without: str = "") -> Json:
    manifest = ingress("shop", host="shop.test").path("/a", to="a:80").of_class("mse").manifest
    manifest["spec"]["tls"] = [{"hosts": ["shop.test"], "secretName": "tls"}]
    if without:
        put(manifest, without, None)
    return put(manifest, path, value)


def read(manifest: Json, origin: str = HUB, *, served: bool = False) -> Upserted | Refused:
    found = parse(manifest, origin, "hub/x.yaml", DIALECTS.kinds, served=served)
    assert isinstance(found, Upserted | Refused)
    return found


def problem(manifest: Json, origin: str = HUB) -> Problem:
    (found,) = read(manifest, origin).problems
    assert found.reason == "UnknownField"
    return found


@pytest.mark.parametrize(
    ("manifest", "key", "expected"),
    [
        pytest.param(local(ingressclass="mse"), "spec.ingress.local.ingressclass", "ingressClass"),
        pytest.param(
            mse(common={"instance": {"replica": 3}}),
            "spec.common.instance.replica",
            "replicas",
        ),
        pytest.param(mse(common={"instanc": {}}), "spec.common.instanc", "instance"),
        pytest.param(mse(colour="red"), "spec.colour", "one of common, global, id, ingress, "),
        pytest.param(mse_gateway("gw").manifest | {"labels": {}}, "labels", "one of apiVersion"),
        pytest.param(
            put(mse(), "metadata.anotations", {"a": "b"}), "metadata.anotations", "annotations"
        ),
        pytest.param(alb({"editions": "Basic"}), "spec.config.editions", "edition"),
        pytest.param(alb(prot=80), "spec.listeners[1].prot", "port"),
        pytest.param(shop("spec.rules.0.hots", "b.test"), "spec.rules[0].hots", "host"),
        pytest.param(
            shop("spec.rules.0.http.paths.0.backend.servce", {}),
            "spec.rules[0].http.paths[0].backend.servce",
            "service",
        ),
    ],
)
def test_it_is_told_with_what_was_probably_meant(manifest: Json, key: str, expected: str) -> None:
    assert isinstance(read(manifest), Upserted)
    found = problem(manifest)
    assert (found.key, found.effect) == (key, NOTHING)
    assert found.expected.startswith(expected)


@pytest.mark.parametrize(
    ("manifest", "key"),
    [
        pytest.param(
            local(ingressClass="mse", watchnamespace="a"), "spec.ingress.local.watchnamespace"
        ),
        pytest.param(local(ingressClass="mse", namespaces=["a"]), "spec.ingress.local.namespaces"),
        pytest.param(local(ingressClass="mse", only="a"), "spec.ingress.local.only"),
        pytest.param(
            local(ingressClass="mse", watchNamespace="", watchNs="a"), "spec.ingress.local.watchNs"
        ),
        pytest.param(mse(ingress={"lokal": {"watchNamespace": "a"}}), "spec.ingress.lokal"),
        pytest.param(mse(Ingress={"local": {"watchNamespace": "a"}}), "spec.Ingress"),
        pytest.param(mse_gateway("gw").manifest | {"spec": None, "Spec": {}}, "Spec"),
        pytest.param(
            mse(common={"network": {"privateSlbSpec": "s1"}}), "spec.common.network.privateSlbSpec"
        ),
        pytest.param(
            mse(**{"global": {"ipAccessControls": {"whitelist": ["10.0.0.1"]}}}),
            "spec.global.ipAccessControls",
        ),
        pytest.param(alb({"addresstype": "Intranet"}), "spec.config.addresstype"),
        pytest.param(
            shop("spec.ingressClass", "mse", without="spec.ingressClassName"), "spec.ingressClass"
        ),
        pytest.param(shop("spec.rule", [], without="spec.rules"), "spec.rule"),
    ],
)
def test_where_the_object_would_be_wider_it_is_refused(manifest: Json, key: str) -> None:
    assert isinstance(read(manifest), Refused)
    found = problem(manifest)
    assert (found.key, found.effect) == (key, REFUSED)


@pytest.mark.parametrize(
    ("manifest", "key", "left_out"),
    [
        pytest.param(
            shop("spec.rules.0.hots", "shop.test", without="spec.rules.0.host"),
            "spec.rules[0].hots",
            "spec.rules[0]",
            id="a-rule-would-take-every-host",
        ),
        pytest.param(
            shop("spec.rules.0.http.paths.0.paths", "/a", without="spec.rules.0.http.paths.0.path"),
            "spec.rules[0].http.paths[0].paths",
            "spec.rules[0].http.paths[0]",
            id="a-path-would-take-every-path",
        ),
        pytest.param(
            shop("spec.tls.0.host", ["shop.test"], without="spec.tls.0.hosts"),
            "spec.tls[0].host",
            "spec.tls[0]",
            id="a-certificate-would-be-for-every-host",
        ),
        pytest.param(
            alb(aclconfig={"aclEntries": ["10.0.0.0/8"]}),
            "spec.listeners[1].aclconfig",
            "spec.listeners[1]",
            id="a-listener-would-be-open-to-everybody",
        ),
        pytest.param(
            alb(aclConfig={"aclType": "White", "aclEntry": ["10.0.0.0/8"]}),
            "spec.listeners[1].aclConfig.aclEntry",
            "spec.listeners[1]",
            id="a-list-would-be-empty",
        ),
    ],
)
def test_where_a_part_would_be_wider_that_part_is_left_out(
    manifest: Json, key: str, left_out: str
) -> None:
    assert isinstance(read(manifest), Upserted)
    found = problem(manifest)
    assert (found.key, found.effect) == (key, f"{left_out} is left out")


def test_what_is_narrowed_by_a_good_field_is_kept_beside_a_bad_one() -> None:
    manifest = local(ingressClass="mse", watchNamespace="a", watchNamespaces=["b"])
    assert isinstance(read(manifest), Upserted)
    assert problem(manifest).effect == NOTHING


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_manifests_of_the_documents_have_none(path: Path) -> None:
    assert read(yaml.safe_load(path.read_text(encoding="utf-8"))).problems == ()


def test_all_that_the_vendors_page_on_the_kind_shows_is_known() -> None:
    manifest = mse(
        id="gw-1",
        override=False,
        name="mse-ingress",
        common={
            "pay": {"payType": "POSTPAY"},
            "instance": {"spec": "4c8g", "replicas": 3},
            "network": {"vSwitches": ["vsw-1"], "publicSLBSpec": "slb.s2.small"},
            "securityGroupType": "normal",
        },
        monitor={
            "logging": {"sls": {"reuseProject": "xxx"}},
            "tracing": {"xTrace": {"sampleRate": "100"}},
        },
        ingress={"local": {"ingressClass": "mse", "watchNamespace": ""}},
        **{"global": {"tls": {"enableHardwareAcceleration": True}}},
    )
    assert read(manifest).problems == ()


@pytest.mark.parametrize(
    ("manifest", "origin"),
    [
        pytest.param(shop("spec.rules.0.newInKubernetes", 1), HUB, id="an-ingress"),
        pytest.param(put(service("a").manifest, "spec.quality", 1), "m", id="a-service"),
        pytest.param(
            put(slice_of("a", addresses=["10.0.0.1"]).manifest, "endpoints.0.weight", 1),
            "m",
            id="a-slice",
        ),
        pytest.param(put(service("a").manifest, "spec.selektor", None), "m", id="a-null"),
    ],
)
def test_what_is_like_nothing_in_a_kind_of_kubernetes_may_be_newer(
    manifest: Json, origin: str
) -> None:
    assert read(manifest, origin).problems == ()


def test_an_api_server_has_checked_kinds_of_its_own_and_no_custom_resource() -> None:
    assert read(shop("spec.rules.0.hots", "b.test"), served=True).problems == ()
    assert read(local(ingressclass="mse"), served=True).problems != ()


def test_a_secrets_value_is_not_shown() -> None:
    manifest = secret("tls").manifest | {"dat": {"tls.key": "c2VjcmV0"}}
    found = problem(manifest)
    assert (found.key, found.value, found.expected) == ("dat", "", "data")


def test_a_name_that_cannot_be_printed_is_spelled_out() -> None:
    found = problem(mse(**{"na\0me\ud800": 1}))
    assert found.key == "spec.na\\0me\\ud800"
    found.message.encode()


def test_a_thousand_of_them_are_told_in_fifty_lines() -> None:
    found = read(mse(**{f"x{number}": number for number in range(1000)}))
    assert len(found.problems) == 51
