"""Derived tables: every row is a function of the rows that it reads.

    Input ──▶ Index ──▶ Derived ──▶ Derived ...      (tables in the order of their creation)

A derived row is `compute(view, key)`. The view records what the computation reads, so that the row
runs again only when its own key or something that it read has changed; a result equal to the row
before stops there. Nothing is invalidated by hand and nothing is stated twice.

How a turn works. `Input.set` notes which keys differ. `Graph.update` then visits the tables in the
order in which they were made. A table may read only tables made before it, so when its turn comes
everything below it is settled: each row is computed at most once a turn, and no row ever sees a
half-updated world. While a table is visited, its changed keys mark their readers dirty; the readers
stand further down the order and are met later in the same turn. `Graph.steps` runs the same turn in
steps of a few rows. A row of many parts is a step of its own, announced before it is computed. The
caller may do other work between steps, but must not read a table before the last one.

The domain of a derived table is another table, which gives the keys. A row exists while its key is
in the domain; the domain's row counts only if the computation reads it. An `Index` groups the rows
of a table by the keys that `of(key, row)` names, and is itself a table of sorted tuples. The usual
domain is an index ("every host that an Ingress names").

A computation that raises is a mistake of ours, never a user's. The graph passes the exception to
`on_failure`, and the row stays as it was until something that it has read changes. So one mistake
costs one row, and not the fleet. Without `on_failure` the exception is raised.

Costs: one changed row costs its readers, not the size of the table. A group is sorted when it is
read after a change, O(n log n) of that group, so nothing should read a group that grows with the
fleet. Most groups have one member and most rows one reader, and these are kept without a set of
their own: a fleet of 5000 hosts has a hundred thousand of them. A few readers are kept as a list.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from heapq import nsmallest
from typing import Any, Final, Generic, TypeAlias, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
G = TypeVar("G", bound=Hashable)
Reader: TypeAlias = tuple["Derived[Any, Any]", Hashable]
"""A row of a derived table: its table and its key."""
OnFailure: TypeAlias = Callable[[str, Hashable, Exception], None]
"""Takes a table's name, the key of a row, and what its computation raised."""

STEP: Final = 16
"""The number of rows in a step of a turn, and of parts that make a row a step of its own.

Either takes about a millisecond."""

FEW: Final = 8
"""Up to so many readers of a row are a list, which takes 150 bytes less than a dictionary."""


class Table(ABC, Generic[K, V]):
    """Rows by key, and their readers. `changed` holds the keys that have changed in this turn.

    `dirty` holds the keys of rows to compute anew. A table changes in a turn only if it is dirty or
    `above`, the changes of the table that it takes its keys from, has some.
    """

    def __init__(self, graph: "Graph", name: str, above: Set[Any] | None = None) -> None:
        self.name = name
        self.changed: set[K] = set()
        self.dirty: set[K] = set()
        self.above: Set[Any] = self.changed if above is None else above
        self._readers: dict[K, Reader | list[Reader] | dict[Reader, None]] = {}
        graph.add(self)

    @abstractmethod
    def get(self, key: K) -> V | None:
        """The row as of the last turn; outside of computations only (`View.get` records)."""

    @abstractmethod
    def __contains__(self, key: K) -> bool: ...

    def settle(self) -> Iterable[int]:
        """Bring the rows up to date with the tables before this one.

        Yields at the end of a step. Before a row of many parts, it yields their number.
        """
        return ()

    def tell_readers(self) -> None:
        """Mark every row dirty that has read a key that changed."""
        for key in self.changed:
            readers = self._readers.get(key)
            if readers is None:
                continue
            for table, cell in [readers] if isinstance(readers, tuple) else readers:
                table.dirty.add(cell)

    def listen(self, key: K, reader: Reader) -> None:
        """Note that a row depends on this key. A repetition changes nothing."""
        readers = self._readers.get(key)
        if readers is None:
            self._readers[key] = reader
        elif isinstance(readers, dict):
            readers[reader] = None
        elif isinstance(readers, tuple):
            if readers != reader:
                self._readers[key] = [readers, reader]
        elif reader not in readers:
            if len(readers) < FEW:
                readers.append(reader)
            else:
                self._readers[key] = dict.fromkeys((*readers, reader))

    def forget(self, key: K, reader: Reader) -> None:
        """Note that a row depends on this key no more."""
        readers = self._readers[key]
        if isinstance(readers, dict):
            del readers[reader]
        elif isinstance(readers, list):
            readers.remove(reader)
        if isinstance(readers, tuple) or not readers:
            del self._readers[key]


