"""The way into a table of SQLite.

While the source is read, rows wait in a file that SQLite can attach (`sqlite_image`), so that other writers wait only
while the rows are published, which is one statement.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, TableClause

from rowferry.backends.plan import EQUAL, Statement, known_table, named_table, numbered_table
from rowferry.backends.referred_keys import ReferredKeys
from rowferry.backends.sqlite.beyond import checks_more, defer_references, foreign_keys_told, may_rewrite, or_abort
from rowferry.backends.sqlite.plan import SqlitePlan, as_text
from rowferry.backends.sqlite.referring import referring_columns_indexed
from rowferry.backends.sqlite.stage import SqliteStage
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.backends.sqlite.values import stored, stored_column
from rowferry.backends.staged import StagedWriter
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.errors import ParentsVanished
from rowferry.kinds.integers import INTEGER

CACHE, CACHE_OF_A_PASS = -65_536, -2_000
"""How much of the database a connection keeps in memory, in KiB, negative as SQLite wants it.

Pages that pass by only once go faster through memory that fits into the processor.
"""

_ROWS_A_STATEMENT = 100
MOST_PARAMETERS = 32_000
"""So many values may be bound to a statement."""

_BULK_ROWS = 10_000
"""From this many rows on, checking what they refer to as a set pays off."""

_MOST_STAGES = 9
"""SQLite attaches ten files, unless it was built to attach more."""


class SqliteTransaction:
    """A transaction that takes the database's only write lock as late as it can."""

    def __init__(self, connection: Connection, stages: Path | None = None) -> None:
        self.connection = connection
        self.notes: dict[str, list[str]] = {}
        self.checks_references = True
        self.locked = False
        self._stage_path = stages
        self._stages: list[SqliteStage] = []
        self._writers: list[SqliteWriter] = []
        self.at_end: set[Callable[[], None]] = set()

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        self.insert(table.name, rows)

    def stage(self, writer: "SqliteWriter") -> SqliteStage:
        """Where the rows of a writer wait; it has been sealed once one of them was compared."""
        assert self._stage_path is not None  # noqa: S101  # a short transaction has no such writers
        self._writers.append(writer)
        if not self._stages or self._stages[-1].sealed:
            name = f"rowferry_stage_{len(self._stages)}"
            path = self._stage_path.with_name(f"{self._stage_path.name}-{name}")
            self._stages.append(SqliteStage(path, name, self._encoding))
        return self._stages[-1]

    def can_seal_more(self) -> bool:
        """Whether SQLite could attach one more stage, besides the last one."""
        return len(self._stages) < _MOST_STAGES

    def lock(self, *, early: bool = False) -> None:
        """Let nobody else write until the end of the transaction, which has changed nothing so far.

        Where many rows are coming, SQLite leaves out its check of references row by row: each writer makes it once
        for all its rows, and nobody can delete what they refer to any more. It is left out as well where it is too
        `early` for that: what rows refer to may come after them. It never is where SQLite has more to check or to do.
        """
        if self.locked:
            return
        leave_out = early or any(writer.checks_all_references() for writer in self._writers)
        self._begin(checks_references=not leave_out)
        # Only now nobody can give a table more to check.
        if leave_out and any(writer.checks_more() for writer in self._writers):
            self.unlock()
            self._begin(checks_references=True)

    def unlock(self) -> None:
        """Undo all that was done since `lock`, and let others write."""
        self.connection.exec_driver_sql("ROLLBACK")
        self.connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        self.connection.exec_driver_sql("BEGIN")
        self.checks_references, self.locked = True, False

    def _begin(self, *, checks_references: bool) -> None:
        self.connection.exec_driver_sql("COMMIT")
        if not checks_references:
            self.connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        self.checks_references, self.locked = checks_references, True

    def end(self) -> None:
        """Check what can only be known once all is in."""
        for check in self.at_end:
            check()

    def close(self) -> None:
        """Leave the connection as it was, once the transaction has ended."""
        # An interrupted statement costs SQLAlchemy its connection, and with it goes what was attached.
        driver = None if self.connection.invalidated else self.driver()
        if driver is not None:
            driver.rollback()  # a commit that was refused has not ended it
        for stage in self._stages:
            stage.close(driver)
        if driver is not None:
            driver.execute("PRAGMA foreign_keys = ON")
            driver.execute(f"PRAGMA main.cache_size = {CACHE}")

    def driver(self) -> sqlite3.Connection:
        return driver_of(self.connection)

    @cached_property
    def _encoding(self) -> str:
        return str(self.driver().execute("PRAGMA main.encoding").fetchone()[0])

    def insert(self, table: str, rows: pa.RecordBatch) -> int:
        """Insert rows into a table, many with each statement; how many the database inserted."""
        names, width = rows.schema.names, rows.num_columns
        flat: list[Any] = [None] * (width * rows.num_rows)
        for at, column in enumerate(rows.columns):
            flat[at::width] = stored(column)
        driver = self.driver()
        verb = f"INSERT {or_abort(driver, table)}"
        into = f"{verb} INTO main.{quoted(table)} ({', '.join(map(quoted, names))}) VALUES "
        row = f"({', '.join('?' * width)})"
        many = max(1, min(_ROWS_A_STATEMENT, MOST_PARAMETERS // width))
        whole = rows.num_rows // many * many * width
        step = many * width
        by_many = (flat[at : at + step] for at in range(0, whole, step))
        singly = (flat[at : at + width] for at in range(whole, len(flat), width))
        inserted = driver.executemany(into + ", ".join([row] * many), by_many).rowcount
        return inserted + driver.executemany(into + row, singly).rowcount


class SqliteWriter(StagedWriter):
    """Rows wait in a file of their own."""

    _plan: SqlitePlan

    def __init__(self, transaction: SqliteTransaction, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(rules, dry_run=dry_run)
        self._transaction = transaction
        self._main = f"main.{quoted(rules.name)}"
        self._referred = ReferredKeys(rules)
        self._waiting = transaction.stage(self)
        stage, self._table = self._waiting.table(list(map(quoted, _staged(rules))))
        self._as_given = f"{self._waiting.name}.{stage}"
        self._suffix = f"{self._waiting.name}_{stage}"
        self._plan = self._planned(numbered_table(stage, rules.names, self._waiting.name))

    def _planned(self, stage: TableClause) -> SqlitePlan:
        table = named_table(self._rules.name, self._rules.names, "main")
        return SqlitePlan(self._rules, table, stage, known_table(f"rowferry_known_{self._suffix}", schema="temp"))

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return self._rows

    def checks_all_references(self) -> bool:
        """Whether what rows refer to is better checked at once: of many, or of those that may refer to later ones.

        As long as one of these lacks its parent, SQLite would read the whole table for each row that comes in.
        """
        return (self._rows >= _BULK_ROWS and bool(self._rules.references)) or bool(self._rules.circular)

    def checks_more(self) -> bool:
        """Whether SQLite has more to check or to do when rows come in than the model tells."""
        return checks_more(self._transaction.driver(), self._rules)

    def end(self) -> None:
        self._table.end()

    def attach(self) -> None:
        """Show the rows that wait to the database, which nobody changes any more before they are in."""
        self._waiting.attach(self._transaction.driver())
        self._plan = replace(self._plan, resolving=or_abort(self._transaction.driver(), self._rules.name))

    def seal(self) -> None:
        """End it, and let whatever comes after it wait in another file."""
        self.end()
        self._waiting.seal()

    def require_parents(self) -> None:
        """Raise ParentsVanished if a row refers to one that is not there, unless the database checks that."""
        if not self._transaction.checks_references:
            self._require_parents()

    def _run(self, statement: Statement) -> sqlite3.Cursor:
        return self._execute(as_text(statement))

    def _fill(self, rows: pa.RecordBatch) -> None:
        self._referred.add(rows)
        columns = [stored_column(rows.column(name)) for name in _staged(self._rules)]
        self._table.write(rows.column(rows.num_columns - 1).to_numpy(), columns)

    def _lock(self) -> None:
        self._transaction.lock()

    def _meets_known_keys(self) -> bool:
        self.attach()
        return bool(self._rules.key and self._goes_by_unusual_keys()) or super()._meets_known_keys()

    def _make_known(self) -> None:
        known = f"temp.rowferry_known_{self._suffix}"
        self._execute(f"DROP TABLE IF EXISTS {known}")
        self._execute(f"CREATE TABLE {known} ({ROW_NUMBER} INTEGER PRIMARY KEY, {EQUAL} INTEGER)")

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        self._transaction.at_end.add(self._require_unique)
        self.require_parents()
        defer_references(self._transaction.driver(), self._rules)
        with foreign_keys_told(self._transaction.driver(), self._rules, self._require_parents):
            yield

    def _insert(self) -> int:
        if self._range.rises and not self._has_indexes():
            self._execute(f"PRAGMA main.cache_size = {CACHE_OF_A_PASS}")
        return super()._insert()

    def _update(self) -> int:
        driver, rules = self._transaction.driver(), self._rules
        try:
            with referring_columns_indexed(driver, rules, self._comparison.different, rules.values):
                return super()._update()
        except sqlite3.IntegrityError as error:
            is_unique = error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE
            if not (is_unique and may_rewrite(driver, rules)):
                raise
            return self._rewrite()

    def _goes_by_unusual_keys(self) -> bool:
        """Spell keys as the table does, where others wrote them in another form; whether there are any."""
        key = [self._rules.by_name[name] for name in self._rules.key]
        unusual = UnusualKeys(self._transaction.driver(), self._rules.name, key)
        wanted = ", ".join(f"{quoted(name)} AS wanted_{at}" for at, name in enumerate(self._rules.key))
        forms = f"temp.rowferry_forms_{self._suffix}"
        if not unusual.possible or not unusual.keep(forms, f"SELECT {wanted} FROM {self._as_given}"):
            return False
        spelled = f"rowferry_spelled_{self._suffix}"
        names = ", ".join(map(quoted, self._rules.names))
        raw = {name: f"iif(f.form_0 IS NULL, s.{quoted(name)}, f.raw_{at})" for at, name in enumerate(self._rules.key)}
        values = ", ".join(raw.get(name, f"s.{quoted(name)}") for name in self._rules.names)
        same = " AND ".join(f"f.form_{at} = s.{quoted(name)}" for at, name in enumerate(self._rules.key))
        self._execute(f"DROP TABLE IF EXISTS temp.{spelled}")
        self._execute(f"CREATE TABLE temp.{spelled} (rowferry_row_number INTEGER PRIMARY KEY, {names})")
        rows = f"SELECT rowferry_row_number, {values} FROM {self._as_given} s LEFT JOIN {forms} f ON {same}"
        self._execute(f"INSERT INTO temp.{spelled} {rows}")
        self._plan = replace(self._plan, stage=numbered_table(spelled, self._rules.names, "temp"))
        return True

    def _has_indexes(self) -> bool:
        find = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?, 'main'))"
        return bool(self._execute(find, (self._rules.name,)).fetchone()[0])

    def _require_unique(self) -> None:
        equal = f"SELECT rowferry_row_number FROM temp.rowferry_known_{self._suffix} WHERE equal"
        changed = f" WHERE rowferry_row_number NOT IN ({equal})" if self._has_known else ""
        for names in self._rules.unique:
            wanted = ", ".join(f"{quoted(name)} AS wanted_{at}" for at, name in enumerate(names))
            key = [self._rules.by_name[name] for name in names]
            unusual = UnusualKeys(self._transaction.driver(), self._rules.name, key)
            unusual.require_apart(f"SELECT {wanted} FROM {self._as_given}{changed}")

    def _require_circular(self) -> None:
        self._require(self._rules.circular)

    def _require_parents(self) -> None:
        self._require(self._rules.straight)

    def _require(self, references: Iterable[Reference]) -> None:
        for reference in references:
            keys = self._referred.keys(reference)
            if keys is not None:
                require_keys(self._transaction.driver(), reference, keys)
                continue
            parent = named_table(reference.parent, reference.targets, "main").alias("p")
            if self._run(self._plan.lacks_parent(reference, parent)).fetchone()[0]:
                raise ParentsVanished

    def _execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self._transaction.driver().execute(statement, parameters)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The connection of the driver."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # for the type checker
    return driver


def require_keys(driver: sqlite3.Connection, reference: Reference, keys: pa.Array) -> None:
    """Raise ParentsVanished unless the parent of a reference has all keys; to it, different ones may be the same."""
    parent, target = quoted(reference.parent), quoted(reference.targets[0])
    there = f"SELECT 1 FROM main.{parent} p WHERE p.{target} = j.value"
    find = f"SELECT EXISTS (SELECT 1 FROM json_each(?) j WHERE NOT EXISTS ({there}))"
    if driver.execute(find, (json.dumps(stored(keys)),)).fetchone()[0]:
        raise ParentsVanished


def _staged(rules: TableRules) -> list[str]:
    """The columns of a table in the order in which they are written fastest: those of fixed width first."""
    return sorted(
        rules.names, key=lambda name: not rules.by_name[name].required or rules.by_name[name].kind is not INTEGER
    )
