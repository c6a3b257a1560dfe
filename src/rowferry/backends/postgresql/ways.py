"""The choice between the ways into a table of PostgreSQL, by what is there, by our rights and by who may wait.

What each costs, and whom it keeps waiting, is told in docs/decisions/0004-into-postgresql.md.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType

import pyarrow as pa
from psycopg.sql import SQL
from sqlalchemy import Connection, Table

from rowferry.backends.key_range import KeyRange
from rowferry.backends.postgresql.constraints import Checks, KeysDropped, TriggersFire, TriggersSpared, worth_proving
from rowferry.backends.postgresql.locks import take_over_empty
from rowferry.backends.postgresql.parameters import GivenRows
from rowferry.backends.postgresql.readers import ReadersWatch
from rowferry.backends.postgresql.references import find_existing, find_next_keys
from rowferry.backends.postgresql.table import PostgresqlTable
from rowferry.backends.postgresql.writer import (
    AppendingWriter,
    DirectWriter,
    PostgresqlStagedWriter,
    PostgresqlTransaction,
)
from rowferry.backends.protocol import Comparison, LoadWriter, Locking, ParentKeys
from rowferry.dictionary.rules import TableRules

_TUNING = """
SELECT set_config(name, least, true)
FROM (VALUES ('work_mem', '64MB'), ('maintenance_work_mem', '256MB')) AS wanted (name, least)
WHERE pg_size_bytes(current_setting(name)) < pg_size_bytes(least)
UNION ALL SELECT set_config('effective_io_concurrency', '0', true)
"""
"""Lets the server compare and sort millions of rows without its disk, for the transaction.