class _Stored(Table[K, V]):
    """A table that keeps its rows."""

    def __init__(self, graph: "Graph", name: str, above: Set[Any] | None = None) -> None:
        super().__init__(graph, name, above)
        self._rows: dict[K, V] = {}

    @property
    def rows(self) -> Mapping[K, V]:
        """All rows as of the last turn."""
        return self._rows

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def _store(self, key: K, row: V | None) -> None:
        """Keep the row, or drop it where it is None; an equal row is no change."""
        if row is None:
            if self._rows.pop(key, None) is not None:
                self.changed.add(key)
        elif self._rows.get(key) != row:
            self._rows[key] = row
            self.changed.add(key)


class Input(_Stored[K, V]):
    """Rows from outside."""

    def set(self, key: K, row: V | None) -> None:
        """Set a row, or remove it if it is None. The next `Graph.update` takes note of it."""
        self._store(key, row)


class Index(Table[G, tuple[K, ...]], Generic[G, K, V]):
    """The keys of a table's rows, grouped; a group without members does not exist."""

    def __init__(
        self,
        graph: "Graph",
        name: str,
        source: _Stored[K, V],
        of: Callable[[K, V], Iterable[G]],
    ) -> None:
        super().__init__(graph, name, source.changed)
        self._source = source.rows
        self._of = of
        self._groups_of: dict[K, tuple[G, ...]] = {}
        self._members: dict[G, tuple[K] | set[K]] = {}
        self._sorted: dict[G, tuple[K, ...]] = {}

    def get(self, key: G) -> tuple[K, ...] | None:
        """The members of the group, sorted."""
        members = self._members.get(key)
        if members is None or isinstance(members, tuple):
            return members
        if key not in self._sorted:
            self._sorted[key] = tuple(sorted(members))  # type: ignore[type-var]  # keys that are grouped are ordered
        return self._sorted[key]

    def first(self, key: G, most: int) -> tuple[K, ...]:
        """The first members of the group. O(members) where there are more of them."""
        members = self._members.get(key, ())
        if key in self._sorted or len(members) <= most:
            return (self.get(key) or ())[:most]
        return tuple(nsmallest(most, members))  # type: ignore[type-var]  # as above

    def size(self, key: G) -> int:
        """How many members the group has."""
        return len(self._members.get(key, ()))

    @property
    def groups(self) -> Set[G]:
        """The groups that exist; a live view."""
        return self._members.keys()

    def __contains__(self, key: G) -> bool:
        return key in self._members

    def settle(self) -> Iterable[int]:
        """Put the rows that have changed into their groups."""
        if len(self.above) >= STEP:
            return self._in_steps()
        for key in self.above:
            self._move(key)
        return ()

    def _in_steps(self) -> Iterator[int]:
        for number, key in enumerate(self.above):
            if number % STEP == STEP - 1:
                yield 0
            self._move(key)

    def _move(self, key: K) -> None:
        """Move a key whose row has changed to the groups that it belongs to now."""
        row = self._source.get(key)
        before = self._groups_of.get(key, ())
        now = () if row is None else tuple(self._of(key, row))
        if now == before:
            return
        for group in set(before).difference(now):
            self._leave(group, key)
        for group in set(now).difference(before):
            self._join(group, key)
        if now:
            self._groups_of[key] = now
        else:
            del self._groups_of[key]

    def _join(self, group: G, key: K) -> None:
        members = self._members.get(group)
        if members is None:
            self._members[group] = (key,)
        elif isinstance(members, tuple):
            self._members[group] = {*members, key}
        else:
            members.add(key)
        self._regroup(group)

    def _leave(self, group: G, key: K) -> None:
        members = self._members[group]
        if isinstance(members, set):
            members.discard(key)
        if isinstance(members, tuple) or not members:
            del self._members[group]
        self._regroup(group)

    def _regroup(self, group: G) -> None:
        self._sorted.pop(group, None)
        self.changed.add(group)


