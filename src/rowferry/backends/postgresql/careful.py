"""Writers into a table of PostgreSQL that find the rows which only the database knows to be wrong.

They are slow, and used once rows were refused: by triggers, constraints or types that the model does not have.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier, Literal

from rowferry.backends.few_refusals import FewRefusalsFound
from rowferry.backends.postgresql.copy_format import as_plain
from rowferry.backends.postgresql.few_rows import FewRowsWriter, ShortPostgresqlTransaction
from rowferry.backends.postgresql.parameters import GivenRows
from rowferry.backends.postgresql.refusals import PostgresqlRefusals, is_away
from rowferry.backends.postgresql.replacer import PostgresqlStagedReplacer, ReplacingTransaction
from rowferry.backends.postgresql.snapshot import WHOLE_TABLES
from rowferry.backends.postgresql.table import PostgresqlTable
from rowferry.backends.postgresql.writer import DEFERRED, PostgresqlStagedWriter, PostgresqlTransaction
from rowferry.backends.refusals import (
    MOST_REFUSED,
    NONE_KNOWN,
    Numbers,
    Refusal,
    RowsRefused,
    refused_rows,
)
from rowferry.backends.staged import StagedRefusalsFound
from rowferry.dictionary.rules import ROW_NUMBER, TableRules

_TYPES = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.binary(): "bytea",
    pa.binary(16): "uuid",
    pa.month_day_nano_interval(): "interval",
    pa.large_string(): "numeric",
}

_CONDITIONS = """
SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE contype = 'c' AND conrelid = %(table)s::regclass AND NOT EXISTS (
  SELECT FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey) AND attname <> ALL(%(names)s::text[]))
