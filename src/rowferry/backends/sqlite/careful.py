"""Writers into a table of SQLite that find the rows which only the database knows to be wrong.

They are used once rows were refused: by triggers, constraints or types that the model does not have.
"""

import json
import sqlite3
from collections.abc import Callable

from rowferry.backends.few_refusals import FewRefusalsFound
from rowferry.backends.refusals import NONE_KNOWN, Refusal
from rowferry.backends.sqlite.appending import LoadTransaction
from rowferry.backends.sqlite.few_rows import FewRowsWriter, ShortSqliteTransaction, find_known
from rowferry.backends.sqlite.refusals import SqliteRefusals
from rowferry.backends.sqlite.replacer import SqliteReplacer
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.values import stored_rows
from rowferry.backends.sqlite.writer import SqliteTransaction, SqliteWriter
from rowferry.backends.staged import StagedRefusalsFound
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ForeignKeyBroken


class CarefulSqliteWriter(StagedRefusalsFound, SqliteWriter):
    """Tries rows of the stage in savepoints."""

    _tries: "_Tries"

    def __init__(self, transaction: SqliteTransaction, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(transaction, rules, dry_run=dry_run)
        self._tries = _Tries(transaction, rules)

    def _publish(self, *, update: bool) -> tuple[int, int]:
        done = super()._publish(update=update)
        self._tries.judged.require_parents(self._plan.rows_waiting())
        return done


class CarefulSqliteReplacer(CarefulSqliteWriter, SqliteReplacer):
    """The same for a restore."""


class CarefulFewRowsWriter(FewRefusalsFound, FewRowsWriter):
    """The same for few rows, which wait in memory."""

    _tries: "_Tries"

    def __init__(self, transaction: SqliteTransaction, rules: TableRules) -> None:
        super().__init__(transaction, rules)
        self._tries = _Tries(transaction, rules)

    def _publish(self, *, update: bool) -> tuple[int, int]:
        done = FewRowsWriter.publish(self, update=update)
        names = list(self._rules.names)
        columns = ", ".join(f"json_extract(value, '$[{at}]') AS {quoted(name)}" for at, name in enumerate(names))
        rows = json.dumps(stored_rows(self._rows.select(names)), default=bytes.hex)
        self._tries.judged.require_parents(f"(SELECT {columns} FROM json_each(?))", (rows,))
        return done

    def _are_there(self) -> int:
        if not self._rules.key:
            return NONE_KNOWN
        return len(find_known(self._transaction.connection, self._rules, self._rules.key, self._new()))


class CarefulTransaction(LoadTransaction):
    """A transaction whose writers find the rows that the database refuses."""

    def writer(
        self,
        rules: TableRules,
        *,
        bulk: bool,  # noqa: ARG002  # many rows go the same way
        dry_run: bool,
        remaining: Callable[[], float] | None = None,  # noqa: ARG002  # none goes early
    ) -> CarefulSqliteWriter:
        return CarefulSqliteWriter(self, rules, dry_run=dry_run)

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> CarefulSqliteReplacer:  # noqa: ARG002  # as above
        return CarefulSqliteReplacer(self, rules, dry_run=dry_run)


class CarefulShortTransaction(ShortSqliteTransaction):
    """The same for few rows."""

    def few_rows_writer(self, rules: TableRules) -> CarefulFewRowsWriter:
        return CarefulFewRowsWriter(self, rules)


class _Tries:
    """What can be tried with rows of a table without harm to the transaction."""

    def __init__(self, transaction: SqliteTransaction, rules: TableRules) -> None:
        self._transaction = transaction
        self._rules = rules
        self.judged = SqliteRefusals(transaction.driver(), rules)

    def tried(self, put_in: Callable[[], Refusal | None]) -> Refusal | None:
        """Why rows cannot be put in; then nothing of it stays. Raises what the judge knows of."""
        driver = self._transaction.driver()
        driver.execute("SAVEPOINT rowferry_try")
        try:
            refusal = put_in()
        except (sqlite3.Error, ForeignKeyBroken) as error:
            # A trigger may have ended the transaction, and with it all savepoints.
            refusal = self.judged.refusal(error) if driver.in_transaction else None
            if refusal is None:
                raise
        if refusal:
            driver.execute("ROLLBACK TO rowferry_try")
        driver.execute("RELEASE rowferry_try")
        return refusal
