"""Events of sources are merged into tables, and the differences are given back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fleet.events import Awaited, Deleted, Event, Listed, Members, Refused, Unreachable, Upserted
from fleet.models import Ingress, Service
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import Changes, FleetState, Origin
from tests.support.builders import ingress, service

SHOP = ingress("shop", host="example.com")
NEWER = SHOP.path("/", to="shop:80")
CART = service("cart")
PROBLEM = Problem(SHOP.ref(), "InvalidField", "spec", "5", "a mapping of fields")

PUT = Upserted(SHOP.ref(), SHOP.model())
PUT_NEWER = Upserted(SHOP.ref(), NEWER.model())
PUT_WITH_PROBLEM = Upserted(SHOP.ref(), SHOP.model(), (PROBLEM,))
REFUSED = Refused(SHOP.ref(), (PROBLEM,))
DELETED = Deleted(SHOP.ref())

VALUE = Changes(objects={Ingress: frozenset({SHOP.ref()})})
PROBLEMS = Changes(problems=frozenset({SHOP.ref()}))
BOTH = Changes(objects=VALUE.objects, problems=PROBLEMS.problems)
NOTHING = Changes()


@pytest.mark.parametrize(
    ("before", "events", "changes"),
    [
        pytest.param([], [PUT], VALUE, id="new"),
        pytest.param([PUT], [PUT], NOTHING, id="equal-again"),
        pytest.param([PUT], [PUT_NEWER], VALUE, id="other-value"),
        pytest.param([PUT], [DELETED], VALUE, id="deleted"),
        pytest.param([], [DELETED], NOTHING, id="deleted-unknown"),
        pytest.param([], [PUT, DELETED], NOTHING, id="come-and-gone"),
        pytest.param([PUT], [DELETED, PUT], NOTHING, id="gone-and-back"),
        pytest.param([PUT], [PUT_NEWER, PUT], NOTHING, id="changed-and-back"),
        pytest.param([PUT], [PUT_WITH_PROBLEM], PROBLEMS, id="equal-with-a-problem"),
        pytest.param([PUT_WITH_PROBLEM], [PUT_WITH_PROBLEM], NOTHING, id="same-problem-again"),
        pytest.param([PUT_WITH_PROBLEM], [PUT], PROBLEMS, id="problem-solved"),
        pytest.param([PUT_WITH_PROBLEM], [DELETED], BOTH, id="gone-with-its-problem"),
        pytest.param([PUT], [REFUSED], PROBLEMS, id="refused"),
        pytest.param([REFUSED], [PUT], BOTH, id="good-after-refused"),
        pytest.param([REFUSED], [Refused(SHOP.ref(), ())], PROBLEMS, id="complaint-settled"),
    ],
)
def test_changes_are_what_differs(
    before: list[Event], events: list[Event], changes: Changes
) -> None:
    state = FleetState()
    state.apply(before)
    assert state.apply(events) == changes


AWAITED = Awaited(SHOP.ref())
BEGUN = Changes(awaited=frozenset({SHOP.ref()}))


@pytest.mark.parametrize(
    ("before", "events", "changes", "is_awaited"),
    [
        pytest.param([], [AWAITED], BEGUN, True, id="begun"),
        pytest.param([AWAITED], [AWAITED], NOTHING, True, id="begun-again"),
        pytest.param([AWAITED], [PUT], replace(VALUE, awaited=BEGUN.awaited), False, id="found"),
        pytest.param([AWAITED], [DELETED], BEGUN, False, id="not-there"),
        pytest.param(
            [AWAITED], [REFUSED], replace(PROBLEMS, awaited=BEGUN.awaited), False, id="refused"
        ),
        pytest.param([], [AWAITED, DELETED], NOTHING, False, id="begun-and-ended"),
        pytest.param([PUT], [AWAITED], BEGUN, True, id="what-is-known-stays"),
        pytest.param([AWAITED], [Listed(HUB)], Changes(origins=frozenset({HUB})), True, id="other"),
    ],
)
def test_an_object_is_awaited_until_its_outcome_is_known(
    before: list[Event], events: list[Event], changes: Changes, *, is_awaited: bool
) -> None:
    state = FleetState()
    state.apply(before)
    assert state.apply(events) == changes
    assert (SHOP.ref() in state.awaited) == is_awaited
    assert (SHOP.ref() in state.table(Ingress)) == (PUT in [*before, *events])


def test_changes_are_told_apart_by_model() -> None:
    changes = FleetState().apply([PUT, Upserted(CART.ref("one"), CART.model())])
    assert changes.objects == {
        Ingress: frozenset({SHOP.ref()}),
        Service: frozenset({CART.ref("one")}),
    }


def test_a_refused_object_keeps_its_last_good_value() -> None:
    state = FleetState()
    state.apply([PUT, REFUSED])
    assert state.table(Ingress) == {SHOP.ref(): SHOP.model()}
    assert state.problems == {SHOP.ref(): (PROBLEM,)}
    assert state.refused == {SHOP.ref()}


def test_the_next_good_version_takes_the_complaint_away() -> None:
    state = FleetState()
    state.apply([PUT, REFUSED, PUT_NEWER])
    assert state.table(Ingress) == {SHOP.ref(): NEWER.model()}
    assert not state.problems
    assert not state.refused


def test_a_deleted_object_leaves_nothing_behind() -> None:
    state = FleetState()
    state.apply([PUT, REFUSED, DELETED])
    assert not state.table(Ingress)
    assert not state.problems
    assert not state.refused


def test_files_have_problems_without_being_objects() -> None:
    file = Ref(HUB, "File", "", "hub/x.yaml")
    problem = Problem(file, "UnreadableFile", "", "", "YAML")
    state = FleetState()
    assert state.apply([Refused(file, (problem,))]) == Changes(problems=frozenset({file}))
    assert state.problems == {file: (problem,)}
    assert state.apply([Refused(file, ())]) == Changes(problems=frozenset({file}))
    assert not state.problems


def test_tables_are_live_views() -> None:
    state = FleetState()
    table = state.table(Ingress)
    state.apply([PUT])
    assert table == {SHOP.ref(): SHOP.model()}


# -- origins -------------------------------------------------------------------------------------

ONE = Changes(origins=frozenset({"one"}))


@pytest.mark.parametrize(
    ("before", "event", "changes", "origin"),
    [
        pytest.param([], Listed("one"), ONE, Origin(listed=True), id="listed"),
        pytest.param([Listed("one")], Listed("one"), NOTHING, Origin(listed=True), id="again"),
        pytest.param(
            [Listed("one")], Unreachable("one", "x"), ONE, Origin(True, False, "x"), id="lost"
        ),
        pytest.param(
            [Unreachable("one", "x")],
            Unreachable("one", "y"),
            ONE,
            Origin(False, False, "y"),
            id="lost-for-another-reason",
        ),
        pytest.param(
            [Listed("one"), Unreachable("one", "x")],
            Listed("one"),
            ONE,
            Origin(listed=True),
            id="back",
        ),
    ],
)
def test_origins_are_listed_or_lost(
    before: list[Event], event: Event, changes: Changes, origin: Origin
) -> None:
    state = FleetState()
    state.apply(before)
    assert state.apply([event]) == changes
    assert state.origins == {"one": origin}


def test_a_lost_origin_keeps_its_objects() -> None:
    state = FleetState()
    state.apply([Upserted(CART.ref("one"), CART.model()), Listed("one")])
    state.apply([Unreachable("one", "x")])
    assert state.table(Service) == {CART.ref("one"): CART.model()}


def test_a_lost_origin_says_since_when_it_is_lost() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    times = iter([noon, noon + timedelta(hours=1)])
    state = FleetState(lambda: next(times))
    state.apply([Listed("one"), Unreachable("one", "x")])
    state.apply([Unreachable("one", "y")])
    assert state.origins["one"] == Origin(True, False, "y", noon)
    state.apply([Listed("one")])
    assert state.origins["one"] == Origin(listed=True)
    state.apply([Unreachable("one", "x")])
    assert state.origins["one"].since == noon + timedelta(hours=1)


def test_an_origin_lost_before_the_process_began_says_since_when() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    state = FleetState(lambda: noon + timedelta(days=1))
    state.apply([Unreachable("one", "x", since=noon)])
    assert state.origins["one"].since == noon
    state.apply([Unreachable("one", "y")])
    assert state.origins["one"].since == noon


def test_a_member_that_is_removed_leaves_nothing_behind() -> None:
    state = FleetState()
    one, two = (Upserted(CART.ref(name), CART.model(), ()) for name in ("one", "two"))
    bad = Ref("one", "Service", "default", "bad")
    complaint = Refused(bad, (Problem(bad, "InvalidField", "spec", "5", "a mapping of fields"),))
    state.apply([PUT, Listed(HUB), one, complaint, Listed("one"), two, Listed("two")])
    assert state.apply([Members(frozenset({"two", "three"}))]) == Changes(
        objects={Service: frozenset({CART.ref("one")})},
        problems=frozenset({bad}),
        origins=frozenset({"one", "three"}),
    )
    assert state.table(Service) == {CART.ref("two"): CART.model()}
    assert state.table(Ingress) == {SHOP.ref(): SHOP.model()}
    assert state.origins.keys() == {HUB, "two", "three"}
    assert not state.problems
    assert not state.refused
    assert state.apply([Members(frozenset({"two", "three"}))]) == NOTHING


def test_a_member_that_is_named_is_known_before_it_has_listed() -> None:
    state = FleetState()
    state.apply([Members(frozenset({"one"}))])
    assert state.origins["one"] == Origin(listed=False, reachable=True)
