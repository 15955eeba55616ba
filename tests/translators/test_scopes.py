"""Scopes of policies: the extent of each, and the Ingress that decides if two disagree."""

from itertools import permutations
from typing import Any

import pytest

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import IngressBuilder, ingress, service, slice_of
from tests.support.translation import World
from tests.translators.toy.dialect import PREFIX, WITH_TOY, Greeting, Motto
from translators.envoy.parts import Fields, Parts
from translators.merge.scopes import Claim, settle
from translators.model.policy import Declared, Policy
from translators.model.rules import UNDATED, Age
from xds.readable import readable
from xds.resource import TypeUrl

GATEWAY = "toy/gw"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def toy(sign: str = "") -> dict[str, Any]:
    metadata = {"name": "gw", "annotations": {f"{PREFIX}members": "c1"}}
    spec = {"sign": sign} if sign else {}
    return {
        "apiVersion": "toy.example/v1",
        "kind": "ToyGateway",
        "metadata": metadata,
        "spec": spec,
    }


def asking(name: str, created: str = OLD, path: str = "/", **keys: str) -> IngressBuilder:
    """Make an Ingress of one host and Service with annotations of the toy dialect."""
    annotations = {f"{PREFIX}{key}": value for key, value in keys.items()}
    return (
        ingress(name, host="shop.test")
        .path(path, to="shop:80")
        .of_class("toy")
        .created(created)
        .annotate(annotations)
    )


def world(*ingresses: IngressBuilder, sign: str = "") -> World:
    made = World(WITH_TOY)
    made.attach(HUB, "c1")
    made.put(
        service("shop").manifest, slice_of("shop", addresses=["10.0.0.1"]).manifest, origin="c1"
    )
    made.put(toy(sign), *(each.manifest for each in ingresses))
    return made


def shown(of: World, type_url: TypeUrl, name: str) -> Any:  # noqa: ANN401 (JSON)
    return readable(type_url, of.snapshots[GATEWAY][type_url, name].body)


def host(of: World) -> Any:  # noqa: ANN401 (JSON)
    table = shown(of, TypeUrl.SCOPED_ROUTE, "toy|shop.test")
    return table["route_configuration"]["virtual_hosts"][0]


def added(to: Any) -> list[str]:  # noqa: ANN401 (JSON)
    return [each["header"]["value"] for each in to.get("response_headers_to_add", ())]


def overruled(of: World, name: str) -> list[Problem]:
    row = of.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", "default", name)]
    return [problem for problem in row.problems if problem.reason == "Overruled"]


def test_a_policy_of_routes_holds_for_its_own_ingress() -> None:
    made = world(asking("one", greeting="hi"), asking("two", path="/two", greeting="ho"))
    by_path = {route["name"].split()[0]: added(route) for route in host(made)["routes"]}
    assert by_path == {"default/one": ["hi"], "default/two": ["ho"], "none": []}
    assert overruled(made, "two") == []


def test_a_policy_of_a_host_holds_for_all_of_it_and_the_older_ingress_decides() -> None:
    made = world(asking("young", NEW, motto="new"), asking("old", OLD, "/old", motto="old"))
    assert added(host(made)) == ["old"]
    (problem,) = overruled(made, "young")
    assert (problem.key, problem.value) == (f"{PREFIX}motto", "new")
    assert "the older Ingress default/old asks for of host shop.test" in problem.expected
    assert overruled(made, "old") == []


def test_a_policy_of_a_host_ends_with_its_ingress() -> None:
    old, young = asking("old", OLD, "/old", motto="old"), asking("young", NEW, motto="new")
    made = world(old, young)
    made.remove(old.manifest)
    assert added(host(made)) == ["new"]
    assert overruled(made, "young") == []


def test_an_ingress_that_serves_nothing_of_a_host_has_no_say_in_it() -> None:
    made = world(asking("first", OLD), asking("second", NEW, motto="mine"))
    assert added(host(made)) == []


def test_a_policy_of_a_service_holds_for_every_way_to_it_and_the_older_ingress_decides() -> None:
    made = world(asking("young", NEW, patience="7"), asking("old", OLD, "/old", patience="5"))
    cluster = shown(made, TypeUrl.CLUSTER, "default/shop/80")
    assert cluster["connect_timeout"] == "0.005s"
    (problem,) = overruled(made, "young")
    assert "the older Ingress default/old asks for of Service default/shop" in problem.expected
    made.remove(asking("old").manifest)
    assert shown(made, TypeUrl.CLUSTER, "default/shop/80")["connect_timeout"] == "0.007s"
    assert overruled(made, "young") == []


def test_a_policy_of_a_gateway_holds_for_its_listeners() -> None:
    listener = shown(world(sign="toys"), TypeUrl.LISTENER, "http-80")
    manager = listener["filter_chains"][0]["filters"][-1]["typed_config"]
    assert manager["server_name"] == "toys"


def test_a_change_of_a_policy_of_a_service_is_a_change_of_its_cluster_alone() -> None:
    made = world(asking("one", patience="5"))
    made.put(asking("one", patience="6").manifest)
    assert made.sent == 1


def claims() -> list[Claim]:
    """Make claims of two Ingresses. The older one does not ask for one of the policies."""
    old, young = (Ref(HUB, "Ingress", "default", name) for name in ("old", "young"))
    said: dict[Ref, list[Policy]] = {
        old: [Motto("old")],
        young: [Motto("new"), Greeting("hi")],
    }
    ages = {old: Age(UNDATED.replace(year=2020), "old"), young: Age(UNDATED, "young")}
    return [
        Claim(ages[ref], ref, Declared(policy, type(policy).__name__, str(policy)))
        for ref, policies in said.items()
        for policy in policies
    ]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_order_of_claims_does_not_matter(order: tuple[int, ...]) -> None:
    found = claims()
    settled = settle([found[place] for place in order], "host a.test")
    assert settled.policies == (Greeting("hi"), Motto("old"))
    assert [problem.at.name for problem in settled.problems] == ["young"]


def test_the_same_wish_twice_is_no_conflict() -> None:
    old, young, _ = claims()
    same = Claim(young.age, young.origin, old.declared)
    assert settle([old, same], "host a.test").problems == ()


def test_two_policies_cannot_set_one_field() -> None:
    fields, parts = Fields(), Parts()
    fields.put("timeout", 1)
    parts.configure("cors", 1)
    with pytest.raises(ValueError, match="two policies set timeout"):
        fields.put("timeout", 2)
    with pytest.raises(ValueError, match="two policies configure cors"):
        parts.configure("cors", 2)
