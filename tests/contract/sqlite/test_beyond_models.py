"""What others gave a table of SQLite beyond its model holds however many rows come: foreign keys, triggers, clauses."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from batching import Batches, codes, employee
from loading import Tables, counts, employees
from rowferry.backends.sqlite import appending as sqlite_appending
from rowferry.backends.sqlite.appending import AppendingSqliteWriter
from rowferry.errors import TooManyRefused
from rowferry.operations import full_bulk_insert
from rowferry.sources.csv import byte_source
from speaking import only_sqlite

pytestmark = [only_sqlite, pytest.mark.usefixtures("few_refused")]

ROWS = 2_000
"""So few that a test is quick; which way they go is not left to their number."""

COLUMNS = """
id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL {on_name}, datetime DATETIME NOT NULL,
department_id INTEGER NOT NULL REFERENCES departments, job_id INTEGER NOT NULL {on_job}
"""


@pytest.fixture(params=["few", "many", "early"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows come: few, many, or many of which some go in before all are read."""
    if request.param != "few":
        monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 0)
        monkeypatch.setattr(byte_source, "BLOCK_BYTES", 10_000)
    if request.param == "early":
        monkeypatch.setattr(sqlite_appending, "_ROWS_OF_A_PART", 300)
        monkeypatch.setattr(sqlite_appending, "_INSERTS_TO_WRITES", 1e9)
    return ROWS


@pytest.fixture
def remade(tables: Tables) -> Callable[..., None]:
    """Makes hired_employees anew, with more clauses than its model has."""
    tables.with_parents()

    def remake(on_name: str = "", on_job: str = "REFERENCES Jobs (ID)") -> None:
        tables.execute("DROP TABLE hired_employees")
        tables.execute(f"CREATE TABLE hired_employees ({COLUMNS.format(on_name=on_name, on_job=on_job)})")

    return remake


def broken_references(tables: Tables) -> int:
    database = tables.service.settings.url.database
    assert database is not None
    with closing(sqlite3.connect(Path(database))) as other:
        return len(other.execute("PRAGMA foreign_key_check").fetchall())


def require_refused(tables: Tables, content: str, *, rows: int = 0, told: str = "that its triggers write") -> None:
    """The content does not get into hired_employees, and no reference of the database is broken."""
    error = tables.fail(TooManyRefused, tables.write("hired_employees.csv", content))
    assert told in error.message
    assert tables.count("hired_employees") == rows
    assert broken_references(tables) == 0


def test_a_foreign_key_that_the_model_has_not(tables: Tables, remade: Callable[..., None], size: int) -> None:
    tables.execute("CREATE TABLE names (name VARCHAR(255) PRIMARY KEY)")
    remade(on_name="REFERENCES names")
    require_refused(tables, employees(size), told="name does not refer to any row of names (name)")
    receipt = Batches(tables).put({"hired_employees": [employee(1)]})
    assert codes(receipt) == [("hired_employees", 0, [("name", "database.foreign_key")])]
    tables.execute(
        f"INSERT INTO names WITH n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < {size}) "
        "SELECT 'Name ' || i FROM n"
    )
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size, 0, 0, 0)
    assert counts(tables.put("hired_employees.csv", employees(size + 1))) == (size + 1, 0, 0, size, 1)
    assert tables.codes() == [(size + 1, ["database.foreign_key"])]


def test_a_foreign_key_that_is_checked_at_the_commit(tables: Tables, remade: Callable[..., None], size: int) -> None:
    tables.execute("CREATE TABLE names (name VARCHAR(255) PRIMARY KEY)")
    remade(on_name="REFERENCES names DEFERRABLE INITIALLY DEFERRED")
    require_refused(tables, employees(size), told="name does not refer to any row of names (name)")
    remade()
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size, 0, 0, 0)


def test_a_foreign_key_to_another_table_than_the_model_has(
    tables: Tables, remade: Callable[..., None], size: int
) -> None:
    tables.execute("CREATE TABLE others (id INTEGER PRIMARY KEY)")
    remade(on_job="REFERENCES others")
    require_refused(tables, employees(size), told="job_id does not refer to any row of others (id)")


def test_a_foreign_key_of_a_table_that_refers_to_nothing_in_the_model(tables: Tables, size: int) -> None:
    tables.execute("CREATE TABLE names (name VARCHAR(255) PRIMARY KEY)")
    tables.execute("DROP TABLE departments")
    tables.execute("CREATE TABLE departments (id INTEGER PRIMARY KEY, department VARCHAR(255) REFERENCES names)")
    content = "".join(f"{key},Department number {key}\n" for key in range(1, size + 1))
    tables.fail(TooManyRefused, tables.write("departments.csv", content))
    assert tables.count("departments") == broken_references(tables) == 0


def test_a_foreign_key_of_a_column_that_rows_leave_out(tables: Tables) -> None:
    tables.execute("CREATE TABLE regions (id INTEGER PRIMARY KEY)", "INSERT INTO regions VALUES (1)")
    tables.execute("DROP TABLE departments")
    tables.execute(
        "CREATE TABLE departments (id INTEGER PRIMARY KEY, department VARCHAR(255) CHECK (department <> 'Bad'), "
        "region INTEGER DEFAULT 1 REFERENCES regions)"
    )
    assert counts(tables.put("departments.csv", "1,Sales\n2,Bad\n3,Legal\n")) == (3, 2, 0, 0, 1)
    rows = [{"id": key, "department": name} for key, name in ((4, "Art"), (5, "Bad"))]
    assert codes(Batches(tables).put({"departments": rows})) == [("departments", 1, [(None, "database.check")])]


