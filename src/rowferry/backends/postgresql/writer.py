"""The way into a table of PostgreSQL: binary COPY, and foreign keys checked as a set instead of row by row.

A trigger fires for each row and foreign key, and takes most of the time of a plain load; an index is built faster at
once than row by row. Both matter only where many rows come (docs/decisions/0004-into-postgresql.md).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Connection, Table

from rowferry.arrow import compute as pc
from rowferry.backends.key_range import KeyRange
from rowferry.backends.postgresql.constraints import (
    BULK_ROWS,
    Checks,
    KeysDropped,
    TriggersFire,
    TriggersSpared,
    worth_proving,
)
from rowferry.backends.postgresql.copy_format import copy_format
from rowferry.backends.postgresql.copying import Copies, Copying, copy_into
from rowferry.backends.postgresql.references import Referred
from rowferry.backends.postgresql.sequences import Numbers
from rowferry.backends.postgresql.table import PostgresqlTable, Statements, differs, equal, same
from rowferry.backends.protocol import Comparison
from rowferry.dictionary.rules import ROW_NUMBER, TableRules


class PostgresqlTransaction(Statements):
    """One transaction; `with` breaks off a COPY that an error has left open."""

    exclusive = False
    """Whether others may wait to read."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.copies = Copies()
        self.stages = 0
        self.staged: set[str] = set()
        """The tables whose rows wait to be published."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.copies.give_up(error)

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        self.copy_rows(Identifier(table.name), rows)

    def copy_rows(self, table: Composable, rows: pa.RecordBatch) -> int:
        """Put a single batch of rows into a table; how many the database took."""
        form = copy_format(rows.schema)
        cursor = self.driver.cursor()
        with cursor.copy(copy_into(table, rows.schema, form)) as copy:
            copy.write(form.begin() + form.rows(rows) + form.end())
        return cursor.rowcount


class PostgresqlWriter:
    """What all ways into a table share: rows go into a target by COPY until `end`."""

    took_over = False
    _copying: Copying

    def __init__(self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules) -> None:
        self._table = table
        self._rules = rules
        self._transaction = transaction
        self._rows = 0
        self._referred = Referred(rules)
        self._numbers = Numbers(rules)

    def _copy_into(self, target: Composable, schema: pa.Schema, most_rows: int | None = None) -> None:
        transaction = self._transaction
        self._copying = Copying(transaction.driver, transaction.copies, target, schema, most_rows)

    def _send(self, rows: pa.RecordBatch) -> None:
        self._rows += rows.num_rows
        self._referred.add(rows)
        self._numbers.add(rows)
        self._copying.send(rows)

    def end(self) -> None:
        self._copying.pause()


class DirectWriter(PostgresqlWriter):
    """Into an empty table that is locked: no stage, and the primary key's index built at the end."""

    took_over = True

    def __init__(
        self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules, checks: Checks
    ) -> None:
        super().__init__(transaction, table, rules)
        self._checks = checks
        self._key_aside = ExitStack()
        self._key_aside.enter_context(table.key_aside())
        checks.begin()
        self._copy_into(table.name, rules.schema, checks.most_rows)

    def write(self, rows: pa.RecordBatch) -> None:
        self._send(rows)

    def end(self) -> None:
        super().end()
        self._checks.end()
        self._key_aside.close()

    def compare(self) -> Comparison:
        return Comparison(self._rows, 0, 0)

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        return [(0, 0)] * len(starts)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return iter(())

    def publish(self, *, update: bool) -> tuple[int, int]:  # noqa: ARG002  # there is nothing to update
        self._checks.prove(self._referred)
        self._numbers.raise_sequences(self._transaction)
        return self._copying.taken, 0