UNION ALL SELECT format('%%I IS NOT NULL', attname) FROM pg_attribute
WHERE attrelid = %(table)s::regclass AND attnotnull AND attname = ANY(%(names)s::text[])
"""
"""What a table asks of rows as far as these columns tell: others are left to the database, which fills them."""

_IMMEDIATE = "SET CONSTRAINTS ALL IMMEDIATE"

_UNDO = SQL("ROLLBACK TO SAVEPOINT rowferry_try")


class CarefulWriter(StagedRefusalsFound, PostgresqlStagedWriter):
    """Rows wait in a table of plain types first, since those of the stage may refuse them; each try is a savepoint."""

    _tries: "_Tries"

    def __init__(
        self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules, *, dry_run: bool
    ) -> None:
        self._tries = _Tries(transaction, table, rules)
        self._given = GivenRows(transaction, rules)
        super().__init__(transaction, table, rules, dry_run=dry_run)

    def _create(self) -> None:
        super()._create()
        self._intake = Identifier(f"rowferry_intake_{self._transaction.stages}")
        schema = self._rules.numbered_schema
        columns = (SQL("{} {}").format(Identifier(field.name), SQL(_plain_type(field.type))) for field in schema)
        make = SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
        self._transaction.execute(make.format(self._intake, SQL(", ").join(columns)))

    def _copy_into(self, _target: Composable, schema: pa.Schema, most_rows: int | None = None) -> None:
        """The stage is filled from the intake, once all rows are there."""
        super()._copy_into(self._intake, as_plain(schema), most_rows)

    def end(self) -> None:
        """Put the rows into the stage, whose types are those of the table.

        Raises:
            RowsRefused: Their values fit no type of the table.
        """
        super().end()
        self._index(self._intake)
        if refused := refused_rows(self._staged_if_fit, [self._written]):
            raise RowsRefused(self._rules.name, {at: self._with_column(at, refusal) for at, refusal in refused.items()})
        self._index(self._stage)

    def publish(self, *, update: bool) -> tuple[int, int]:
        _choose_moment(self._transaction, self._rules)
        if self._has_known:
            self._index(self._known)
        return super().publish(update=update)

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        """Leave them to their triggers, which tell row from row."""
        yield

    def _within(self, table: Composable, rows: Numbers) -> Composable:
        select = SQL("(SELECT * FROM {} WHERE {number} BETWEEN {} AND {} ORDER BY {number})")
        return select.format(table, *map(Literal, rows), number=Identifier(ROW_NUMBER))

    def _ranges(self, whole: Numbers) -> Sequence[Numbers]:
        suspects = sorted(self._suspects())
        if not suspects:
            return super()._ranges(whole)
        edges = [whole[0] - 1, *suspects, whole[1] + 1]
        between = ((before + 1, behind - 1) for before, behind in pairwise(edges))
        return sorted([*((at, at) for at in suspects), *(rows for rows in between if rows[0] <= rows[1])])

    def _suspects(self) -> set[int]:
        """The rows that break a CHECK or lack a value as they stand in the stage; a trigger may mend them yet."""
        found: set[int] = set()
        for condition in self._tries.conditions():
            ask = SQL("SELECT {} FROM {} AS {} WHERE ({}) IS FALSE ORDER BY 1 LIMIT {}").format(
                Identifier(ROW_NUMBER),
                self._stage,
                Identifier(self._rules.table.name),
                SQL(condition),
                Literal(MOST_REFUSED + 1),
            )
            found.update(at for (at,) in self._tries.asked(ask))
        return set(sorted(found)[: MOST_REFUSED + 1])

    def _staged_if_fit(self, rows: Numbers, only: str | None = None) -> Refusal | None:
        """Put rows into the stage, or one column of them."""
        names = self._rules.names if only is None else (only,)
        insert = SQL("INSERT INTO {} ({}, {number}) SELECT {}, s.{number} FROM {} s").format(
            self._stage,
            SQL(", ").join(map(Identifier, names)),
            SQL(", ").join(map(self._given.value, names)),
            self._within(self._intake, rows),
            number=Identifier(ROW_NUMBER),
        )

        def put_in() -> None:
            self._transaction.execute(insert)

        return self._tries.tried(put_in)

    def _with_column(self, row: int, refusal: Refusal) -> Refusal:
        """The same with the column whose value fits no type, which the database does not tell."""
        found = (name for name in self._rules.names if self._staged_if_fit((row, row), name))
        return replace(refusal, column=refusal.column or next(found, None))

    def _index(self, table: Composable) -> None:
        make = SQL("CREATE INDEX ON {0} ({1}); ANALYZE {0}").format(table, Identifier(ROW_NUMBER))
        self._transaction.execute(make)


class CarefulReplacer(CarefulWriter, PostgresqlStagedReplacer):
    """The same for a restore."""


class CarefulFewRowsWriter(FewRefusalsFound, FewRowsWriter):
    """The same for few rows, which wait in memory."""

    _tries: "_Tries"

    def __init__(self, transaction: PostgresqlTransaction, rules: TableRules) -> None:
        super().__init__(transaction, rules)
        self._tries = _Tries(transaction, PostgresqlTable(transaction, rules), rules)

    def publish(self, *, update: bool) -> tuple[int, int]:
        _choose_moment(self._transaction, self._rules)
        return super().publish(update=update)

    @property
    def _held_back(self) -> tuple[str, ...]:
        return self._rules.may_wait  # each try goes without the rows that others refer to

    def _publish(self, *, update: bool) -> tuple[int, int]:
        return FewRowsWriter.publish(self, update=update)

    def _are_there(self) -> int:
        if not self._rules.key:
            return NONE_KNOWN
        return len(self._given.known(self._rules.key, self._new()))


class CarefulTransaction(ReplacingTransaction):
    """A transaction whose writers find the rows that the database refuses."""

    def writer(
        self,
        rules: TableRules,
        *,
        bulk: bool,  # noqa: ARG002  # many rows go the same way
        dry_run: bool,
        remaining: Callable[[], float] | None = None,  # noqa: ARG002  # none goes early
    ) -> CarefulWriter:
        return CarefulWriter(self, PostgresqlTable(self, rules), rules, dry_run=dry_run)

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> CarefulReplacer:  # noqa: ARG002  # as above
        self.execute(SQL(WHOLE_TABLES))
        return CarefulReplacer(self, PostgresqlTable(self, rules), rules, dry_run=dry_run)


class CarefulShortTransaction(ShortPostgresqlTransaction):
    """The same for few rows."""

    def few_rows_writer(self, rules: TableRules) -> CarefulFewRowsWriter:
        return CarefulFewRowsWriter(self, rules)


class _Tries:
    """What can be tried with rows of a table, and asked of it, without harm to the transaction."""

    def __init__(self, transaction: PostgresqlTransaction, table: PostgresqlTable, rules: TableRules) -> None:
        self._transaction = transaction
        self._table = {"table": table.name.as_string()}
        self._rules = rules
        self.judged = PostgresqlRefusals(table, rules)

    def tried(self, put_in: Callable[[], Refusal | None]) -> Refusal | None:
        """Why rows cannot be put in; then nothing of it stays. Raises what the judge knows of."""
        self._transaction.execute(SQL("SAVEPOINT rowferry_try"))
        try:
            refusal = put_in()
        except psycopg.Error as error:
            if is_away(error):
                raise
            self._transaction.execute(_UNDO)
            refusal = self.judged.refusal(error)
            if refusal is None:
                raise
        else:
            if refusal:
                self._transaction.execute(_UNDO)
        self._transaction.execute(SQL("RELEASE SAVEPOINT rowferry_try"))
        return refusal

    def asked(self, query: Composable) -> list[tuple[Any, ...]]:
        """What a query finds; nothing if it cannot be computed."""
        found: list[tuple[Any, ...]] = []

        def ask() -> None:
            found.extend(self._transaction.execute(query))

        self.tried(ask)
        return found

    def conditions(self) -> list[str]:
        """What the table asks of each of its rows, in SQL, as far as their own columns tell."""
        asked = {**self._table, "names": list(self._rules.names)}
        return [condition for (condition,) in self._transaction.execute(SQL(_CONDITIONS), asked)]


def _choose_moment(transaction: PostgresqlTransaction, rules: TableRules) -> None:
    """Let references be checked at once, unless rows of a table, or of one before it, refer to rows that come later."""
    transaction.defers |= rules.must_be_deferred
    transaction.execute(SQL(DEFERRED if transaction.defers else _IMMEDIATE))


def _plain_type(arrow: pa.DataType) -> str:
    """A type that takes all values of a column, as COPY sends them."""
    if pa.types.is_timestamp(arrow):
        return "timestamp with time zone" if arrow.tz else "timestamp without time zone"
    return "numeric" if pa.types.is_decimal(arrow) else _TYPES[arrow]