def test_what_a_trigger_writes_is_checked(tables: Tables, size: int) -> None:
    tables.with_parents()
    tables.execute("CREATE TABLE bosses (no INTEGER PRIMARY KEY)")
    tables.execute("CREATE TABLE audits (employee INTEGER, boss INTEGER REFERENCES bosses)")
    tables.execute(
        "CREATE TRIGGER audit AFTER INSERT ON Hired_Employees BEGIN INSERT INTO audits VALUES (new.id, 5); END"
    )
    require_refused(tables, employees(size))
    tables.execute("INSERT INTO bosses VALUES (5)")
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size, 0, 0, 0)
    assert tables.count("audits") == size


def test_what_refers_to_another_column_than_the_key(tables: Tables, size: int) -> None:
    tables.with_parents().put("hired_employees.csv", employees(size))
    tables.execute("CREATE UNIQUE INDEX one_name ON hired_employees (name)")
    tables.execute("CREATE TABLE doors (name VARCHAR(255) REFERENCES hired_employees (name))")
    tables.execute("INSERT INTO doors VALUES ('Name 5')")
    path = tables.write("hired_employees.csv", employees(size).replace("Name", "New name"))
    assert counts(tables.load(path, on_conflict="update")) == (size, 0, size - 1, 0, 1)
    assert tables.codes() == [(5, ["database.foreign_key"])]
    assert broken_references(tables) == 0
    tables.execute("DROP TABLE doors")
    tables.execute("CREATE TABLE doors (name VARCHAR(255) REFERENCES hired_employees (name) ON UPDATE CASCADE)")
    tables.execute("INSERT INTO doors VALUES ('Name 5')")
    assert counts(tables.load(path, on_conflict="update")) == (size, 0, 1, size - 1, 0)
    with tables.service.backend.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM doors").scalar_one() == "New name 5"


def test_a_trigger_that_is_made_while_the_source_is_read(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 0)
    tables.with_parents()
    tables.execute("CREATE TABLE audits (boss INTEGER REFERENCES jobs)")
    end = AppendingSqliteWriter.end

    def make_first(self: AppendingSqliteWriter) -> None:
        end(self)
        trigger = "CREATE TRIGGER IF NOT EXISTS audit AFTER INSERT ON hired_employees"
        tables.execute(f"{trigger} BEGIN INSERT INTO audits VALUES (9); END")

    monkeypatch.setattr(AppendingSqliteWriter, "end", make_first)
    require_refused(tables, employees(ROWS))


def test_many_keys_above_a_text(tables: Tables, size: int) -> None:
    tables.with_parents().execute("DROP TABLE hired_employees")
    columns = COLUMNS.format(on_name="", on_job="").replace("id INTEGER NOT NULL PRIMARY KEY", "id BIGINT PRIMARY KEY")
    tables.execute(f"CREATE TABLE hired_employees ({columns})")
    tables.execute("INSERT INTO hired_employees VALUES ('old-1', 'Ann', '2021-01-01 00:00:00.000000', 1, 1)")
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size, 0, 0, 0)
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, 0, 0, size, 0)
    assert tables.count("hired_employees") == size + 1


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE", "ROLLBACK"])
def test_a_unique_column_with_a_clause_of_its_own(
    tables: Tables, remade: Callable[..., None], size: int, clause: str
) -> None:
    remade(on_name=f"UNIQUE\n  ON CONFLICT {clause}")
    good = employees(size)
    content = good.replace("Name 9,", "Name 8,")
    assert counts(tables.put("hired_employees.csv", content)) == (size, size - 1, 0, 0, 1)
    assert tables.codes() == [(9, ["database.unique"])]
    assert counts(tables.put("hired_employees.csv", good)) == (size, 1, 0, size - 1, 0)
    assert tables.count("hired_employees") == size
    assert counts(tables.put("hired_employees.csv", content, on_conflict="update")) == (size, 0, 0, size - 1, 1)
    rows = [employee(-1, name="Ann"), employee(-2, name="Ann")]
    receipt = Batches(tables).put({"hired_employees": rows})
    assert codes(receipt) == [("hired_employees", 1, [("name", "database.unique")])]
    assert tables.count("hired_employees") == size + 1


def test_a_trigger_keeps_its_own_clause(tables: Tables, size: int) -> None:
    tables.with_parents().execute("CREATE TABLE seen (department INTEGER UNIQUE)")
    tables.execute(
        "CREATE TRIGGER seeing AFTER INSERT ON hired_employees "
        "BEGIN INSERT OR IGNORE INTO seen VALUES (new.department_id); END"
    )
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size, 0, 0, 0)
    assert tables.count("seen") == 3


def test_rows_that_a_trigger_passes_over_are_rejected(tables: Tables, size: int) -> None:
    tables.with_parents().execute(
        "CREATE TRIGGER passing BEFORE INSERT ON hired_employees WHEN new.id = 7 BEGIN SELECT RAISE(IGNORE); END"
    )
    assert counts(tables.put("hired_employees.csv", employees(size))) == (size, size - 1, 0, 0, 1)
    assert tables.codes() == [(7, ["database.passing"])]
    for number in (1, 150):
        rows = [employee(7), *(employee(key) for key in range(50_000, 49_999 + number))]
        receipt = Batches(tables).put({"hired_employees": rows})
        assert codes(receipt) == [("hired_employees", 0, [(None, "database.passing")])]
    assert tables.count("hired_employees") == size - 1 + 149