class AppendingWriter(PostgresqlWriter):
    """Into a table in use, as long as the keys of the rows are above all in it; the rest of them wait in a stage.

    Nobody sees the rows before the transaction commits. Whoever inserts one of their keys meanwhile waits until then;
    whoever did so before makes the transaction fail with KeysTaken.
    """

    def __init__(
        self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules, checks: Checks
    ) -> None:
        super().__init__(transaction, table, rules)
        self._checks = checks
        checks.begin()
        highest = SQL("SELECT max({}) FROM {}").format(Identifier(rules.key[0]), table.name)
        self._highest = transaction.value(highest)
        self._staged: StagedWriter | None = None
        self._copy_into(table.name, rules.schema, checks.most_rows)

    def write(self, rows: pa.RecordBatch) -> None:
        if self._staged is None and not self._is_above(rows):
            self._close()
            self._staged = StagedWriter(self._transaction, self._table, self._rules, dry_run=False)
        if self._staged is None:
            self._send(rows)
        else:
            self._staged.write(rows)

    def end(self) -> None:
        if self._staged is None:
            self._close()
        else:
            self._staged.end()

    def compare(self) -> Comparison:
        found = self._staged.compare() if self._staged else Comparison(0, 0, 0)
        return Comparison(self._rows + found.new, found.equal, found.different)

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        return self._staged.known(starts) if self._staged else [(0, 0)] * len(starts)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return self._staged.different() if self._staged else iter(())

    def publish(self, *, update: bool) -> tuple[int, int]:
        self._numbers.raise_sequences(self._transaction)
        inserted, updated = self._staged.publish(update=update) if self._staged else (0, 0)
        self._checks.prove(self._referred)
        return self._copying.taken + inserted, updated

    def _is_above(self, rows: pa.RecordBatch) -> bool:
        lowest = pc.min_max(rows.column(self._rules.key[0])).as_py()["min"]
        # The table may have become empty since it was looked at.
        return lowest is None or self._highest is None or lowest > self._highest

    def _close(self) -> None:
        super().end()
        self._checks.end()


