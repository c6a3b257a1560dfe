"""Into SQLite, rows go into their table while more of them are read: the outcome is that of one insert at the end."""

import gzip
import random
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from loading import Tables, counts, employees
from owning import HEAD, ServiceOf
from rowferry import ledger
from rowferry.backends.sqlite import appending as sqlite_appending
from rowferry.backends.sqlite.appending import EarlyInserts, Part
from rowferry.backends.sqlite.writer import SqliteTransaction
from rowferry.errors import SourceBroken, TooManyRefused
from rowferry.operations.ingest import Ingest
from speaking import only_sqlite

pytestmark = only_sqlite

MANY = 40_000

SHIPS = HEAD + 'ships = Table("ships", metadata, Column("id", Integer, primary_key=True), Column("name", String(60)))\n'


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """Parts that went into a table early; they do as soon as there are some rows."""
    monkeypatch.setattr(sqlite_appending, "_ROWS_OF_A_PART", 1_000)
    monkeypatch.setattr(sqlite_appending, "_INSERTS_TO_WRITES", 1e9)
    return seen(monkeypatch, Part, "insert")


def seen(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[Any]:
    """Whose method of a name was called to its end, from now on."""
    called: list[Any] = []
    method = getattr(owner, name)

    def note(self: Any, *args: Any, **keywords: Any) -> None:
        method(self, *args, **keywords)
        called.append(self)

    monkeypatch.setattr(owner, name, note)
    return called


def path_of(tables: Tables) -> Path:
    database = tables.service.settings.url.database
    assert database is not None
    return Path(database)


def require_sound(tables: Tables, rows: int) -> None:
    """The table has so many rows, the database is whole, and nothing is left beside it."""
    with closing(sqlite3.connect(path_of(tables))) as database:
        assert database.execute("SELECT count(*) FROM hired_employees").fetchone() == (rows,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert not list(path_of(tables).parent.glob("*stage*"))


def shuffled(content: str) -> str:
    lines = content.splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    return "".join(lines)


@pytest.mark.parametrize("order", [str, shuffled])
def test_into_an_empty_table_in_whatever_order(tables: Tables, early: list[Part], order: Callable[[str], str]) -> None:
    tables.with_parents()
    receipt = tables.put("hired_employees.csv", order(employees(MANY)) + "1,Twice,2021-01-01 00:00,1,1\nx\n")
    assert counts(receipt) == (MANY + 2, MANY, 0, 0, 2)
    assert early
    require_sound(tables, MANY)
    assert counts(tables.load(tables.folder / "hired_employees.csv")) == (MANY + 2, 0, 0, MANY, 2)


def test_rows_behind_those_that_went_in_early_need_no_second_attempt(
    tables: Tables, early: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.with_parents()
    attempts = seen(monkeypatch, Ingest, "read")
    assert counts(tables.put("hired_employees.csv", employees(MANY))) == (MANY, MANY, 0, 0, 0)
    assert early
    assert len(attempts) == 1
    require_sound(tables, MANY)


def test_a_clause_that_would_replace_what_is_missing_is_overridden(service_of: ServiceOf, tmp_path: Path) -> None:
    ships = Tables(service_of(SHIPS), tmp_path)
    ships.execute("DROP TABLE ships")
    clause = "NOT NULL ON CONFLICT REPLACE DEFAULT 'nameless'"
    ships.execute(f"CREATE TABLE ships (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60) {clause})")
    rows = "".join(f"{key},{'' if key == 7 else f'Ship {key:050}'}\n" for key in range(1, MANY + 1))
    assert counts(ships.put("ships.csv", rows)) == (MANY, MANY - 1, 0, 0, 1)
    assert ships.codes() == [(7, ["database.not_null"])]
    assert ships.count("ships WHERE name = 'nameless'") == 0


def test_many_parents_of_the_same_load_go_in_behind_their_children(tables: Tables, early: list[Part]) -> None:
    departments = tables.write("departments.csv", "".join(f"{key},Department {key:030}\n" for key in range(1, MANY)))
    jobs = tables.write("jobs.csv", "1,Clerk\n2,Lawyer\n3,Manager\n")
    children = "".join(f"{key},Ann,2021-01-01 00:00,{key + 100},1\n" for key in range(1, MANY))
    receipt = tables.load(departments, jobs, tables.write("hired_employees.csv", children))
    assert receipt.total("inserted") == (MANY - 1) + 3 + (MANY - 101)
    assert receipt.tables[2].rejected_by_code == {"reference.missing": 100}
    assert {part.table for part in early} == {"hired_employees"}
    require_sound(tables, MANY - 101)


def test_rows_that_the_table_has_come_after_new_ones(tables: Tables, early: list[Part]) -> None:
    tables.with_parents().put("hired_employees.csv", employees(100))
    content = employees(MANY - 100, first=101) + employees(100)
    assert counts(tables.put("hired_employees.csv", content)) == (MANY, MANY - 100, 0, 100, 0)
    assert early
    require_sound(tables, MANY)


@pytest.mark.parametrize(
    ("on_conflict", "expected"),
    [
        ("reject", (MANY, MANY - 100, 0, 99, 1)),
        ("skip", (MANY, MANY - 100, 0, 100, 0)),
        ("update", (MANY, MANY - 100, 1, 99, 0)),
    ],
)
def test_rows_that_differ_from_the_table_are_met_as_usual(
    tables: Tables, on_conflict: str, expected: tuple[int, ...]
) -> None:
    lines = employees(MANY).splitlines(keepends=True)
    tables.with_parents().put("hired_employees.csv", "".join(lines[:100]).replace(lines[0], "1,Other,2021-01-01,1,1\n"))
    tables.put("hired_employees.csv", "1,Other,2021-01-01T00:00:00Z,1,1\n" + "".join(lines[1:100]))
    assert counts(tables.put("hired_employees.csv", "".join(lines), on_conflict=on_conflict)) == expected
    require_sound(tables, MANY)


def test_keys_between_those_of_the_table_wait_for_the_end(tables: Tables, early: list[Part]) -> None:
    tables.with_parents().put("hired_employees.csv", f"{MANY * 2},Kept,2021-01-01T00:00:00Z,1,1\n")
    assert counts(tables.put("hired_employees.csv", employees(MANY))) == (MANY, MANY, 0, 0, 0)
    assert not early
    require_sound(tables, MANY + 1)


def test_others_do_not_wait_for_rows_that_do_not_come(
    tables: Tables, early: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.with_parents()
    monkeypatch.setattr(sqlite_appending, "_PATIENCE", -1.0)
    begin, unlock = EarlyInserts.begin, SqliteTransaction.unlock

    def begin_and_wait(self: EarlyInserts, part: Part) -> None:
        """So that more is read once the rows are in, however slow the machine is."""
        begin(self, part)
        self.wait()

    monkeypatch.setattr(EarlyInserts, "begin", begin_and_wait)

    def write_then(self: SqliteTransaction) -> None:
        unlock(self)
        with closing(sqlite3.connect(path_of(tables), timeout=0)) as other, other:
            other.execute("INSERT INTO hired_employees VALUES (77, 'Other', '2021-01-01 00:00:00.000000', 1, 1)")

    monkeypatch.setattr(SqliteTransaction, "unlock", write_then)
    receipt = tables.put("hired_employees.csv", employees(MANY))
    assert early
    assert receipt.tables[0].rejected_by_code == {"key.conflict": 1}
    assert counts(receipt) == (MANY, MANY - 1, 0, 0, 1)
    require_sound(tables, MANY)


def test_somebody_adds_a_key_before_the_first_insert(
    tables: Tables, early: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.with_parents()
    lock = SqliteTransaction.lock

    def write_first(self: SqliteTransaction, *, early: bool = False) -> None:
        if early:
            tables.execute("INSERT INTO hired_employees VALUES (77, 'Other', '2021-01-01 00:00:00.000000', 1, 1)")
        lock(self, early=early)

    monkeypatch.setattr(SqliteTransaction, "lock", write_first)
    receipt = tables.put("hired_employees.csv", employees(MANY))
    assert not early
    assert counts(receipt) == (MANY, MANY - 1, 0, 0, 1)
    require_sound(tables, MANY)


def test_parents_deleted_before_the_first_insert_are_missed(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.with_parents()
    begin = EarlyInserts.begin

    def delete_first(self: EarlyInserts, part: Part) -> None:
        if part.inserted is None and not self._parts:
            tables.execute("DELETE FROM departments WHERE id = 3")
        begin(self, part)

    monkeypatch.setattr(EarlyInserts, "begin", delete_first)
    receipt = tables.put("hired_employees.csv", employees(MANY))
    assert receipt.tables[0].rejected_by_code == {"reference.missing": MANY // 3}
    require_sound(tables, MANY - MANY // 3)


def test_a_source_that_breaks_off_leaves_nothing(tables: Tables, early: list[Part]) -> None:
    tables.with_parents()
    packed = gzip.compress(shuffled(employees(4 * MANY)).encode())
    tables.fail(SourceBroken, tables.write("hired_employees.csv.gz", packed[:-1_000]))
    assert early
    require_sound(tables, 0)
    with tables.service.backend.engine.connect() as connection:
        assert ledger.list_loads(connection, limit=1)[0]["status"] == "failed"
    tables.execute("INSERT INTO departments VALUES (9, 'Not locked')")


@pytest.mark.usefixtures("few_refused")
def test_what_the_database_refuses_ends_the_load(tables: Tables) -> None:
    tables.with_parents().execute("CREATE UNIQUE INDEX one_name ON hired_employees (name)")
    content = "".join(f"{key},Ann,2021-01-01 00:00,1,1\n" for key in range(1, MANY))
    tables.fail(TooManyRefused, tables.write("hired_employees.csv", content))
    require_sound(tables, 0)


def test_the_first_insert_waits_for_another_writer(tables: Tables, early: list[Part]) -> None:
    tables.with_parents()
    path = tables.write("hired_employees.csv", employees(MANY))
    with closing(sqlite3.connect(path_of(tables), isolation_level=None)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        load = pool.submit(tables.load, path)
        threading.Event().wait(0.5)
        assert not load.done()
        assert not early
        other.execute("ROLLBACK")
        assert counts(load.result(60)) == (MANY, MANY, 0, 0, 0)
    assert early
    require_sound(tables, MANY)


def test_a_cancelled_load_leaves_nothing(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.with_parents()

    def cancelled(self: Part) -> None:
        tables.service.backend.cancel()
        self._execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")

    monkeypatch.setattr(Part, "insert", cancelled)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(tables.put, "hired_employees.csv", employees(4 * MANY))
        while not load.done():
            tables.service.backend.cancel()
            threading.Event().wait(0.05)
        assert load.exception() is not None
    require_sound(tables, 0)
