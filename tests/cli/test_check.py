"""`check` names every problem with file, object, key, value and what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import fleetgate
from tests.support.builders import (
    Builder,
    alb_gateway,
    ingress,
    ingress_class,
    mse_gateway,
    service,
    slice_of,
    write,
)


def test_a_fleet_without_a_problem_is_status_0(fleet: Path) -> None:
    checked = fleetgate("check", fleet)

    assert (checked.status, checked.err) == (0, "")
    assert checked.out == "No problems; 4 objects read\n"


def _canary(fleet: Path, *, to: str = "web:80", weight: int = 10) -> None:
    canary = ingress("canary", host="shop.example").path("/", to=to).of_class("mse")
    options = {"canary": "true", "canary-weight": f"{weight}"}
    annotations = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in options.items()}
    write(fleet, "hub/canary.yaml", canary.annotate(annotations))


def test_a_problem_is_shown_with_all_that_names_it_and_status_1(fleet: Path) -> None:
    _canary(fleet, weight=150)

    checked = fleetgate("check", fleet)

    assert (checked.status, checked.err) == (1, "")
    for part in (
        "hub/canary.yaml: Ingress default/canary\n",
        "nginx.ingress.kubernetes.io/canary-weight: '150'\n",
        "expected at most 100, the total\n",
    ):
        assert part in checked.out
    assert checked.out.endswith("\n1 problem; 5 objects read\n")


def test_a_mistake_in_the_settings_of_a_member_is_a_problem_of_its_file(fleet: Path) -> None:
    write(fleet, "members/east.yaml", "addressing: nodePort\nregio: eu\n")
    write(fleet, "members/esat.yaml", "region: eu\n")

    checked = fleetgate("check", fleet)

    assert (checked.status, checked.err) == (1, "")
    for part in (
        "members/east.yaml\n",
        "  InvalidSettings addressing: 'nodePort'\n      expected pods, nodePorts or gateway\n",
        "  InvalidSettings regio: 'eu'\n      expected region\n",
        "members/esat.yaml\n  UnknownMember: 'esat'\n",
    ):
        assert part in checked.out


def test_settings_of_members_are_no_problem(fleet: Path) -> None:
    write(fleet, "members/east.yaml", "region: eu\n")

    assert fleetgate("check", fleet).out == "No problems; 4 objects read\n"


def test_a_hint_is_shown_and_fails_nothing(fleet: Path) -> None:
    younger = ingress("x-login", host="shop.example").path("/login", to="web:80")
    write(fleet, "hub/login.yaml", younger.of_class("mse").in_namespace("login"))
    pods = slice_of("web", addresses=["127.0.0.10"]).in_namespace("login")
    write(fleet, "clusters/east/login.yaml", service("web").in_namespace("login"), pods)

    checked = fleetgate("check", fleet)

    assert (checked.status, checked.err) == (0, "")
    for part in (
        "hub/web.yaml: Ingress default/web\n",
        "  hint: SharedHost spec.rules[0].host: 'shop.example'\n",
        "expected paths of namespace default alone\n",
        "Ingress login/x-login serves Prefix /login there\n",
    ):
        assert part in checked.out
    assert checked.out.endswith("\nNo problems, 1 hint; 7 objects read\n")

    (hint,) = json.loads(fleetgate("check", fleet, "-o", "json").out)
    assert (hint["severity"], hint["reason"]) == ("hint", "SharedHost")


def hints_of(fleet: Path) -> list[tuple[str, str, str, str]]:
    """What `check` hints at, in a fleet that it finds no problem in."""
    checked = fleetgate("check", fleet, "-o", "json")
    assert checked.status == 0
    found = json.loads(checked.out)
    assert {each["severity"] for each in found} <= {"hint"}
    return [(each["file"], each["reason"], each["key"], each["expected"]) for each in found]


def _endpoints(name: str) -> dict[str, object]:
    subsets = [{"addresses": [{"ip": "127.0.0.9"}], "ports": [{"port": 80}]}]
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}


OTHER = ingress("other", host="other.example")
CLASS_KEY = "spec.ingress.local.ingressClass"


@pytest.mark.parametrize(
    ("file", "objects", "hints"),
    [
        pytest.param(
            "hub/other.yaml",
            [OTHER.path("/", to="web:80").of_class("nginx")],
            [("NotTaken", "spec.ingressClassName", "a class of a gateway: mse")],
            id="ingress-of-a-class-that-no-gateway-has",
        ),
        pytest.param(
            "hub/other.yaml",
            [OTHER.path("/", to="web:80")],
            [("NotTaken", "spec.ingressClassName", "a class of a gateway: mse")],
            id="ingress-without-a-class",
        ),
        pytest.param(
            "hub/other.yaml",
            [
                OTHER.path("/", to="web:80"),
                ingress_class("mse").annotate(
                    {"ingressclass.kubernetes.io/is-default-class": "true"}
                ),
            ],
            [],
            id="ingress-without-a-class-beside-a-default-one",
        ),
        pytest.param(
            "hub/other.yaml",
            [OTHER.path("/api/*", to="web:80").path("/*", to="web:80").of_class("mse")],
            [
                (
                    "LiteralStar",
                    "spec.rules[0].http.paths[0].path",
                    "/api with pathType Prefix, for everything below it",
                ),
                (
                    "LiteralStar",
                    "spec.rules[0].http.paths[1].path",
                    "/ with pathType Prefix, for everything below it",
                ),
            ],
            id="star-in-a-path-of-mse",
        ),
        pytest.param(
            "hub/other.yaml",
            [OTHER.path("/api/(.*)", to="web:80").path("/v[0-9]*", to="web:80").of_class("mse")],
            [
                (
                    "LiteralPattern",
                    f"spec.rules[0].http.paths[{number}].path",
                    'nginx.ingress.kubernetes.io/use-regex: "true", if it is a pattern',
                )
                for number in (0, 1)
            ],
            id="pattern-in-a-path-without-use-regex",
        ),
        pytest.param(
            "hub/other.yaml",
            [
                OTHER.path("/api/*", to="web:80")
                .path("/v[0-9]*", to="web:80")
                .path("/.*", to="web:80")
                .of_class("mse")
                .annotate({"nginx.ingress.kubernetes.io/use-regex": "true"})
            ],
            [],
            id="pattern-in-a-path",
        ),
        pytest.param(
            "hub/other.yaml",
            [
                OTHER.path("/", to="web:80")
                .of_class("nginx")
                .annotate({"kubernetes.io/ingress.class": "mse"})
            ],
            [
                (
                    "TwoClasses",
                    "spec.ingressClassName",
                    "one of the two: kubernetes.io/ingress.class says mse",
                )
            ],
            id="two-classes",
        ),
        pytest.param(
            "hub/idle.yaml",
            [mse_gateway("idle", ingress_class=None), alb_gateway("idle")],
            [
                ("WithoutClass", "", "an IngressClass whose spec.parameters name it"),
                (
                    "WithoutClass",
                    CLASS_KEY,
                    "a class such as mse, or an IngressClass whose spec.parameters name it",
                ),
            ],
            id="gateways-without-a-class",
        ),
        pytest.param(
            "hub/busy.yaml",
            [mse_gateway("busy", ingress_class=None), ingress_class("busy", gateway="busy")],
            [],
            id="gateway-of-a-class",
        ),
        pytest.param(
            "clusters/east/old.yaml",
            [service("old"), _endpoints("old")],
            [
                (
                    "EndpointsNotRead",
                    "",
                    "an EndpointSlice with the label kubernetes.io/service-name: old",
                )
            ],
            id="endpoints-without-a-slice",
        ),
        pytest.param(
            "clusters/east/old.yaml",
            [_endpoints("web"), _endpoints("nobody")],
            [],
            id="endpoints-beside-a-slice-and-without-a-service",
        ),
    ],
)
def test_what_is_legal_and_hardly_meant_is_a_hint(
    fleet: Path,
    file: str,
    objects: list[Builder[Any] | dict[str, object]],
    hints: list[tuple[str, str, str]],
) -> None:
    write(fleet, file, *objects)
    assert hints_of(fleet) == [(file, *hint) for hint in hints]


def _annotated(fleet: Path, name: str, annotations: dict[str, str]) -> None:
    made = ingress(name, host=f"{name}.example").path("/", to="web:80").of_class("mse")
    spelt = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}
    write(fleet, f"hub/{name}.yaml", made.annotate(spelt))


def test_annotations_that_are_not_carried_out_are_counted_at_the_end(fleet: Path) -> None:
    _annotated(fleet, "a", {"server-snippet": "gzip on;", "influxdb-port": "1"})
    _annotated(fleet, "b", {"server-snippet": "gzip on;", "enable-cors": "false"})

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert checked.out.partition("ANNOTATION THAT")[2] == (
        " IS NOT CARRIED OUT          INGRESSES  WITHOUT IT\n"
        "nginx.ingress.kubernetes.io/server-snippet  2          "
        "no effect: Envoy cannot run NGINX's directives\n"
        "nginx.ingress.kubernetes.io/influxdb-port   1          "
        "no effect: ingress-nginx has removed it too\n"
        "\n"
        "3 problems; 6 objects read\n"
    )


def test_annotations_that_only_tune_nginx_are_one_hint_and_fail_nothing(fleet: Path) -> None:
    _annotated(fleet, "a", {"proxy-buffering": "on", "proxy-buffer-size": "8k"})
    _annotated(fleet, "b", {"proxy-buffering": "on"})

    checked = fleetgate("check", fleet)

    assert checked.status == 0
    prefix = "nginx.ingress.kubernetes.io"
    assert checked.out == (
        "Hub hub\n"
        f"  hint: OnlyTuning {prefix}/proxy-buffer-size, {prefix}/proxy-buffering\n"
        "      expected nothing in their place: they tune another gateway than Envoy\n"
        "      no effect, and nothing is lost without them\n"
        "\n"
        "No problems, 1 hint; 6 objects read\n"
    )


def test_a_rule_is_named_by_its_place_in_the_file_whatever_was_left_out_before(
    fleet: Path,
) -> None:
    rules = ingress("rules", host="a.example").path("/", to="web:80").of_class("mse")
    rules = rules.path("no-slash", to="web:80").host("bad_.example").path("/", to="web:80")
    manifest = rules.manifest
    manifest["spec"]["rules"].insert(0, {"host": 5})
    manifest["spec"]["rules"][1]["http"]["paths"].insert(0, {"path": 5})
    write(fleet, "hub/rules.yaml", manifest)

    checked = fleetgate("check", fleet, "-o", "json")

    assert sorted(problem["key"] for problem in json.loads(checked.out)) == [
        "spec.rules[0].host",
        "spec.rules[1].http.paths[0].backend",
        "spec.rules[1].http.paths[0].path",
        "spec.rules[1].http.paths[2].path",
        "spec.rules[2].host",
    ]


def test_programs_read_the_problems_as_json(fleet: Path) -> None:
    _canary(fleet, weight=150)

    checked = fleetgate("check", fleet, "-o", "json")

    assert checked.status == 1
    (problem,) = json.loads(checked.out)
    assert problem == problem | {
        "member": "",
        "kind": "Ingress",
        "namespace": "default",
        "name": "canary",
        "file": "hub/canary.yaml",
        "reason": "WeightAboveTotal",
        "key": "nginx.ingress.kubernetes.io/canary-weight",
        "value": "150",
        "expected": "at most 100, the total",
        "effect": "it counts as 100",
    }


def test_no_problem_is_an_empty_list_in_json(fleet: Path) -> None:
    checked = fleetgate("check", fleet, "-o", "json")

    assert (checked.status, json.loads(checked.out)) == (0, [])


def test_a_file_that_is_no_yaml_is_a_problem_of_the_file(fleet: Path) -> None:
    write(fleet, "hub/broken.yaml", "spec: [\n")

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert checked.out.startswith("hub/broken.yaml\n  UnreadableFile line ")


def test_a_member_that_the_fleet_does_not_have_is_a_problem_of_the_gateway(fleet: Path) -> None:
    gateway = fleet / "hub" / "gateway.yaml"
    gateway.write_text(gateway.read_text().replace("east", "east,wset"))

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert "hub/gateway.yaml: MseIngressConfig shop\n" in checked.out
    assert "mse.alibabacloud.com/remote-clusters: 'wset'\n" in checked.out


def test_what_a_gateway_says_of_its_envoys_on_a_hub_is_checked(fleet: Path) -> None:
    config = {"addressType": "Public"}
    spec = {"config": config, "listeners": [{"port": 80, "protocol": "HTTP"}]}
    manifest = {"apiVersion": "alibabacloud.com/v1", "kind": "AlbConfig", "spec": spec}
    (fleet / "hub/alb.yaml").write_text(
        json.dumps({**manifest, "metadata": {"name": "web"}}), encoding="utf-8"
    )

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert "InvalidField spec.config.addressType: 'Public'\n" in checked.out
    assert "expected Internet or Intranet\n" in checked.out


def test_a_service_without_pods_is_told_with_what_clients_get(fleet: Path) -> None:
    other = ingress("other", host="other.example").path("/", to="missing:80").of_class("mse")
    write(fleet, "hub/other.yaml", other)

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    expected = "no attached member has this Service, requests are answered with 503\n"
    assert expected in checked.out


def test_a_canary_without_pods_leaves_its_requests_to_the_main_rule(fleet: Path) -> None:
    _canary(fleet, to="missing:80")

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert "its requests go to the backend of the main rule\n" in checked.out
    assert "503" not in checked.out


def test_a_problem_of_a_member_says_which_member(fleet: Path) -> None:
    write(fleet, "clusters/east/bad.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": 1})

    checked = fleetgate("check", fleet)

    assert checked.status == 1
    assert "clusters/east/bad.yaml" in checked.out


def test_kinds_that_are_not_needed_are_counted_in_one_line(fleet: Path) -> None:
    kinds = ("Deployment", "Deployment", "ConfigMap")
    objects = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": f"x{i}"}}
        for i, kind in enumerate(kinds)
    ]
    write(fleet, "clusters/east/more.yaml", *objects)

    checked = fleetgate("check", fleet)

    assert checked.status == 0
    expected = "No problems; 4 objects read; not needed: 1 ConfigMap, 2 Deployment\n"
    assert checked.out == expected
