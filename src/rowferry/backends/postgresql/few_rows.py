"""Few rows into a table of PostgreSQL that stays in use: compared where it is, put in by COPY."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Identifier
from sqlalchemy import Table

from rowferry.backends.held_rows import HeldRows
from rowferry.backends.postgresql.parameters import GivenRows, lists_of
from rowferry.backends.postgresql.plan import differs
from rowferry.backends.postgresql.references import find_existing
from rowferry.backends.postgresql.sequences import Numbers
from rowferry.backends.postgresql.table import PostgresqlTable, spelled
from rowferry.backends.postgresql.writer import DEFERRED, PostgresqlTransaction
from rowferry.backends.protocol import Comparison, Holders
from rowferry.dictionary.rules import TableRules

_WORTH_IT = 100
"""From this many rows on, it pays to ask whether triggers may be left out; they take most of the time."""

_TAKES_COPIES = "SELECT NOT (relrowsecurity OR relhasrules) FROM pg_class WHERE oid = %s::regclass"


class ShortPostgresqlTransaction(PostgresqlTransaction):
    """Implements ShortTransaction."""

    def few_rows_writer(self, rules: TableRules) -> "FewRowsWriter":
        return FewRowsWriter(self, rules)

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        return find_existing(self.connection, table, column, values, hold=True)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        return GivenRows(self, rules).held(tuple(rows.schema.names), rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:  # noqa: ARG002
        return pa.array([], pa.int64())  # it would have to hold what it tells

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        return GivenRows(self, rules).known(key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        return GivenRows(self, rules).holders(names, rows)

    def claim(self, number: int) -> bool:
        """Take a number until the end of the transaction, if nobody else has it."""
        return bool(self.value(SQL("SELECT pg_try_advisory_xact_lock(%s)"), (number,)))


class FewRowsWriter(HeldRows):
    """Implements TableWriter. Rows of keys that somebody else inserts at the same time wait for them, and fail then."""

    def __init__(self, transaction: PostgresqlTransaction, rules: TableRules) -> None:
        super().__init__(rules)
        self._transaction = transaction
        self._table = spelled(rules.table)
        self._given = GivenRows(transaction, rules)

    def compare(self) -> Comparison:
        if self._meets_known_keys():
            self._find_known()
        return self._compared()

    def publish(self, *, update: bool) -> tuple[int, int]:
        if self._rules.must_be_deferred:
            self._transaction.execute(SQL(DEFERRED))
        updated = self._update() if update else 0
        new = self._new()
        if new.num_rows:
            with self._references_known(new.num_rows):
                inserted = self._insert(self._without(new, self._held_back))
            numbers = Numbers(self._rules)
            numbers.add(new)
            numbers.raise_sequences(self._transaction)
            return inserted, updated
        return 0, updated

    def complete(self, *, update: bool) -> None:
        rows = [self._new()] if self._held_back else []
        rows += [self._changed()] if update and self._rules.late else []
        for incomplete in rows:
            if incomplete.num_rows:
                self._change(self._rules.late, incomplete)

    @property
    def _held_back(self) -> tuple[str, ...]:
        """The columns that are null in rows which are inserted, until all tables have their rows."""
        return self._rules.held_back

    def _insert(self, new: pa.RecordBatch) -> int:
        """COPY is faster, but passes rules by, and takes no rows under a policy or into a view."""
        if self._transaction.value(SQL(_TAKES_COPIES), (self._table.as_string(),)):
            return self._transaction.copy_rows(self._table, new)
        names = self._rules.names
        insert = SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            self._table,
            SQL(", ").join(map(Identifier, names)),
            SQL(", ").join(map(self._given.value, names)),
            self._given.source(names),
        )
        return self._transaction.execute(insert, lists_of(new)).rowcount

    @contextmanager
    def _references_known(self, rows: int) -> Iterator[None]:
        """Spare the triggers of foreign keys: all parents are held, or were put in by this transaction."""
        spared = rows >= _WORTH_IT and bool(self._rules.references) and self._spare_triggers()
        yield
        if spared:
            self._transaction.execute(SQL("SET LOCAL session_replication_role = origin"))

    def _spare_triggers(self) -> bool:
        condition, parameters = PostgresqlTable(self._transaction, self._rules).spares_triggers()
        spare = SQL("SELECT set_config('session_replication_role', 'replica', true) WHERE {}").format(condition)
        with self._transaction.driver.pipeline():
            # From the lock on, nobody adds a trigger.
            self._transaction.execute(SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(self._table))
            found = self._transaction.execute(spare, parameters)
        return found.fetchone() is not None

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        if not self._rows.num_rows or not self._rules.key:
            return False
        bounds = self._key_bounds
        if bounds is None:
            return True
        find = SQL("SELECT EXISTS (SELECT FROM {} WHERE {} BETWEEN %s AND %s)")
        return bool(self._transaction.value(find.format(self._table, Identifier(self._rules.key[0])), bounds))

    def _find_known(self) -> None:
        """Note the rows whose key the table holds, and hold these rows of the table as they are."""
        values = self._rules.values
        tests = [differs(self._rules, name) for name in values]
        keys = SQL(", ").join(SQL("t.{}").format(Identifier(name)) for name in self._rules.key)
        find = SQL(
            "SELECT s.rowferry_at - 1, {tests} FROM {rows} JOIN {table} t ON {same} ORDER BY {keys} "
            "FOR NO KEY UPDATE OF t"
        ).format(
            tests=SQL(", ").join([*tests, SQL("true")]),
            rows=self._given.source(self._rules.names),
            table=self._table,
            same=self._given.same(self._rules.key),
            keys=keys,
        )
        for at, *flags in self._transaction.execute(find, lists_of(self._rows.select(list(self._rules.names)))):
            self._known[at] = [name for name, flag in zip(values, flags[:-1], strict=True) if flag]

    def _update(self) -> int:
        changed = self._changed()
        if not changed.num_rows:
            return 0
        names = [name for name in self._rules.values if name not in self._rules.late]
        if not self._rules.unique:
            return self._change(names, changed)
        self._transaction.execute(SQL("SAVEPOINT rowferry_update"))
        try:
            return self._change(names, changed)
        except psycopg.errors.UniqueViolation:
            self._transaction.execute(SQL("ROLLBACK TO SAVEPOINT rowferry_update"))
            if not PostgresqlTable(self._transaction, self._rules).may_rewrite():
                raise
            return self._rewrite(changed)

    def _change(self, names: Sequence[str], rows: pa.RecordBatch) -> int:
        """Give rows of the table some of the values of those with their keys, which may be none yet."""
        changes = [SQL("{} = {}").format(Identifier(name), self._given.value(name)) for name in names]
        changes = changes or [SQL("{0} = t.{0}").format(Identifier(self._rules.late[0]))]
        update = SQL("UPDATE {table} t SET {changes} FROM {rows} WHERE {same}").format(
            table=self._table,
            changes=SQL(", ").join(changes),
            rows=self._given.source(self._rules.names),
            same=self._given.same(self._rules.key),
        )
        return self._transaction.execute(update, lists_of(rows)).rowcount

    def _rewrite(self, changed: pa.RecordBatch) -> int:
        """Insert rows anew, once all of them are gone: a value may stand in another row by now."""
        key = self._rules.key
        remove = SQL("DELETE FROM {} t USING {} WHERE {}").format(
            self._table, self._given.source(key), self._given.same(key)
        )
        removed = self._transaction.execute(remove, lists_of(changed.select(list(key)))).rowcount
        return min(removed, self._insert(changed))
