"""The start waits for the hub, and for every member that was named."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from fleet.events import Deleted, Event, Listed, Members, Refused, Unreachable, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.roll_call import RollCall
from tests.support.builders import ingress

SHOP = Upserted(Ref(HUB, "Ingress", "default", "shop"), ingress("shop").model())
IN_C1 = Deleted(Ref("c1", "Service", "default", "cart"))
HUB_LISTED, HUB_LOST = Listed(HUB), Unreachable(HUB, "no answer")
HUB_REMEMBERED = Unreachable(HUB, "no answer", since=datetime(2026, 1, 31, 12, tzinfo=UTC))
C1_LISTED, C1_LOST = Listed("c1"), Unreachable("c1", "no answer")


def called(events: Sequence[Event]) -> RollCall:
    roll_call = RollCall()
    for event in events:
        roll_call.note([event])
    return roll_call


@pytest.mark.parametrize(
    ("events", "knows"),
    [
        pytest.param([], False, id="nothing-said"),
        pytest.param([SHOP], False, id="its-objects-alone"),
        pytest.param([HUB_LISTED], True, id="listed"),
        pytest.param([HUB_LOST], False, id="lost-and-nothing-remembered"),
        pytest.param([SHOP, HUB_LOST], False, id="lost-halfway"),
        pytest.param([SHOP, HUB_REMEMBERED], True, id="lost-and-remembered"),
        pytest.param([HUB_LOST, Refused(SHOP.ref, ())], False, id="lost-and-only-a-complaint"),
        pytest.param([C1_LISTED, IN_C1], False, id="only-a-member"),
    ],
)
def test_the_hub_is_known_once_it_has_listed_or_is_remembered(
    events: Sequence[Event], *, knows: bool
) -> None:
    assert called(events).knows_hub is knows


@pytest.mark.parametrize(
    ("events", "missing"),
    [
        pytest.param([HUB_LISTED], [], id="no-member"),
        pytest.param([HUB_LISTED, Members(frozenset({"c2", "c1"}))], ["c1", "c2"], id="named"),
        pytest.param([HUB_LISTED, IN_C1], ["c1"], id="heard-of-by-an-object"),
        pytest.param([HUB_LISTED, IN_C1, C1_LISTED], [], id="listed"),
        pytest.param([HUB_LISTED, C1_LOST, IN_C1], [], id="lost"),
        pytest.param([HUB_LISTED, IN_C1, Members(frozenset())], [], id="remembered-and-gone"),
        pytest.param([SHOP, Members(frozenset({"c1"})), C1_LISTED], [HUB], id="the-hub-itself"),
    ],
)
def test_a_member_that_is_named_is_missing_until_it_answers(
    events: Sequence[Event], missing: list[str]
) -> None:
    roll_call = called(events)
    assert roll_call.missing == missing
    assert roll_call.is_complete is (roll_call.knows_hub and not missing)


def test_events_of_a_list_count_as_one_by_one() -> None:
    roll_call = RollCall()
    roll_call.note([HUB_LISTED, IN_C1, C1_LISTED])
    assert roll_call.is_complete