class StagedWriter(PostgresqlWriter):
    """Into a table in use: rows wait in a temporary table, which no one else sees and the transaction's end drops."""

    def __init__(
        self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules, *, dry_run: bool
    ) -> None:
        super().__init__(transaction, table, rules)
        self._dry_run = dry_run
        self._range = KeyRange(rules)
        transaction.stages += 1
        transaction.staged.add(rules.name)
        self._stage: Composable = Identifier(f"rowferry_stage_{transaction.stages}")
        self._known = Identifier(f"rowferry_known_{transaction.stages}")
        self._has_known = False
        self._worth_dropping = math.inf
        self._comparison = Comparison(0, 0, 0)
        with transaction.copies.turn:
            transaction.copies.pause()
            self._create()
        self._copy_into(self._stage, rules.numbered_schema)

    def _create(self) -> None:
        self._transaction.execute(
            SQL("CREATE TEMPORARY TABLE {} ({}, {} bigint) ON COMMIT DROP").format(
                self._stage, self._table.columns(), Identifier(ROW_NUMBER)
            )
        )

    def write(self, rows: pa.RecordBatch) -> None:
        self._range.add(rows)
        self._send(rows)

    def compare(self) -> Comparison:
        if not self._dry_run:
            self._lock()
        equal, different = self._find_known() if self._meets_known_keys() else (0, 0)
        self._comparison = Comparison(self._rows - equal - different, equal, different)
        return self._comparison

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        found = dict.fromkeys(range(1, len(starts) + 1), (0, 0))
        if self._has_known:
            count = SQL(
                "SELECT width_bucket({number}, %s::bigint[]), count(*) FILTER (WHERE equal), "
                "count(*) FILTER (WHERE NOT equal) FROM {known} GROUP BY 1"
            ).format(**self._names())
            rows = self._transaction.execute(count, (list(starts),))
            found |= {number: (equal, different) for number, equal, different in rows}
        return list(found.values())

    def different(self) -> Iterator[tuple[int, list[str]]]:
        if not self._has_known:
            return
        values = self._rules.values
        found = SQL(
            "SELECT s.{number}, {tests} FROM {known} k JOIN {stage} s USING ({number}) JOIN {table} t ON {same} "
            "WHERE NOT k.equal ORDER BY 1"
        ).format(tests=self._tests(), **self._names())
        with self._transaction.driver.cursor("rowferry_different") as cursor:
            cursor.itersize = 10_000
            for row_number, *differs in cursor.execute(found):
                yield row_number, [name for name, flag in zip(values, differs, strict=True) if flag]

    def publish(self, *, update: bool) -> tuple[int, int]:
        with self._foreign_keys():
            updated = self._update() if update and self._comparison.different else 0
            inserted = self._insert() if self._comparison.new else 0
        if inserted:
            self._numbers.raise_sequences(self._transaction)
        return inserted, updated

    def _insert(self) -> int:
        return self._transaction.execute(
            SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage} s {new}").format(
                columns=self._columns(self._rules.names), new=self._only_new(), **self._names()
            )
        ).rowcount

    def _update(self) -> int:
        if not self._rules.values:
            return 0
        changes = SQL(", ").join(SQL("{0} = s.{0}").format(Identifier(name)) for name in self._rules.values)
        update = SQL(
            "UPDATE {table} t SET {changes} FROM {stage} s JOIN {known} k USING ({number}) WHERE NOT k.equal AND {same}"
        ).format(changes=changes, **self._names())
        self._transaction.execute(SQL("SAVEPOINT rowferry_update"))
        try:
            return self._transaction.execute(update).rowcount
        except psycopg.errors.UniqueViolation:
            self._transaction.execute(SQL("ROLLBACK TO SAVEPOINT rowferry_update"))
            if not self._table.may_rewrite():
                raise
            return self._rewrite()

    def _rewrite(self) -> int:
        """Insert the rows that differ anew, once all of them are gone: a value may stand in another row by now."""
        names = self._names()
        differing = SQL("{stage} s JOIN {known} k USING ({number}) WHERE NOT k.equal").format(**names)
        remove = SQL("DELETE FROM {table} t USING {} AND {same}").format(differing, **names)
        columns = self._columns(self._rules.names)
        insert = SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {}").format(
            differing, columns=columns, **names
        )
        return min(self._transaction.execute(one).rowcount for one in (remove, insert))

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        """Check the foreign keys in the cheapest way that is open to us."""
        rows = self._comparison.new + self._comparison.different
        if rows < BULK_ROWS or not self._rules.references:
            yield
            return
        checks = self._checks(rows)
        checks.begin()
        yield
        checks.end()
        checks.prove(self._referred)

    def _checks(self, rows: int) -> Checks:
        if self._table.skips_triggers():
            return TriggersSpared(self._table, self._stage)
        return KeysDropped(self._table) if rows >= self._worth_dropping else TriggersFire(self._table)

    def _lock(self) -> None:
        """Keep others from writing; where it is allowed, and worth it, also from reading."""
        many = self._rows >= BULK_ROWS and bool(self._rules.references)
        if many and self._transaction.exclusive and self._table.drops_foreign_keys():
            self._worth_dropping = worth_proving(self._table)
        if self._rows >= self._worth_dropping:
            self._table.lock("ACCESS EXCLUSIVE", parents="ACCESS EXCLUSIVE")
        else:
            self._table.lock("SHARE ROW EXCLUSIVE", parents="ROW SHARE" if many else None)

    def _only_new(self) -> Composable:
        """The condition that leaves out rows of the stage whose key the table holds."""
        if not self._has_known:
            return SQL("")
        return SQL("WHERE NOT EXISTS (SELECT FROM {known} k WHERE k.{number} = s.{number})").format(**self._names())

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        if not self._range.known:
            return True
        if not self._range.bounds:
            return False
        find = SQL("SELECT EXISTS (SELECT FROM {} WHERE {} BETWEEN %s AND %s)")
        column = Identifier(self._range.column)
        return bool(self._transaction.value(find.format(self._table.name, column), self._range.bounds))

    def _find_known(self) -> tuple[int, int]:
        """Note the rows whose key the table holds; how many of them are equal and how many different."""
        self._has_known = True
        self._transaction.execute(SQL("ANALYZE {stage}").format(**self._names()))
        self._transaction.execute(
            SQL(
                "CREATE TEMPORARY TABLE {known} ON COMMIT DROP AS "
                "SELECT s.{number}, {equal} AS equal FROM {stage} s JOIN {table} t ON {same}"
            ).format(equal=equal(self._rules), **self._names())
        )
        self._transaction.execute(SQL("ANALYZE {known}").format(**self._names()))
        count = SQL("SELECT count(*) FILTER (WHERE equal), count(*) FILTER (WHERE NOT equal) FROM {known}")
        row = self._transaction.execute(count.format(**self._names())).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has a row
        return row[0], row[1]

    def _tests(self) -> Composable:
        """For each value whether a row of the stage differs from the table's."""
        return SQL(", ").join(differs(self._rules.by_name[name]) for name in self._rules.values)

    def _names(self) -> dict[str, Composable]:
        return {
            "table": self._table.name,
            "stage": self._stage,
            "known": self._known,
            "number": Identifier(ROW_NUMBER),
            "same": same(self._rules.key),
        }

    def _columns(self, names: tuple[str, ...]) -> Composable:
        return SQL(", ").join(map(Identifier, names))


def quoted(name: str) -> str:
    """An identifier as it may stand in a statement."""
    return Identifier(name).as_string()
