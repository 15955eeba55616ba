"""The names of many clients are kept once, and are each client's own all the same."""

from hypothesis import given
from hypothesis import strategies as st

from xds.subscribed_names import NamePool, SubscribedNames

MANY = [f"cluster-{number}" for number in range(1000)]


def test_clients_that_ask_for_the_same_share_one_set() -> None:
    pool = NamePool()
    first, second = SubscribedNames(pool), SubscribedNames(pool)
    first.add(MANY)
    second.add(["".join(name) for name in reversed(MANY)])
    assert first._shared is second._shared
    assert not first._added


def test_what_one_client_changes_is_not_the_others() -> None:
    pool = NamePool()
    first, second = SubscribedNames(pool), SubscribedNames(pool)
    for names in (first, second):
        names.add(MANY)
    first.add(["new"])
    second.remove([MANY[0]])
    assert ("new" in first, "new" in second) == (True, False)
    assert (MANY[0] in first, MANY[0] in second) == (True, False)
    assert (len(first), len(second)) == (1001, 999)


def test_a_set_that_nobody_has_is_forgotten() -> None:
    pool = NamePool()
    names = SubscribedNames(pool)
    names.add(MANY)
    assert len(pool._sets) == 1
    del names
    assert len(pool._sets) == 0


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