class View:
    """The access of a computation to the tables. `reads` records what it has read."""

    def __init__(self) -> None:
        self.reads: dict[tuple[Table[Any, Any], Any], None] = {}

    def get(self, table: Table[K, V], key: K) -> V | None:
        """Return the row, or None if there is none. Either way the read is recorded."""
        self.reads[table, key] = None
        return table.get(key)

    def must(self, table: Table[K, V], key: K) -> V:
        """Return a row that must exist because the reader's own row does. A KeyError is a bug."""
        row = self.get(table, key)
        if row is None:
            raise KeyError(f"{table.name} has no row {key!r}")
        return row

    def group(self, index: Index[G, K, V], key: G) -> tuple[K, ...]:
        """The members of a group, sorted; () where there is no such group."""
        return self.get(index, key) or ()


class Derived(_Stored[K, V]):
    """Rows made from other tables' rows. `computed` counts computations since the start.

    `weigh` estimates the number of parts of a row, for tables whose rows may have many.
    """

    def __init__(
        self,
        graph: "Graph",
        name: str,
        domain: Table[K, Any],  # any row type: only the keys count
        compute: Callable[[View, K], V | None],
        weigh: Callable[[K], int] | None = None,
    ) -> None:
        super().__init__(graph, name, domain.changed)
        self._graph = graph
        self._weigh = weigh
        self.computed = 0
        self._domain = domain
        self._compute = compute
        self._reads: dict[K, tuple[Any, ...]] = {}  # of each row: table, key, table, key, ...

    def settle(self) -> Iterable[int]:
        """Compute the dirty rows, and those of keys that are new in the domain."""
        for key in self._domain.changed:
            if (key in self._domain) != (key in self._reads):
                self.dirty.add(key)
        for number, key in enumerate(self.dirty):
            view = View()
            row = None
            parts = self._weigh(key) if self._weigh else 0
            if parts >= STEP or number % STEP == STEP - 1:
                yield parts
            if key in self._domain:
                try:
                    row = self._compute(view, key)
                except Exception as e:  # noqa: BLE001 (a computation may raise anything)
                    self._graph.fail(self.name, key, e)
                    row = self._rows.get(key)
                self.computed += 1
                self._record(key, view.reads)
            else:
                self._record(key, {})
                self._reads.pop(key, None)
            self._store(key, row)
        self.dirty.clear()

    def _record(self, key: K, reads: dict[tuple[Table[Any, Any], Any], None]) -> None:
        flat = self._reads.get(key, ())
        before = dict.fromkeys(zip(flat[::2], flat[1::2], strict=True))
        if before == reads and key in self._reads:
            return
        reader: Reader = (self, key)
        for table, cell in before:
            if (table, cell) not in reads:
                table.forget(cell, reader)
        for table, cell in reads:
            if (table, cell) not in before:
                table.listen(cell, reader)
        self._reads[key] = tuple(part for read in reads for part in read)


class Graph:
    """The tables, in the order in which they are brought up to date."""

    def __init__(self, on_failure: OnFailure | None = None) -> None:
        self._tables: list[Table[Any, Any]] = []
        self._changed: list[Table[Any, Any]] = []
        self._on_failure = on_failure

    def add(self, table: Table[Any, Any]) -> None:
        """Put a table at the end of the order; tables do this themselves."""
        self._tables.append(table)

    def update(self) -> None:
        """Run one turn; `changed` of every table then says what the turn changed."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[int]:
        """Run one turn in steps. Nothing may be put in or read until the last one.

        Yields at the end of a step. Before a row of many parts, it yields their number.
        """
        for table in self._tables:
            if not table.above and not table.dirty:
                continue
            yield from table.settle()
            if table.changed:
                self._changed.append(table)
                table.tell_readers()

    def fail(self, table: str, key: Hashable, error: Exception) -> None:
        """Report the exception of a computation, or raise it if nobody takes reports."""
        if self._on_failure is None:
            raise error
        self._on_failure(table, key, error)

    def end_turn(self) -> None:
        """Forget what has changed. Call it after the changes have been taken out."""
        for table in self._changed:
            table.changed.clear()
        self._changed.clear()

    def computed(self) -> Mapping[str, int]:
        """Return the number of computations by table. Tests measure the cost of a change by it."""
        return {t.name: t.computed for t in self._tables if isinstance(t, Derived)}
