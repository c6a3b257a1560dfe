"""Into a table of SQLite while the source is still being read, so that reading and inserting take place at once.

Other writers wait from the first insert to the end of the load. So it begins only when what is left to read takes about
as long as the inserts will, and is undone if they would wait for rows that do not come
(docs/decisions/0005-into-sqlite.md).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Self

import pyarrow as pa
from sqlalchemy import Connection, Table

from rowferry.backends.protocol import Comparison, LoadWriter, ParentKeys
from rowferry.backends.sqlite.beyond import has_unique_values
from rowferry.backends.sqlite.replacer import SqliteReplacer
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.writer import SqliteTransaction, SqliteWriter
from rowferry.dictionary.rules import TableRules

_ROWS_OF_A_PART = 50_000
"""Fewer rows are not worth an insert of their own."""

_SHARE_OF_A_PART = 1 / 8
"""Nor is a smaller share of the source, as only so many stages can be attached."""

_INSERTS_TO_WRITES = 2.0
"""At most so many times as long as the rows took on their way into a stage, they take from there into the table."""

_SOON = 1.0
"""For so many seconds, others may wait for what is still to be read, also if the inserts take less."""

_PATIENCE = 3.0
"""For so many seconds, others may wait for rows that are still being read."""


class EarlyInserts:
    """The inserts of one transaction that take place before all is read, one after the other, in a thread."""

    def __init__(self, transaction: SqliteTransaction) -> None:
        self._transaction = transaction
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rowferry-insert")
        self._turn = Lock()
        self._allowed = True
        self._ended = False
        self._parts: list[Part] = []
        self._last: Future[float] | None = None
        self._highest: dict[str, object] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the insert that is under way; an error stops it."""
        self._ended = True
        if kind is not None and not self._transaction.connection.invalidated:
            self._transaction.driver().interrupt()
        self._thread.shutdown(cancel_futures=True)
        with self._turn:  # a signal that comes while the thread starts leaves it unknown to its pool
            return

    def begin(self, part: "Part") -> None:
        """Let a part go into its table, if the table holds no key that is as high as one of the part's."""
        self._parts.append(part)
        self._last = self._thread.submit(self._insert, part)

    def is_ready(self) -> bool:
        """Whether another part may go. Where others waited too long for it, all is undone, to be done at the end.

        Raises:
            RowferryError, sqlite3.Error: What the last insert raised.
        """
        if self._last is None:
            return True
        if not self._last.done():
            return False
        idle_since = self._last.result()
        if self._allowed and time.perf_counter() > idle_since + _PATIENCE:
            self._undo()
        return self._allowed and self._transaction.can_seal_more()

    def wait(self) -> None:
        """Wait for the last insert; raises what it raised."""
        if self._last is not None:
            self._last.result()

    def is_known_new(self, part: "Part") -> bool:
        """Whether the table cannot hold any key of a part, by what was found when others could write no more."""
        return part.table in self._highest and part.is_above(self._highest[part.table])

    def _insert(self, part: "Part") -> float:
        """Insert a part; when that was done."""
        with self._turn:
            if not self._ended and self._allowed:
                self._allowed = part.table in self._highest or part.is_above(part.highest())
                if self._allowed:
                    self._transaction.lock(early=True)
                    self._insert_alone(part)
        return time.perf_counter()

    def _insert_alone(self, part: "Part") -> None:
        if part.table not in self._highest:
            self._highest[part.table] = part.highest()
        if not self._transaction.checks_references and self.is_known_new(part):
            part.insert()
        else:
            self._undo()

    def _undo(self) -> None:
        self._allowed = False
        self._highest.clear()
        self._transaction.unlock()
        for part in self._parts:
            part.inserted = None


