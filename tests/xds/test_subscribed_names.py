"""Clients share sets of names, and each client has names of its own all the same."""

import weakref
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.subscribed_names import NamePool, SubscribedNames

MANY = [f"cluster-{number}" for number in range(5000)]


def test_clients_that_ask_for_the_same_share_one_set() -> None:
    pool = NamePool()
    first, second = SubscribedNames(pool), SubscribedNames(pool)
    first.add(MANY)
    second.add(["".join(name) for name in reversed(MANY)])
    assert first.shared is second.shared is not None


def test_what_one_client_changes_is_not_the_others() -> None:
    pool = NamePool()
    first, second = SubscribedNames(pool), SubscribedNames(pool)
    for names in (first, second):
        names.add(MANY)
    first.add(["new"])
    second.remove([MANY[0]])
    assert ("new" in first, "new" in second) == (True, False)
    assert (MANY[0] in first, MANY[0] in second) == (True, False)
    assert (len(first), len(second)) == (5001, 4999)


def test_a_set_that_no_client_has_is_forgotten() -> None:
    names = SubscribedNames(NamePool())
    names.add(MANY)
    assert names.shared is not None
    shared = weakref.ref(names.shared)
    del names
    assert shared() is None


class CountingPool(NamePool):
    """Counts the names of which shared sets are made."""

    def __init__(self) -> None:
        super().__init__()
        self.work = 0

    def share(self, names: Iterable[str]) -> frozenset[str]:
        found = super().share(names)
        self.work += len(found)
        return found


STEPS = {
    "all-at-once": [("add", MANY), ("remove", MANY)],
    "some-at-a-time": [
        (verb, MANY[at : at + 50]) for verb in ("add", "remove") for at in range(0, len(MANY), 50)
    ],
    "the-same-again-and-again": [
        ("add", MANY),
        *[(verb, [f"x{number}" for number in range(70)]) for verb in ("add", "remove")]
        * (len(MANY) // 140),
    ],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
def test_the_work_for_names_follows_their_number(steps: list[tuple[str, list[str]]]) -> None:
    names = SubscribedNames(pool := CountingPool())
    for verb, some in steps:
        (names.add if verb == "add" else names.remove)(some)
    assert pool.work <= 40 * len(MANY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove"]),
            st.lists(st.sampled_from(MANY[:200]), max_size=120),
        ),
        max_size=12,
    )
)
def test_they_are_a_set(steps: list[tuple[str, list[str]]]) -> None:
    names, plain = SubscribedNames(NamePool()), set[str]()
    for verb, some in steps:
        if verb == "add":
            names.add(some)
            plain |= set(some)
        else:
            names.remove(some)
            plain -= set(some)
        assert set(names) == plain
        assert len(names) == len(list(names)) == len(plain)
        assert all((name in names) == (name in plain) for name in MANY[:200])