Rows that were just written lie in memory: to have them read ahead by other processes only takes time.
"""

_WITH_HEIRS = """
WITH RECURSIVE locked AS (
  SELECT unnest(%s::regclass[])::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN locked ON inhparent = oid
)
SELECT oid::regclass::text FROM locked
"""

_MOST_HELD = 500_000
"""So many rows at most are held in memory until it is decided where they go."""


class LoadingTransaction(PostgresqlTransaction):
    """Gives each table its writer. What it has locked from readers it has to read by itself."""

    def __init__(self, connection: Connection, locking: Locking, elsewhere: ParentKeys) -> None:
        super().__init__(connection)
        self.exclusive = locking == "exclusive"
        self._locking, self._elsewhere = locking, elsewhere
        self._locked: set[str] = set()
        self._watching = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._watching.__exit__(kind, error, trace)

    def writer(
        self, rules: TableRules, *, bulk: bool, dry_run: bool, remaining: Callable[[], float] | None = None
    ) -> LoadWriter:
        table = PostgresqlTable(self, rules)
        if bulk and (checks := self.takes_over(table, dry_run=dry_run)):
            return DirectWriter(self, table, rules, checks)
        # Where a unique value may pass from row to row, all that is changed has to be known at once.
        appends = bulk and remaining is not None and not dry_run and KeyRange(rules).known
        if remaining is None or not appends or rules.unique or table.has_unique_values():
            return PostgresqlStagedWriter(self, table, rules, dry_run=dry_run)
        if table.skips_triggers():
            return AppendingWriter(self, table, rules, TriggersSpared(table))
        if self.exclusive and table.is_plain() and table.drops_foreign_keys():
            return self._by_cost(table, rules, remaining)
        return self._with_triggers(table, rules)

    def takes_over(self, table: PostgresqlTable, *, dry_run: bool) -> Checks | None:
        """Prepare for many rows; how they are checked if they may go into the table at once, being empty and ours."""
        self.execute(SQL(_TUNING))
        if dry_run:
            return None
        if table.skips_triggers():
            return TriggersSpared(table, alone=True) if take_over_empty(table, wait=self.exclusive) else None
        if not table.is_plain():
            return None
        if not table.has_foreign_keys():
            return TriggersFire(table) if take_over_empty(table, wait=self.exclusive) else None
        if self._locking == "sharing" or not table.drops_foreign_keys():
            return None
        return KeysDropped(table) if self._take_over_with_parents(table) else None

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        with self._reading(table) as here:
            if here:
                return find_existing(self.connection, table, column, values)
            return self._elsewhere.existing(table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        with self._reading(rules.table) as here:
            if here:
                return GivenRows(self, rules).known(tuple(rows.schema.names), rows)
            return self._elsewhere.existing_together(rules, rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        with self._reading(table) as here:
            if here:
                return find_next_keys(self.connection, table, column, after, most)
            return self._elsewhere.next_keys(table, column, after, most)

    @contextmanager
    def _reading(self, table: Table) -> Iterator[bool]:
        """Whether a table has to be read on our own connection, which is free for it."""
        if not self.exclusive and table.key not in self._locked:
            yield False
            return
        # It is locked in another thread, but not while we ask elsewhere: nobody would ever see that we wait for us.
        with self.copies.turn:
            if here := table.key in self._locked:
                self.copies.pause()
            yield here

    def _take_over_with_parents(self, table: PostgresqlTable) -> bool:
        """Lock an empty table and its parents, for as long as nobody waits to read a parent that has rows."""
        with ExitStack() as undone:
            watch = None if self.exclusive else undone.enter_context(ReadersWatch(self.connection.engine, self.driver))
            if not take_over_empty(table, parents=True, wait=self.exclusive):
                return False
            self._note_locks(table)
            if watch is not None:
                watch.look_after(self._read_by_others(table))
            self._watching.enter_context(undone.pop_all())
            return True

    def _read_by_others(self, table: PostgresqlTable) -> list[str]:
        """The parents that have rows, and their heirs, which are locked with them, as they are spelled."""
        parents = [parent.as_string() for parent in table.parents() if self.has_rows(parent)]
        return [name for (name,) in self.execute(SQL(_WITH_HEIRS), (parents,))]

    def _note_locks(self, table: PostgresqlTable) -> None:
        self._locked |= {table.rules.name, *(reference.parent for reference in table.rules.references)}

    def _by_cost(self, table: PostgresqlTable, rules: TableRules, remaining: Callable[[], float]) -> LoadWriter:
        def exclusively() -> LoadWriter:
            with self.copies.turn:
                table.lock("ACCESS EXCLUSIVE", parents="ACCESS EXCLUSIVE")
                self._note_locks(table)
            return AppendingWriter(self, table, rules, KeysDropped(table))

        return ChoosingWriter(worth_proving(table), remaining, exclusively, lambda: self._with_triggers(table, rules))

    def _with_triggers(self, table: PostgresqlTable, rules: TableRules) -> LoadWriter:
        """While rows are read, if nothing that they refer to can come in later than they do."""
        later = {*self.staged, *(reference.parent for reference in rules.circular)}
        if table.is_plain() and not any(reference.parent in later for reference in rules.references):
            return AppendingWriter(self, table, rules, TriggersFire(table))
        return PostgresqlStagedWriter(self, table, rules, dry_run=False)


class ChoosingWriter:
    """Implements LoadWriter: holds rows until they are `enough` for a writer that is worth it for many only."""

    took_over = False

    def __init__(
        self,
        enough: int,
        remaining: Callable[[], float],
        many: Callable[[], LoadWriter],
        few: Callable[[], LoadWriter],
    ) -> None:
        self._enough, self._remaining, self._many, self._few = enough, remaining, many, few
        self._held: list[pa.RecordBatch] = []
        self._rows = 0
        self._chosen: LoadWriter | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        if self._chosen is not None:
            self._chosen.write(rows)
            return
        self._held.append(rows)
        self._rows += rows.num_rows
        if self._rows >= min(self._enough, _MOST_HELD):
            self._choose(many=self._expected() >= self._enough)

    def end(self) -> None:
        if self._chosen is None:
            self._choose(many=False)
        self._writer.end()

    def compare(self) -> Comparison:
        return self._writer.compare()

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        return self._writer.known(starts)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return self._writer.different()

    def publish(self, *, update: bool) -> tuple[int, int]:
        return self._writer.publish(update=update)

    def complete(self, *, update: bool) -> None:
        self._writer.complete(update=update)

    @property
    def _writer(self) -> LoadWriter:
        assert self._chosen is not None  # noqa: S101  # for the type checker
        return self._chosen

    def _expected(self) -> float:
        """How many rows there will be at least, by the share of the source that was read for those there are."""
        read = 1 - self._remaining()
        return self._rows / read if read > 0 else self._rows

    def _choose(self, *, many: bool) -> None:
        self._chosen = self._many() if many else self._few()
        held, self._held = self._held, []
        for rows in held:
            self._chosen.write(rows)
