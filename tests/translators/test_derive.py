"""Derived tables: the rows that a change computes again, and those that it leaves alone."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.graph.derive import FEW, STEP, Derived, Graph, Index, Input, View


@dataclass
class Orders:
    """A small graph: orders of customers, the total of each customer, and which are rich."""

    def __post_init__(self) -> None:
        self.graph = Graph()
        self.amounts = Input[str, tuple[str, int]](self.graph, "amounts")
        self.by_customer = Index(
            self.graph, "by customer", self.amounts, lambda _, row: (row[0],) if row[1] else ()
        )
        self.totals = Derived(self.graph, "totals", self.by_customer, self._total)
        self.rich = Derived(self.graph, "rich", self.totals, self._rich)

    def _total(self, view: View, customer: str) -> int:
        orders = view.group(self.by_customer, customer)
        return sum(view.must(self.amounts, order)[1] for order in orders)

    def _rich(self, view: View, customer: str) -> bool | None:
        return view.must(self.totals, customer) >= 100 or None

    def put(self, **orders: tuple[str, int] | None) -> dict[str, int]:
        """Apply orders, and return how many rows each table has computed for them."""
        before = dict(self.graph.computed())
        for key, row in orders.items():
            self.amounts.set(key, row)
        self.graph.update()
        self.changed = {"totals": set(self.totals.changed), "rich": set(self.rich.changed)}
        self.graph.end_turn()
        return {name: n - before[name] for name, n in self.graph.computed().items()}


def test_one_changed_row_computes_its_readers_alone() -> None:
    orders = Orders()
    orders.put(**{f"o{n}": (f"c{n}", 5) for n in range(100)})
    assert orders.put(o7=("c7", 6)) == {"totals": 1, "rich": 1}


def test_equal_row_computes_nothing() -> None:
    orders = Orders()
    orders.put(a=("ann", 5))
    assert orders.put(a=("ann", 5)) == {"totals": 0, "rich": 0}
    assert orders.changed == {"totals": set(), "rich": set()}


def test_equal_result_stops_there() -> None:
    orders = Orders()
    orders.put(a=("ann", 60), b=("ann", 40))
    assert orders.put(a=("ann", 40), b=("ann", 60)) == {"totals": 1, "rich": 0}


def test_row_computed_to_none_is_no_row() -> None:
    orders = Orders()
    orders.put(a=("ann", 5), b=("bob", 100))
    assert dict(orders.rich.rows) == {"bob": True}
    assert "ann" not in orders.rich


def test_row_vanishes_with_its_key_and_comes_back() -> None:
    orders = Orders()
    orders.put(a=("ann", 100))
    orders.put(a=None)
    assert orders.changed == {"totals": {"ann"}, "rich": {"ann"}}
    assert not orders.totals.rows
    assert not orders.rich.rows
    orders.put(a=("ann", 100))
    assert dict(orders.rich.rows) == {"ann": True}


def test_member_that_moves_between_groups_touches_both_only() -> None:
    orders = Orders()
    orders.put(a=("ann", 1), b=("bob", 2), c=("cid", 3))
    assert orders.put(a=("bob", 1)) == {"totals": 1, "rich": 1}  # the group of ann is gone
    assert dict(orders.totals.rows) == {"bob": 3, "cid": 3}


def test_group_is_sorted_and_empty_where_there_is_none() -> None:
    orders = Orders()
    orders.put(z=("ann", 1), a=("ann", 1), m=("ann", 1))
    assert orders.by_customer.get("ann") == ("a", "m", "z")
    assert View().group(orders.by_customer, "nobody") == ()


def test_a_turn_in_steps_pauses_after_a_few_rows_and_before_a_heavy_one() -> None:
    orders = Orders()
    for n in range(10 * STEP):
        orders.amounts.set(f"o{n}", (f"c{n}", 100))
    assert list(orders.graph.steps()) == [0] * 30, "of the index, of totals, of rich"
    assert len(orders.rich.rows) == 10 * STEP

    graph = Graph()
    numbers = Input[int, int](graph, "numbers")
    Derived(graph, "heavy", numbers, lambda view, k: view.must(numbers, k), lambda k: k)
    for number in (1, STEP - 1, STEP, 500):
        numbers.set(number, number)
    assert sorted(graph.steps()) == [STEP, 500]


def test_absent_row_is_read_and_awaited() -> None:
    graph = Graph()
    names = Input[str, str](graph, "names")
    keys = Input[str, bool](graph, "keys")

    def greet(view: View, key: str) -> str:
        name = view.get(names, key)
        return f"hi {name}"

    greetings = Derived(graph, "greetings", keys, greet)
    keys.set("a", row=True)
    graph.update()
    assert greetings.get("a") == "hi None"
    names.set("a", "Ann")
    graph.update()
    assert greetings.get("a") == "hi Ann"


def test_a_computation_that_raises_costs_its_own_row_alone() -> None:
    failures: list[tuple[str, object, str]] = []
    graph = Graph(lambda table, key, error: failures.append((table, key, str(error))))
    numbers = Input[str, int](graph, "numbers")
    inverses = Derived(graph, "inverses", numbers, lambda view, k: 10 // view.must(numbers, k))
    for key, number in {"a": 1, "b": 2, "c": 0}.items():
        numbers.set(key, number)
    graph.update()
    graph.end_turn()
    assert dict(inverses.rows) == {"a": 10, "b": 5}
    numbers.set("a", 0)
    numbers.set("b", 1)
    numbers.set("c", 5)
    graph.update()
    graph.end_turn()
    assert dict(inverses.rows) == {"a": 10, "b": 10, "c": 2}
    assert [(table, key) for table, key, _ in failures] == [("inverses", "c"), ("inverses", "a")]
    assert "by zero" in failures[0][2]
    numbers.set("a", 2)
    graph.update()
    assert inverses.get("a") == 5


def test_a_computation_that_raises_is_raised_where_nobody_is_told() -> None:
    graph = Graph()
    numbers = Input[str, int](graph, "numbers")
    Derived(graph, "inverses", numbers, lambda view, k: 10 // view.must(numbers, k))
    numbers.set("a", 0)
    with pytest.raises(ZeroDivisionError):
        graph.update()


def test_a_row_with_few_neighbours_costs_little_memory() -> None:
    """Most rows of a fleet read two others, and are read by one."""
    orders = Orders()
    orders.put(**{f"warm{n}": (f"w{n}", 5) for n in range(10)})
    tracemalloc.start()
    try:
        orders.put(**{f"o{n}": (f"c{n}", 5) for n in range(5000)})
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / 5000 < 1300, "bytes of an order with its customer, three rows and their keys"


def test_row_forgets_what_it_no_longer_reads() -> None:
    graph = Graph()
    switch = Input[str, str](graph, "switch")
    values = Input[str, int](graph, "values")
    chosen = Derived(
        graph, "chosen", switch, lambda view, k: view.must(values, view.must(switch, k))
    )
    switch.set("s", "a")
    values.set("a", 1)
    values.set("b", 2)
    graph.update()
    graph.end_turn()
    switch.set("s", "b")
    graph.update()
    graph.end_turn()
    before = chosen.computed
    values.set("a", 10)
    graph.update()
    assert (chosen.computed, chosen.get("s")) == (before, 2)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abcdefgh"),
            st.none() | st.tuples(st.sampled_from(["ann", "bob", "cid"]), st.integers(0, 60)),
        )
    )
)
def test_incremental_equals_from_scratch(
    turns: list[dict[str, tuple[str, int] | None]],
) -> None:
    step_by_step, at_once = Orders(), Orders()
    final: dict[str, tuple[str, int] | None] = {}
    for turn in turns:
        step_by_step.put(**turn)
        final |= turn
    at_once.put(**final)
    assert step_by_step.totals.rows == at_once.totals.rows
    assert step_by_step.rich.rows == at_once.rich.rows


def test_the_first_of_a_group_are_the_same_whether_or_not_all_are_sorted() -> None:
    orders = Orders()
    orders.put(**{f"o{n:02}": ("ann", 5) for n in range(20)})
    few = orders.by_customer.first("ann", 3)
    assert few == ("o00", "o01", "o02") == (orders.by_customer.get("ann") or ())[:3]
    assert few == orders.by_customer.first("ann", 3)
    assert (orders.by_customer.size("ann"), set(orders.by_customer.groups)) == (20, {"ann"})
    assert orders.by_customer.first("bob", 3) == ()


@pytest.mark.parametrize("count", [1, 2, FEW, FEW + 1, 3 * FEW])
def test_each_of_many_readers_is_told_until_it_reads_no_more(count: int) -> None:
    graph = Graph()
    switch = Input[str, bool](graph, "switch")
    names = Input[int, int](graph, "names")
    value = Input[str, int](graph, "value")

    def read(view: View, _: int) -> int | None:
        return view.get(value, "v") if view.get(switch, "on") else None

    rows = Derived(graph, "rows", names, read)
    switch.set("on", True)
    for name in range(count):
        names.set(name, 1)
    graph.update()
    graph.end_turn()

    value.set("v", 7)
    graph.update()
    assert set(rows.rows.values()) == {7}
    graph.end_turn()

    switch.set("on", False)
    graph.update()
    graph.end_turn()
    before = rows.computed
    value.set("v", 8)
    graph.update()
    assert rows.computed == before


def test_a_turn_visits_only_tables_that_may_change() -> None:
    graph = Graph()
    visited: list[str] = []

    class Watched(Index[int, str, int]):
        def settle(self) -> Iterable[int]:
            visited.append(self.name)
            return super().settle()

    one, two = Input[str, int](graph, "one"), Input[str, int](graph, "two")
    Watched(graph, "of one", one, lambda _, row: (row,))
    Watched(graph, "of two", two, lambda _, row: (row,))
    one.set("a", 1)
    graph.update()
    graph.end_turn()
    assert visited == ["of one"]
    graph.update()
    assert visited == ["of one"]