class Part(SqliteWriter):
    """Some rows of a source, one behind the other, that wait in a stage of their own."""

    inserted: int | None = None
    """How many rows the database has inserted, if it has."""

    def __init__(self, transaction: SqliteTransaction, early: EarlyInserts, rules: TableRules) -> None:
        super().__init__(transaction, rules, dry_run=False)
        self.table = rules.name
        self._early = early

    def highest(self) -> object:
        """The highest key of the table; None if it is empty."""
        return self._execute(f"SELECT max({quoted(self._range.column)}) FROM {self._main}").fetchone()[0]

    def is_above(self, highest: object) -> bool:
        """Whether all keys are above another one; only integers can be."""
        bounds = self._range.bounds
        # Another program may have put a text there, which SQLite takes for a column of integers, too.
        return highest is None or (bounds is not None and isinstance(highest, int) and bounds[0] > highest)

    def insert(self) -> None:
        """Insert all rows, none of which the table has."""
        self.attach()
        self.inserted = self._insert()

    def compare(self) -> Comparison:
        self._transaction.lock()
        if self.inserted is None and not self._early.is_known_new(self):
            return super().compare()
        self.attach()
        self._comparison = Comparison(self.rows, 0, 0)
        return self._comparison

    def publish(self, *, update: bool) -> tuple[int, int]:
        if self.inserted is None:
            return super().publish(update=update)
        self.require_parents()
        return self.inserted, 0


class AppendingSqliteWriter:
    """Implements TableWriter; `remaining` says how much of the source is still to be read, from 1 to 0."""

    took_over = False

    def __init__(
        self, transaction: SqliteTransaction, early: EarlyInserts, rules: TableRules, remaining: Callable[[], float]
    ) -> None:
        self._transaction, self._early, self._rules, self._remaining = transaction, early, rules, remaining
        self._parts = [Part(transaction, early, rules)]
        self._began = time.perf_counter()
        self._writing = 0.0
        self._left_before = 1.0

    def write(self, rows: pa.RecordBatch) -> None:
        began = time.perf_counter()
        self._parts[-1].write(rows)
        self._writing += time.perf_counter() - began
        left = self._remaining()
        enough = self._parts[-1].rows >= _ROWS_OF_A_PART and self._left_before - left >= _SHARE_OF_A_PART
        if self._early.is_ready() and enough and self._is_time(left):
            self._parts[-1].seal()
            self._early.begin(self._parts[-1])
            self._parts.append(Part(self._transaction, self._early, self._rules))
            self._left_before = left

    def end(self) -> None:
        self._parts[-1].end()

    def compare(self) -> Comparison:
        found = [part.compare() for part in self._parts]
        return Comparison(
            *(sum(counts) for counts in zip(*((c.new, c.equal, c.different) for c in found), strict=True))
        )

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        found = zip(*(part.known(starts) for part in self._parts), strict=True)
        return [(sum(equal for equal, _ in each), sum(different for _, different in each)) for each in found]

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return chain.from_iterable(part.different() for part in self._parts)

    def publish(self, *, update: bool) -> tuple[int, int]:
        done = [part.publish(update=update) for part in self._parts]
        return sum(inserted for inserted, _ in done), sum(updated for _, updated in done)

    def complete(self, *, update: bool) -> None:
        """Rows of a table whose references lead back to it do not come this way."""

    def _is_time(self, left: float) -> bool:
        """Whether what is still to be read will take no longer than the inserts, or not long anyway."""
        if self._transaction.locked:
            return True
        longest = max(_INSERTS_TO_WRITES * self._writing, _SOON)
        return (time.perf_counter() - self._began) * left <= longest * (1 - left)


class LoadTransaction(SqliteTransaction):
    """Implements Transaction."""

    def __init__(self, connection: Connection, stages: Path, elsewhere: ParentKeys) -> None:
        super().__init__(connection, stages)
        self.early = EarlyInserts(self)
        self._elsewhere = elsewhere

    def writer(
        self, rules: TableRules, *, bulk: bool, dry_run: bool, remaining: Callable[[], float] | None = None
    ) -> LoadWriter:
        # Where a unique value may pass from row to row, all that is changed has to be known at once.
        appends = bulk and not dry_run and bool(rules.key) and not rules.circular
        if remaining is not None and appends and not has_unique_values(self.driver(), rules):
            return AppendingSqliteWriter(self, self.early, rules, remaining)
        return SqliteWriter(self, rules, dry_run=dry_run)

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        return self._elsewhere.existing(table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        return self._elsewhere.existing_together(rules, rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        return self._elsewhere.next_keys(table, column, after, most)

    def lock(self, *, early: bool = False) -> None:
        if not early:
            self.early.wait()
        super().lock(early=early)

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> SqliteReplacer:  # noqa: ARG002  # few rows go the same way
        return SqliteReplacer(self, rules, dry_run=dry_run)
