"""Bounds on what users may write: an excess is a problem of its own Ingress only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fleet.ref import HUB, Ref
from tests.support.builders import IngressBuilder, ingress, mse_gateway
from tests.support.translation import World, upserted
from tests.translators.plans import MSE, NGINX
from translators.dialects.alb.paths import alb_path
from translators.dialects.annotations.values import pattern
from translators.dialects.mse.gateway import MSE_TABLES
from translators.graph.keys import HostKey
from translators.graph.translator import Translation
from translators.model.actions import Forward
from translators.model.bounds import (
    CONDITION_TEXT_OF_RULE,
    MAX_CANARIES,
    MAX_CONDITION_TEXT,
    MAX_DESTINATIONS,
    MAX_INSTRUCTIONS,
    MAX_INSTRUCTIONS_OF_HOST,
    MAX_LABELS,
    MAX_PATTERNS,
    MAX_PROBLEMS,
    MAX_ROUTES_OF_HOST,
    MAX_ROUTES_OF_INGRESS,
)
from translators.model.host_plans import HostPlan
from xds.resource import TypeUrl

HOST = "shop.test"
GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")


def destinations(count: int) -> dict[str, str]:
    lines = [f"1% s{n}.default.svc.cluster.local:80" for n in range(count)]
    return {f"{MSE}destination": "\n".join(lines)}


def labels(count: int) -> dict[str, str]:
    return {f"{MSE}subset-labels": "\n".join(f"label-{n} value" for n in range(count))}


def of_paths(name: str, count: int, *, host: str = HOST, below: str = "") -> IngressBuilder:
    """Make an Ingress of many paths. One call makes all, because single steps would be slow."""
    backend = {"service": {"name": name, "port": {"number": 80}}}
    paths = [
        {"path": f"{below}/{n}", "pathType": "Exact", "backend": backend} for n in range(count)
    ]
    made = ingress(name).of_class("mse").created("2020-01-01T00:00:00Z")
    return made.with_spec(rules=[{"host": host, "http": {"paths": paths}}])


def canary(
    number: int, keys: Mapping[str, str], paths: Sequence[str] = ("/0",), host: str = HOST
) -> IngressBuilder:
    """Make a canary. One with a higher number is younger."""
    made = ingress(f"canary-{number:03}", host=host).of_class("mse")
    for path in paths:
        made = made.path(path, to=f"canary-{number:03}:80", kind="Exact")
    annotations = {f"{NGINX}{key}": value for key, value in {"canary": "true", **keys}.items()}
    minutes, seconds = divmod(number, 60)
    return made.annotate(annotations).created(f"2021-01-01T00:{minutes:02}:{seconds:02}Z")


def by_value(number: int) -> dict[str, str]:
    return {"canary-by-header": f"h{number}", "canary-by-header-value": "1"}


def by_pattern(number: int, text: str = "^v[0-9]$") -> dict[str, str]:
    return {"canary-by-header": f"h{number}", "canary-by-header-pattern": text}


def world_of(*ingresses: IngressBuilder) -> World:
    world = World()
    bystander = of_paths("bystander", 1, host="bystander.test")
    world.put(mse_gateway("gw").manifest, *(each.manifest for each in (bystander, *ingresses)))
    assert world.problems("bystander") == ["NoMembers"]
    assert "mse|bystander.test" in world.names(TypeUrl.SCOPED_ROUTE)
    return world


def plan_of(world: World, host: str = HOST) -> HostPlan:
    return world.translator.tables.hosts.plans.rows[HostKey(GATEWAY, MSE_TABLES, host)]


def told(world: World, name: str) -> Counter[str]:
    """Count the problems by reason, without those of backends that have no Pods."""
    row = world.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", "default", name)]
    return Counter(problem.reason for problem in row.problems if problem.reason != "NoMembers")


def asked_by(plan: HostPlan) -> Counter[str]:
    """Count the rules of each Ingress in the plan."""
    return Counter(rule.origin.name for rule in plan.rules)


@pytest.mark.parametrize(
    ("annotations", "subset", "shares", "reasons"),
    [
        pytest.param(destinations(MAX_DESTINATIONS), 0, MAX_DESTINATIONS, {}, id="destinations"),
        pytest.param(
            destinations(MAX_DESTINATIONS + 1), 0, 1, {"InvalidAnnotation": 1}, id="one-more"
        ),
        pytest.param(labels(MAX_LABELS), MAX_LABELS, 1, {}, id="labels"),
        pytest.param(labels(MAX_LABELS + 1), 0, 1, {"InvalidAnnotation": 1}, id="one-label-more"),
    ],
)
def test_an_annotation_of_too_many_lines_is_ignored(
    annotations: dict[str, str], subset: int, shares: int, reasons: dict[str, int]
) -> None:
    world = world_of(of_paths("web", 1).annotate(annotations))
    (rule,) = plan_of(world).rules
    assert isinstance(rule.action, Forward)
    assert len(rule.action.shares) == shares
    (backend,) = rule.action.shares[0].target.backends
    assert len(backend.subset.labels if backend.subset else ()) == subset
    assert told(world, "web") == reasons


@pytest.mark.parametrize(
    ("shares", "fitting"),
    [
        pytest.param(1, MAX_ROUTES_OF_INGRESS, id="plain"),
        pytest.param(50, MAX_ROUTES_OF_INGRESS // 50, id="of-many-backends"),
    ],
)
def test_an_ingress_has_so_many_rules_times_backends(shares: int, fitting: int) -> None:
    many = of_paths("web", fitting + 2)
    world = world_of(many.annotate(destinations(shares)) if shares > 1 else many)
    assert asked_by(plan_of(world)) == {"web": fitting}
    row = world.translator.tables.ingresses.rules.rows[many.ref()]
    (problem,) = row.problems
    assert (problem.reason, problem.key) == ("TooManyRules", f"spec.rules[0].http.paths[{fitting}]")
    assert f"at most {MAX_ROUTES_OF_INGRESS} rules" in problem.expected


def test_a_host_has_so_many_rules_of_which_the_oldest_stay() -> None:
    third = MAX_ROUTES_OF_HOST // 3 + 10
    ages = ("2020", "2021", "2022")
    old, middle, young = (
        of_paths(f"of-{year}", third, below=f"/{year}").created(f"{year}-01-01T00:00:00Z")
        for year in ages
    )
    world = world_of(young, old, middle)
    left = MAX_ROUTES_OF_HOST - 2 * third
    assert asked_by(plan_of(world)) == {"of-2020": third, "of-2021": third, "of-2022": left}
    (problem,) = (p for p in plan_of(world).problems if p.reason == "TooManyRules")
    assert problem.at == young.ref()
    assert problem.effect == (
        f"this rule is not served; {third - left - 1} more of this Ingress likewise"
    )


def test_a_path_has_so_many_canaries_of_which_the_oldest_stay() -> None:
    canaries = [canary(n, by_value(n)) for n in range(MAX_CANARIES + 2)]
    world = world_of(of_paths("main", 1), *reversed(canaries))
    asked = asked_by(plan_of(world))
    assert asked.keys() == {"main", *(each.name for each in canaries[:MAX_CANARIES])}
    assert told(world, canaries[MAX_CANARIES - 1].name) == {}
    for left_out in canaries[MAX_CANARIES:]:
        assert told(world, left_out.name) == {"TooManyCanaries": 1}


def test_a_host_has_so_many_rules_of_canaries() -> None:
    paths = [f"/{n}" for n in range(400)]
    canaries = [canary(n, by_value(n), paths) for n in range(MAX_CANARIES)]
    world = world_of(of_paths("main", len(paths)), *canaries)
    plan = plan_of(world)
    assert len(plan.rules) <= MAX_ROUTES_OF_HOST // 2 + len(paths), "two backends each"
    assert asked_by(plan)["main"] == len(paths)
    assert told(world, canaries[0].name) == {}
    assert told(world, canaries[-1].name) == {"TooManyCanaries": 1}


def test_a_path_has_so_many_patterns_and_more_canaries_without() -> None:
    patterns = [canary(n, by_pattern(n)) for n in range(MAX_PATTERNS + 1)]
    also_by_cookie = {**by_pattern(98), "canary-by-cookie": "stage"}
    young = [canary(98, also_by_cookie), canary(99, by_value(99))]
    world = world_of(of_paths("main", 1), *patterns, *young)
    asked = asked_by(plan_of(world))
    assert sum(rule.conditions[0].instructions > 0 for rule in plan_of(world).rules[:-1]) == (
        MAX_PATTERNS
    )
    assert patterns[-1].name not in asked
    assert asked[young[0].name] == 1, "by its cookie"
    assert asked[young[1].name] == 1
    assert told(world, patterns[-1].name) == told(world, young[0].name) == {"TooManyPatterns": 1}


def test_a_host_has_so_many_instructions_of_patterns() -> None:
    cost = pattern("[ab]{190}", ".*(?:{}).*").instructions
    paths = [f"/{n}" for n in range(MAX_INSTRUCTIONS_OF_HOST // cost + 3)]
    made = canary(0, by_pattern(0, "[ab]{190}"), paths)
    world = world_of(of_paths("main", len(paths)), made)
    asked = asked_by(plan_of(world))
    assert asked[made.name] == MAX_INSTRUCTIONS_OF_HOST // cost
    (problem,) = plan_of(world).problems
    assert (problem.reason, problem.value) == ("TooManyPatterns", f"{HOST} Exact {paths[-3]}")
    assert problem.effect.endswith("; 2 more of this Ingress likewise")


def test_of_very_many_problems_of_a_reason_the_first_are_told_and_how_many_more() -> None:
    broken = of_paths("web", 250, below="no-slash").host("bad_host")
    world = world_of(broken)
    row = world.translator.tables.statuses.of_ingresses.rows[broken.ref()]
    counts = Counter(problem.reason for problem in row.problems)
    assert counts == {"InvalidPath": MAX_PROBLEMS + 1, "InvalidHost": 1}
    (more,) = (problem for problem in row.problems if not problem.key)
    assert more.value == f"{250 - MAX_PROBLEMS} more like these"


@pytest.mark.parametrize(
    "ingresses",
    [
        pytest.param([of_paths("web", 1000).annotate(destinations(4000))], id="paths-and-lines"),
        pytest.param([of_paths("web", 1000).annotate(destinations(64))], id="paths-and-some-lines"),
        pytest.param(
            [of_paths("web", 100).annotate({**destinations(64), **labels(32)})],
            id="paths-lines-and-labels",
        ),
        pytest.param(
            [
                of_paths("main", 100).annotate(destinations(30)),
                *(
                    canary(n, by_value(n), [f"/{n}" for n in range(100)]).annotate(destinations(30))
                    for n in range(20)
                ),
            ],
            id="paths-canaries-lines-and-lines",
        ),
    ],
)
def test_what_lists_multiply_stays_small(ingresses: Sequence[IngressBuilder]) -> None:
    world = world_of(*ingresses)
    resources = world.snapshots["mse/gw"].items()
    sizes = {key: len(resource.body) for key, resource in resources}
    assert sizes[TypeUrl.SCOPED_ROUTE, f"mse|{HOST}"] < 3_000_000
    clusters = [size for (kind, _), size in sizes.items() if kind is TypeUrl.CLUSTER]
    assert sum(clusters) < 1_000_000


def long_query() -> dict[str, str]:
    return {f"{MSE}exact-match-query-x{n}": "!" * 512 for n in range(8)}


def test_long_values_of_conditions_count_as_rules() -> None:
    longer = MAX_CONDITION_TEXT // CONDITION_TEXT_OF_RULE
    ages = ("2020", "2021", "2022")
    old, middle, young = (
        of_paths(f"of-{year}", 150, below=f"/{year}")
        .annotate(long_query())
        .created(f"{year}-01-01T00:00:00Z")
        for year in ages
    )
    world = world_of(young, middle, old)
    left = MAX_ROUTES_OF_HOST // longer - 300
    assert asked_by(plan_of(world)) == {"of-2020": 150, "of-2021": 150, "of-2022": left}
    assert told(world, "of-2022") == {"TooManyRules": 1}
    (table,) = (
        resource
        for key, resource in world.snapshots["mse/gw"].items()
        if key == (TypeUrl.SCOPED_ROUTE, f"mse|{HOST}")
    )
    assert len(table.body) < 15_000_000


@pytest.mark.parametrize(
    ("of_main", "of_canary"),
    [
        pytest.param({}, {"canary-by-query-value": "!" * MAX_CONDITION_TEXT}, id="its-own"),
        pytest.param(long_query(), {"canary-by-query-value": "1"}, id="those-of-the-main"),
    ],
)
def test_long_values_of_canaries_count_as_rules(
    of_main: Mapping[str, str], of_canary: Mapping[str, str]
) -> None:
    paths = [f"/{n}" for n in range(140)]
    own = {f"{MSE}{key}": text for key, text in of_canary.items()}
    canaries = [
        canary(n, {}, paths).annotate({**own, f"{MSE}canary-by-query": f"q{n}"}) for n in range(4)
    ]
    world = world_of(of_paths("main", len(paths)).annotate(of_main), *canaries)
    longer = MAX_CONDITION_TEXT // CONDITION_TEXT_OF_RULE
    plan = plan_of(world)
    assert len(plan.rules) <= MAX_ROUTES_OF_HOST // longer + len(paths)
    assert asked_by(plan)["main"] == len(paths)
    assert told(world, canaries[0].name) == {}
    assert told(world, canaries[-1].name) == {"TooManyCanaries": 1}


def weights(world: World, *manifests: Mapping[str, Any]) -> list[int]:
    """Return the weights that are announced for rows which these objects change."""
    changes = world.state.apply([upserted(manifest) for manifest in manifests])
    translation = Translation(world.translator, changes)
    found = []
    while translation.turn is None:
        found.append(translation.weight)
        translation.step()
    return found


def test_a_row_of_many_parts_is_announced() -> None:
    world = world_of()
    assert not any(weights(world, of_paths("web", 1).manifest))
    heavy = weights(world, of_paths("web", 100).annotate(destinations(50)).manifest)
    assert sum(weight >= 1000 for weight in heavy) == 5, (
        "the rules, the plan, its routes, its table, the status"
    )


def test_a_pattern_of_any_spelling_is_bounded() -> None:
    run = "/*/" + "?" * MAX_INSTRUCTIONS
    for parse in (pattern, lambda text: alb_path("ImplementationSpecific", text)):
        with pytest.raises(ValueError, match=f"at most {MAX_INSTRUCTIONS} instructions"):
            parse(run if parse is not pattern else "." * MAX_INSTRUCTIONS)
