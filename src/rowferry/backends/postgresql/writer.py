"""The way into a table of PostgreSQL: binary COPY, and foreign keys checked as a set instead of row by row.

A trigger fires for each row and foreign key, and takes most of the time of a plain load; an index is built faster at
once than row by row. Both matter only where many rows come (docs/decisions/0004-into-postgresql.md).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Connection, Table

from rowferry.arrow import compute as pc
from rowferry.backends.plan import Statement, known_table, numbered_table, table_of
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
from rowferry.backends.postgresql.plan import PostgresqlPlan, as_text
from rowferry.backends.postgresql.references import Referred
from rowferry.backends.postgresql.sequences import Numbers
from rowferry.backends.postgresql.table import PostgresqlTable, Statements, spelled
from rowferry.backends.protocol import Comparison
from rowferry.backends.staged import StagedWriter
from rowferry.dictionary.rules import ROW_NUMBER, TableRules

DEFERRED = "SET CONSTRAINTS ALL DEFERRED"
"""Lets rows refer to rows that come later, as far as foreign keys are DEFERRABLE."""


class PostgresqlTransaction(Statements):
    """One transaction; `with` breaks off a COPY that an error has left open."""

    exclusive = False
    """Whether others may wait to read."""
    defers = False
    """Whether rows that are in refer to rows that come later."""

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
        self.copy_rows(spelled(table), rows)

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
        self._sent = 0
        self._referred = Referred(rules)
        self._numbers = Numbers(rules)

    def _copy_into(self, target: Composable, schema: pa.Schema, most_rows: int | None = None) -> None:
        transaction = self._transaction
        self._copying = Copying(transaction.driver, transaction.copies, target, schema, most_rows)

    def _send(self, rows: pa.RecordBatch) -> None:
        self._sent += rows.num_rows
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
        return Comparison(self._sent, 0, 0)

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        return [(0, 0)] * len(starts)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return iter(())

    def publish(self, *, update: bool) -> tuple[int, int]:  # noqa: ARG002  # there is nothing to update
        if not self._rules.circular:
            self._checks.prove(self._referred)
        self._numbers.raise_sequences(self._transaction)
        return self._copying.taken, 0

    def complete(self, *, update: bool) -> None:  # noqa: ARG002  # all of their values are in
        if self._rules.circular:
            self._checks.prove(self._referred)


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
        self._staged: PostgresqlStagedWriter | None = None
        self._copy_into(table.name, rules.schema, checks.most_rows)

    def write(self, rows: pa.RecordBatch) -> None:
        if self._staged is None and not self._is_above(rows):
            self._close()
            self._staged = PostgresqlStagedWriter(self._transaction, self._table, self._rules, dry_run=False)
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
        return Comparison(self._sent + found.new, found.equal, found.different)

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        return self._staged.known(starts) if self._staged else [(0, 0)] * len(starts)

    def different(self) -> Iterator[tuple[int, list[str]]]:
        return self._staged.different() if self._staged else iter(())

    def publish(self, *, update: bool) -> tuple[int, int]:
        self._numbers.raise_sequences(self._transaction)
        inserted, updated = self._staged.publish(update=update) if self._staged else (0, 0)
        if not self._rules.circular:
            self._checks.prove(self._referred)
        return self._copying.taken + inserted, updated

    def complete(self, *, update: bool) -> None:
        if self._staged:
            self._staged.complete(update=update)
        if self._rules.circular:
            self._checks.prove(self._referred)

    def _is_above(self, rows: pa.RecordBatch) -> bool:
        lowest = pc.min_max(rows.column(self._rules.key[0])).as_py()["min"]
        # The table may have become empty since it was looked at.
        return lowest is None or self._highest is None or lowest > self._highest

    def _close(self) -> None:
        super().end()
        self._checks.end()


class PostgresqlStagedWriter(PostgresqlWriter, StagedWriter):
    """Into a table in use: rows wait in a temporary table, which no one else sees and the transaction's end drops."""

    def __init__(
        self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules, *, dry_run: bool
    ) -> None:
        PostgresqlWriter.__init__(self, transaction, table, rules)
        StagedWriter.__init__(self, rules, dry_run=dry_run)
        transaction.stages += 1
        transaction.staged.add(rules.name)
        self._stage = Identifier(f"rowferry_stage_{transaction.stages}")
        self._known = Identifier(f"rowferry_known_{transaction.stages}")
        self._plan = self._planned(f"rowferry_stage_{transaction.stages}", f"rowferry_known_{transaction.stages}")
        self._worth_dropping = math.inf
        self._unproven: Checks | None = None
        with transaction.copies.turn:
            transaction.copies.pause()
            self._create()
        self._copy_into(self._stage, rules.numbered_schema)

    def _planned(self, stage: str, known: str) -> PostgresqlPlan:
        names = self._rules.names
        return PostgresqlPlan(self._rules, table_of(self._rules), numbered_table(stage, names), known_table(known))

    def _create(self) -> None:
        self._transaction.execute(
            SQL("CREATE TEMPORARY TABLE {} ({}, {} bigint) ON COMMIT DROP").format(
                self._stage, self._table.columns(), Identifier(ROW_NUMBER)
            )
        )

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        if not self._has_known or len(starts) == 1:
            return super().known(starts)
        found = dict.fromkeys(range(1, len(starts) + 1), (0, 0))
        count = SQL(
            "SELECT width_bucket({}, %s::bigint[]), count(*) FILTER (WHERE equal), "
            "count(*) FILTER (WHERE NOT equal) FROM {} GROUP BY 1"
        ).format(Identifier(ROW_NUMBER), self._known)
        rows = self._transaction.execute(count, (list(starts),))
        return list((found | {number: (equal, different) for number, equal, different in rows}).values())

    def _run(self, statement: Statement) -> psycopg.Cursor[Any]:
        return self._transaction.run(statement)

    def _stream(self, statement: Statement) -> Iterator[Any]:
        with self._transaction.driver.cursor("rowferry_stream") as cursor:
            cursor.itersize = 10_000
            yield from cursor.execute(as_text(statement))

    def _fill(self, rows: pa.RecordBatch) -> None:
        self._send(rows)

    def _make_known(self) -> None:
        self._transaction.execute(SQL("DROP TABLE IF EXISTS {}").format(self._known))
        make = SQL("CREATE TEMPORARY TABLE {} ({} bigint, equal boolean) ON COMMIT DROP")
        self._transaction.execute(make.format(self._known, Identifier(ROW_NUMBER)))

    def _find_known(self) -> tuple[int, int]:
        self._transaction.execute(SQL("ANALYZE {}").format(self._stage))
        found = super()._find_known()
        self._transaction.execute(SQL("ANALYZE {}").format(self._known))
        return found

    def _insert(self) -> int:
        inserted = super()._insert()
        if inserted:
            self._numbers.raise_sequences(self._transaction)
        return inserted

    def _update(self) -> int:
        self._transaction.execute(SQL("SAVEPOINT rowferry_update"))
        try:
            return super()._update()
        except psycopg.errors.UniqueViolation:
            self._transaction.execute(SQL("ROLLBACK TO SAVEPOINT rowferry_update"))
            if not self._table.may_rewrite():
                raise
            return self._rewrite()

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        """Check the foreign keys in the cheapest way that is open to us."""
        if self._rules.must_be_deferred:
            self._transaction.execute(SQL(DEFERRED))
        rows = self._comparison.new + self._comparison.different
        if rows < BULK_ROWS or not self._rules.references:
            yield
            return
        checks = self._checks(rows)
        checks.begin()
        yield
        checks.end()
        if self._rules.circular:
            self._unproven = checks
        else:
            checks.prove(self._referred)

    def _require_circular(self) -> None:
        if self._unproven:
            self._unproven.prove(self._referred)

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


def quoted(name: str) -> str:
    """An identifier as it may stand in a statement."""
    return Identifier(name).as_string()
